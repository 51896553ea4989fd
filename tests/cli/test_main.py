import importlib
import os
import subprocess
import sys

import pytest

from glacierkeep.cli.main import Root
from glacierkeep.errors import Exit

HEAVY = {
    "rich",
    "sqlalchemy",
    "alembic",
    "boto3",
    "botocore",
    "tomlkit",
    "pathspec",
    "platformdirs",
    "ijson",
    "sqlite3",
    "pyrage",
    "keyring",
    "segno",
}
COMMANDS = [(name, *entry) for names in Root.sections.values() for name, entry in names.items()]


def _python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **env}, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    """`gk --help` is instant: none of the libraries that take long to import is imported for it."""
    done = _python(
        "import sys\nfrom glacierkeep.cli.main import run\ncode = run(['--help'])\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\nsys.exit(code)"
    )
    assert done.returncode == 0
    assert HEAVY.isdisjoint(done.stderr.split())


def test_help_lists_every_command_in_its_section(gk) -> None:
    """`gk --help` shows each command with its sentence, under what it is for."""
    shown = gk("--help").stdout
    for title, commands in Root.sections.items():
        assert f"{title}:" in shown
        assert all(f"  {name} " in shown for name in commands)


@pytest.mark.parametrize(("name", "place", "short"), COMMANDS)
def test_every_command_is_there_with_its_sentence_examples_and_exit_codes(
    gk, name: str, place: str, short: str
) -> None:
    """The table of commands agrees with the commands, and each help shows examples and exit codes."""
    module, _, attribute = place.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert command.name == name
    assert command.help.split("\n")[0] == short
    for path in [(name,), *((name, below) for below in getattr(command, "commands", ()))]:
        shown = gk(*path, "--help").stdout
        assert f"  gk {' '.join(path)}" in shown.split("Examples:")[1] or len(path) == 1
        assert "  0  done" in shown.split("Exit codes:")[1]


def test_version(gk) -> None:
    """`gk --version` is one line."""
    assert gk("--version").stdout == "gk 0.1.0\n"


def test_a_version_in_the_environment_is_not_the_option(gk) -> None:
    """GK_VERSION, which scripts may set for themselves, does not turn every command into --version."""
    assert gk("config", "path", env={"GK_VERSION": "1"}).stdout.endswith("config.toml\n")


@pytest.mark.parametrize(
    ("words", "meant"),
    [(("uplod",), "upload"), (("vault", "creat"), "create"), (("sync",), "sync-inventory")],
)
def test_a_misspelt_command_is_suggested(gk, words: tuple[str, ...], meant: str) -> None:
    """A command that does not exist is wrong usage, and the nearest one is named."""
    result = gk(*words)
    assert result.exit_code == Exit.USAGE
    assert f"Did you mean {meant}" in result.stderr


def test_nothing_said_shows_help(gk) -> None:
    """`gk` alone shows its help, on standard error, as wrong usage."""
    result = gk()
    assert result.exit_code == Exit.USAGE
    assert "Archive and get back:" in result.stderr
    assert result.stdout == ""


def test_common_options_may_stand_before_the_command_and_the_later_wins(gk) -> None:
    """`gk --json config path` is `gk config path --json`, and -V said twice is the second."""
    assert gk("--json", "config", "path").objects[0]["type"] == "homes"
    shown = gk("-V", "local:one", "config", "show", "-V", "local:two", "default_vault", "--json").objects
    assert shown[0]["value"] == "local:two"


def test_an_option_beats_the_environment_wherever_it_stands(gk) -> None:
    """A common option before the command is stronger than the environment of the command."""
    result = gk("--color", "never", "config", "show", env={"GK_COLOR": "always"})
    assert "\x1b" not in result.stdout


def test_module_and_process() -> None:
    """`python -m glacierkeep` is gk, exit code included."""
    done = subprocess.run(
        [sys.executable, "-m", "glacierkeep", "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == Exit.USAGE
    assert "gk: No such command 'nonsense'" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(gk, shell: str) -> None:
    """Each shell gets a script that asks gk itself."""
    result = gk("completion", shell)
    assert "_GK_COMPLETE" in result.stdout
    assert result.exit_code == 0


def test_completion_knows_commands_and_vaults(gk) -> None:
    """What the script asks for is answered: commands by name, vaults from the configuration."""
    gk("vault", "create", "local:photos")
    ask = "from glacierkeep.cli.main import main; main()"
    commands = _python(ask, _GK_COMPLETE="bash_complete", COMP_WORDS="gk sync", COMP_CWORD="1")
    vaults = _python(ask, _GK_COMPLETE="bash_complete", COMP_WORDS="gk vault use p", COMP_CWORD="3")
    assert commands.stdout == "plain,sync-inventory\n"
    assert vaults.stdout == "plain,photos\n"
