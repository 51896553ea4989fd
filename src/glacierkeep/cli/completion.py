"""gk completion."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from glacierkeep.cli import options
from glacierkeep.cli.epilog import epilog
from glacierkeep.errors import Exit

if TYPE_CHECKING:
    from glacierkeep.cli.wiring import Wiring

VARIABLE = "_GK_COMPLETE"


@dataclass(frozen=True, slots=True)
class CompletionScript:
    """What a *shell* is to read."""

    shell: str
    script: str


@click.command(
    "completion",
    epilog=epilog(
        "gk completion bash > ~/.local/share/bash-completion/completions/gk",
        "gk completion zsh > ~/.zfunc/_gk",
        "gk completion fish > ~/.config/fish/completions/gk.fish",
        exits=(Exit.DONE,),
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options.everywhere
@options.with_wiring
def command(wiring: "Wiring", shell: str) -> None:
    """Print a completion script for a shell."""
    from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

    shells: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    root = click.get_current_context().find_root().command
    # ShellComplete's own: Bash's would start a bash to ask for its version.
    script = ShellComplete.source(shells[shell](root, {}, "gk", VARIABLE))
    wiring.show(CompletionScript(shell, script))
    if not wiring.options.json:
        click.echo(script, nl=False)
