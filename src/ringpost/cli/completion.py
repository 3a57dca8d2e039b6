"""`ringpost completion`: what has the shell complete commands, options and values."""

from __future__ import annotations

from typing import Final

import rich_click as click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

VARIABLE: Final = "_RINGPOST_COMPLETE"
_KINDS: Final[dict[str, type[ShellComplete]]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_WHERE: Final = {
    "bash": 'eval "$(ringpost completion bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(ringpost completion zsh)"   # in ~/.zshrc',
    "fish": "ringpost completion fish > ~/.config/fish/completions/ringpost.fish",
}


@click.command("completion", epilog="\n\n".join(_WHERE.values()))
@click.argument("shell", type=click.Choice(list(_WHERE)))
def command(shell: str) -> None:
    """Print the script that has this SHELL complete ringpost's commands and options with the tab key."""
    from .main import root

    click.echo(_KINDS[shell](root, {}, "ringpost", VARIABLE).source())
