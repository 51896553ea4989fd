"""What the options that many commands share said."""

from dataclasses import dataclass, fields
from typing import Any

import click
from click.core import ParameterSource

_KEY = "glacierkeep.said"
_RANKS = {ParameterSource.COMMANDLINE: 2, ParameterSource.ENVIRONMENT: 1}

PREFIX = "said_"
"""Before a shared option's name in Click, so that a command's own parameters may have the same."""


BRIEF = 30.0
"""Seconds for which a command that has no option for it repeats what fails."""


@dataclass(frozen=True, slots=True)
class Said:
    """The values of the shared options. *wait* None: not said; times in seconds. Limits are words for the settings."""

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
    retry_for: float | None = BRIEF
    """None: as configured. Commands that move no files are not patient."""
    progress_interval: float | None = None
    limit_upload: str | None = None
    limit_download: str | None = None
    max_transfer: str | None = None
    max_duration: str | None = None


def remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep *value*, unless the same option was said more strongly before. A callback of Click's."""
    said: dict[str, tuple[int, Any]] = ctx.meta.setdefault(_KEY, {})
    source = ctx.get_parameter_source(str(param.name))
    name = str(param.name).removeprefix(PREFIX)
    rank = _RANKS.get(source, 0) if source else 0
    if name not in said or rank >= said[name][0]:
        said[name] = (rank, value)


def said_in(ctx: click.Context) -> Said:
    """What was said so far."""
    said: dict[str, tuple[int, Any]] = ctx.meta.get(_KEY, {})
    return Said(**{field.name: said[field.name][1] for field in fields(Said) if field.name in said})
