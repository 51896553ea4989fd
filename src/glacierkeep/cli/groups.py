"""Groups of commands that suggest what was meant, and one that imports a command only when it is wanted."""

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click


class Group(click.Group):
    """A group that names the nearest command when there is no such one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            raise click.UsageError(f"No such command {name!r}.{self._suggestion(ctx, name)}", ctx)
        return super().resolve_command(ctx, args)

    def _suggestion(self, ctx: click.Context, name: str) -> str:
        import difflib

        names = self.list_commands(ctx)
        begun = [one for one in names if one.startswith(name)]
        near = begun or difflib.get_close_matches(name, names, n=2, cutoff=0.5)
        return f" Did you mean {' or '.join(near)}?" if near else ""


class LazyGroup(Group):
    """A group whose commands are found by name, in *sections*: title, name, then `module:attribute` and help."""

    sections: ClassVar[Mapping[str, Mapping[str, tuple[str, str]]]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in self.sections.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for commands in self.sections.values():
            if cmd_name in commands:
                module, _, attribute = commands[cmd_name][0].partition(":")
                command: click.Command = getattr(importlib.import_module(module), attribute)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, short) for name, (_, short) in commands.items()])
