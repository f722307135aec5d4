"""`dr shell-init`: shell completion, and DeepRacer-for-Cloud's commands as shell functions."""

from __future__ import annotations

import sys

import click

from drcli.cli import drfc, present

SHELLS = ("bash", "zsh", "fish")
_COMPLETE_VAR = "_DR_COMPLETE"
_RC_FILES = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/config.fish"}
_ZSH_FIRST = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -u }\n"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print shell code that completes `dr` and defines DeepRacer-for-Cloud's commands, such as dr-start-training.

    These functions take the same options as in DeepRacer-for-Cloud and call `dr`. Add the line for your shell
    to its startup file.

    \b
      eval "$(dr shell-init bash)"       # ~/.bashrc
      eval "$(dr shell-init zsh)"        # ~/.zshrc
      dr shell-init fish | source        # ~/.config/fish/config.fish
    """
    present.result(_completion(shell) + "\n" + "\n".join(_function(shell, name) for name in drfc.NAMES))
    if not sys.stdout.isatty():
        return  # read by a shell on startup: print nothing else
    line = "dr shell-init fish | source" if shell == "fish" else f'eval "$(dr shell-init {shell})"'
    present.next_step(line, f"add this to {_RC_FILES[shell]}")


def _completion(shell: str) -> str:
    """Click's completion script, without its version check of the bash that happens to be in PATH."""
    from click.shell_completion import ShellComplete, get_completion_class

    from drcli.cli import main

    kind = get_completion_class(shell)
    assert kind is not None
    return (_ZSH_FIRST if shell == "zsh" else "") + ShellComplete.source(kind(main, {}, "dr", _COMPLETE_VAR))


def _function(shell: str, name: str) -> str:
    if shell == "fish":
        return f"function dr-{name}; dr as-drfc {name} $argv; end"
    return f'dr-{name}() {{ dr as-drfc {name} "$@"; }}'
