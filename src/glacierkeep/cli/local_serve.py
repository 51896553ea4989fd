"""gk local serve."""

import contextlib
import dataclasses
import os
import shlex
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options, params
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import CannotListen, ConfigError, Exit, UsageError
from glacierkeep.events import RequestAnswered

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring
    from glacierkeep.local.serving import Answered, Server, Tell
    from glacierkeep.local.wire.keys import Keys

PORT = 8440


@dataclass(frozen=True, slots=True)
class LocalServer:
    """The local Glacier as it is served: at *url*, to holders of a key in the file *credentials*, or to everyone."""

    url: str
    credentials: Path | None
    region: str
    account: str
    realistic: bool


@click.command(
    "serve",
    epilog=epilog(
        "gk local serve",
        "gk local serve --port 0 --realistic --json",
        "gk local serve --no-signatures -v",
        exits=(Exit.DONE, Exit.FAILED, Exit.NO_VAULT),
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen at this address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Listen at this port; 0: any that is free.",
)
@click.option("--realistic", is_flag=True, help="Let jobs and inventories take the hours they take.")
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The credentials file with the keys that may sign.  [default: one that is made at first]",
)
@click.option("--no-signatures", is_flag=True, help="Check no signatures: whoever comes is believed.")
@click.option("--region", default="us-east-1", show_default=True, help="The region of who names none.")
@click.option("--account", default="000000000000", show_default=True, help="The account of who names none.")
@click.option(
    "--fault",
    "faults",
    type=params.Pattern(),
    multiple=True,
    metavar="RULE",
    help="Let something go wrong, such as 'throttle UploadArchive count=3'; may be given again.",
)
@click.option("--sns-endpoint-url", metavar="URL", help="Publish notifications at this endpoint for SNS.")
@options.everywhere
@options.with_wiring
def command(
    wiring: "Wiring",
    host: str,
    port: int,
    realistic: bool,
    keys: Path | None,
    no_signatures: bool,
    region: str,
    account: str,
    faults: tuple[str, ...],
    sns_endpoint_url: str | None,
) -> None:
    """Serve the local Glacier over HTTP, to the AWS command line and every SDK.

    It prints where it is and what to tell clients, and works until it is stopped with Ctrl-C or SIGTERM: then
    requests under way have 30 seconds to be answered. A second Ctrl-C stops at once. -v shows each request.
    """
    from glacierkeep.local.serving import serve

    if keys and no_signatures:
        raise UsageError("--keys and --no-signatures contradict each other")
    credentials = None if no_signatures else keys or _own_credentials(wiring)
    service = wiring.local_service(
        realistic=realistic,
        region=region,
        account=account,
        keys=_keys_in(credentials, account) if credentials else None,
        faults=faults,
        sns_endpoint_url=sns_endpoint_url,
    )
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(serve(service, host, port, tell=_telling(wiring)))
        except (OSError, UnicodeError) as error:
            raise CannotListen(f"cannot listen at {host}, port {port}: {_reason(error)}") from error
        stop = wiring.stop
        _announce(wiring, server, LocalServer(server.url, credentials, region, account, realistic))
        # Not heeded but asked: to be stopped is how a server's work is done.
        while not stop.asked:
            if not server.wait(0.2):
                raise RuntimeError("the server has stopped by itself")


def _own_credentials(wiring: "Wiring") -> Path:
    from glacierkeep.config.paths import make_private
    from glacierkeep.local.wire.keys import make_keys_file

    file = make_private(wiring.homes.local) / "credentials"
    make_keys_file(file)
    return file


def _keys_in(file: Path, account: str) -> "Keys":
    from glacierkeep.local.wire.keys import read_keys

    try:
        return read_keys(file, account)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _telling(wiring: "Wiring") -> "Tell | None":
    """Who hears of each request; nobody, unless -v is said."""
    if not wiring.options.verbose:
        return None

    def tell(answered: "Answered") -> None:
        wiring.listener(RequestAnswered(**dataclasses.asdict(answered)))

    return tell


def _announce(wiring: "Wiring", server: "Server", record: LocalServer) -> None:
    if not server.loopback:
        risk = "nothing is encrypted on the way"
        if not record.credentials:
            risk = f"whoever does can read and delete everything, and {risk}"
        wiring.note("open-to-others", f"other machines can reach this server: {risk}")
    wiring.show(record, _described)
    sys.stdout.flush()


def _described(server: LocalServer) -> str:
    settings = {"AWS_ENDPOINT_URL_GLACIER": server.url}
    if server.credentials:
        settings["AWS_SHARED_CREDENTIALS_FILE"] = str(server.credentials.absolute())
    else:
        settings |= {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    settings["AWS_DEFAULT_REGION"] = server.region
    lines = (f"  export {name}={shlex.quote(value)}" for name, value in settings.items())
    return "\n".join(
        (
            f"the local Glacier is at {server.url} until Ctrl-C",
            "to use it from another terminal, paste there:",
            *lines,
        )
    )


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError) or error.errno is None:
        return "that is no address"
    return str(error.strerror) if isinstance(error, socket.gaierror) else os.strerror(error.errno)
