"""Options, declared once. None but *jobs* becomes a parameter: the others are read from `wiring.options`.

Those of `everywhere` may stand before the command's name as well; what stands later wins.
"""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from glacierkeep.cli import params
from glacierkeep.cli.said import PREFIX, remember, said_in

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


def _option(field: str, *names: str, variable: str | None, **attributes: Any) -> Callable[[F], F]:
    """The option *names* for the *field* of Said; a command's own parameters may have the same name."""
    return click.option(
        PREFIX + field,
        *names,
        envvar=variable,
        show_envvar=variable is not None,
        allow_from_autoenv=False,
        expose_value=False,
        callback=remember,
        **attributes,
    )


vault = _option(
    "vault",
    "-V",
    "--vault",
    # GK_VAULT is read with the configuration, so that it never becomes the default vault.
    variable=None,
    type=params.VaultText(),
    help="The vault: an address, or a name in the configuration.  [env var: GK_VAULT]",
)
profile = _option(
    "profile", "-P", "--profile", variable="GK_PROFILE", help="Use [profile.NAME] of the configuration."
)
json_ = _option("json", "--json", variable="GK_JSON", is_flag=True, help="Print JSON Lines.")
quiet = _option("quiet", "-q", "--quiet", variable="GK_QUIET", is_flag=True, help="Say only what is wrong.")
verbose = _option(
    "verbose", "-v", "--verbose", variable="GK_VERBOSE", count=True, help="Say more; twice: still more."
)
color = _option(
    "color",
    "--color",
    variable="GK_COLOR",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colour the output.",
)
dry_run = _option(
    "dry_run",
    "-n",
    "--dry-run",
    variable="GK_DRY_RUN",
    is_flag=True,
    help="Say what would be done; change nothing.",
)
yes = _option("yes", "--yes", variable="GK_YES", is_flag=True, help="Do it without asking.")
wait = _option(
    "wait",
    "--wait/--no-wait",
    variable="GK_WAIT",
    default=None,
    help="Wait until the service is done, or do not.",
)
lock_wait = _option(
    "lock_wait",
    "--lock-wait",
    variable="GK_LOCK_WAIT",
    type=params.Seconds(),
    default=0.0,
    help="Wait this long for another gk to finish.",
)
retry_for = _option(
    "retry_for",
    "--retry-for",
    # Read with the configuration.
    variable=None,
    type=params.Seconds(),
    metavar="DURATION",
    help="Repeat a request that fails for this long, such as 10m, 6h or 3d, and wait for credentials to be renewed."
    "  [env var: GK_TRANSFER_RETRY_FOR; default: 10m]",
)
progress_interval = _option(
    "progress_interval",
    "--progress-interval",
    variable="GK_PROGRESS_INTERVAL",
    type=params.Seconds(),
    help="Away from a terminal, say how far things are this often.",
)


jobs = click.option(
    "--jobs", type=click.IntRange(1, 64), help="How many ranges of what is ready are fetched at once."
)


def _transfer(key: str, word: str, text: str) -> Callable[[F], F]:
    """The option for the *key* of [transfer], which is a *word*; GK_TRANSFER_… is read with the configuration."""
    return _option(
        key,
        "--" + key.replace("_", "-"),
        variable=None,
        type=params.Setting("transfer", key, name=word),
        help=f"{text}  [env var: GK_TRANSFER_{key.upper()}]",
    )


limit_upload = _transfer(
    "limit_upload", "limit", "Send at most so many bytes a second: 500k, off or 08:00-23:00=500k."
)
limit_download = _transfer(
    "limit_download", "limit", "Receive at most so many bytes a second: 500k, off or 08:00-23:00=500k."
)
max_transfer = _transfer("max_transfer", "size", "Stop once about so many bytes were sent and received.")
max_duration = _transfer("max_duration", "duration", "Stop after this time.")


def everywhere(function: F) -> F:
    """-P, --json, -q, -v and --color."""
    for option in (color, verbose, quiet, json_, profile):
        function = option(function)
    return function


def with_wiring(function: Callable[Concatenate[Any, P], None]) -> Callable[P, None]:
    """Call *function* with a Wiring first; what it opened is closed, and the exit code is given, afterwards."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from glacierkeep.cli.wiring import Wiring

        ctx = click.get_current_context()
        with Wiring(said_in(ctx), stop=ctx.find_root().obj) as wiring:
            function(wiring, *args, **kwargs)
            wiring.leave()

    return run
