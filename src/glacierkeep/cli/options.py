"""Options, declared once. None becomes a parameter: all are read from `wiring.options`.

The common ones may stand before the command's name as well; what stands later wins.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import click
from click.core import ParameterSource

from glacierkeep.cli import params

_KEY = "glacierkeep.options"
_PREFIX = "common_"
_RANKS = {ParameterSource.COMMANDLINE: 2, ParameterSource.ENVIRONMENT: 1}

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])
Decorator: TypeAlias = Callable[[F], F]


@dataclass(frozen=True, slots=True)
class Common:
    """What the options of this module said. *wait* None: not said; times in seconds."""

    vault: str | None = None
    profile: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    color: str = "auto"
    dry_run: bool = False
    yes: bool = False
    wait: bool | None = None
    lock_wait: float = 0.0
    progress_interval: float | None = None


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep *value*, unless the same option was said more strongly before."""
    said: dict[str, tuple[int, Any]] = ctx.meta.setdefault(_KEY, {})
    source = ctx.get_parameter_source(str(param.name))
    name = str(param.name).removeprefix(_PREFIX)
    rank = _RANKS.get(source, 0) if source else 0
    if name not in said or rank >= said[name][0]:
        said[name] = (rank, value)


def common_of(ctx: click.Context) -> Common:
    """What was said so far."""
    said: dict[str, tuple[int, Any]] = ctx.meta.get(_KEY, {})
    return Common(**{field.name: said[field.name][1] for field in fields(Common) if field.name in said})


def _option(field: str, *names: str, variable: str | None, **attributes: Any) -> Callable[[F], F]:
    """The option *names* for the *field* of Common; a command's own parameters may have the same name."""
    return click.option(
        _PREFIX + field,
        *names,
        envvar=variable,
        show_envvar=variable is not None,
        allow_from_autoenv=False,
        expose_value=False,
        callback=_remember,
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
progress_interval = _option(
    "progress_interval",
    "--progress-interval",
    variable="GK_PROGRESS_INTERVAL",
    type=params.Seconds(),
    help="Away from a terminal, say how far things are this often.",
)


def common(function: F) -> F:
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
        with Wiring(common_of(ctx), stop=ctx.find_root().obj) as wiring:
            function(wiring, *args, **kwargs)
            wiring.leave()

    return run
