"""Write commands.md from the commands themselves: `python docs/reference/generate.py`."""

from collections.abc import Iterator
from pathlib import Path

import click

PAGE = Path(__file__).with_name("commands.md")
EVERYWHERE = ("--profile", "--json", "--quiet", "--verbose", "--color", "--help")
INTRODUCTION = """\
# Commands

Every command and every option.
This page is made from the program's own help by `docs/reference/generate.py`; a test compares them.

NAME is a path as archived (`photos/2019/a.jpg`), a folder, a glob, or `archive:ID`.
An absolute path of something that was archived from this machine is a NAME too.
VAULT is an address (`glacier://REGION/NAME`, `local:NAME`) or a name from the [configuration](configuration.md).
A SIZE is `16MiB`, `1GB` or a number of bytes. A DURATION is `90m`, `5h` or `1d12h`.
A DATE is `2026-01-31`, `2026-01-31T10:00`, or a DURATION ago such as `3d`.

What the exit codes mean in full stands in [exit-codes.md](exit-codes.md).
"""


def page() -> str:
    """The text of commands.md."""
    from glacierkeep.cli.main import root

    context = click.Context(root, info_name="gk", **root.context_settings)
    sections = [INTRODUCTION, _everywhere(context)]
    for command, ctx in commands(context):
        sections.append(_section(command, ctx))
    return "\n".join(sections)


def commands(context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Every command below *context*, groups before what is in them."""
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield command, inner
        if isinstance(command, click.Group):
            yield from commands(inner)


def _everywhere(context: click.Context) -> str:
    rows = _rows(context.command, context, only=(*EVERYWHERE, "--version"))
    text = (
        "## Options of every command\n\n"
        "They may stand before the command's name as well, and so may `-V`; what stands later wins.\n"
    )
    return f"{text}\n{_table(rows)}"


def _section(command: click.Command, ctx: click.Context) -> str:
    usage = " ".join(ctx.get_usage().removeprefix("Usage: ").split())
    lines = [f"## {ctx.command_path}", "", "```text", usage, "```", "", _prose(command.help or ""), ""]
    rows = _rows(command, ctx, without=EVERYWHERE)
    if rows:
        lines += [_table(rows)]
    return "\n".join([*lines, *_ending(command)])


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _ending(command: click.Command) -> list[str]:
    """The examples and exit codes that stand in the command's epilog."""
    lines: list[str] = []
    for paragraph in (command.epilog or "").split("\n\n"):
        title, *rest = [line for line in paragraph.splitlines() if line.strip() and line != "\b"] or [""]
        if title == "Examples:":
            lines += ["```sh", *(line.strip() for line in rest), "```", ""]
        elif title == "Exit codes:":
            codes = [line.split(maxsplit=1) for line in rest]
            lines += ["Exit codes:", "", *(f"- {code}: {meaning}" for code, meaning in codes), ""]
    return lines


def _rows(
    command: click.Command, ctx: click.Context, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    rows = []
    for option in command.get_params(ctx):
        record = option.get_help_record(ctx) if isinstance(option, click.Option) else None
        if record is None or (only and not set(only) & set(option.opts)) or set(without) & set(option.opts):
            continue
        rows.append((record[0], " ".join(record[1].split())))
    return rows


def _table(rows: list[tuple[str, str]]) -> str:
    lines = [f"| `{_cell(names)}` | {_cell(text)} |" for names, text in rows]
    return "\n".join(["| option | |", "|---|---|", *lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
