"""`dr as-drfc NAME …`: run a DeepRacer-for-Cloud command with its options; called by functions of `dr shell-init`."""

from __future__ import annotations

import click

from drcli.cli import drfc, present
from drcli.cli.command_table import COMMANDS

_AS_TYPED = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(hidden=True, context_settings=_AS_TYPED, add_help_option=False)
@click.argument("name")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(experiment: str | None, name: str, words: tuple[str, ...]) -> None:
    """Do what dr-NAME does in DeepRacer-for-Cloud."""
    run(experiment, name, words)


def run(experiment: str | None, name: str, words: tuple[str, ...]) -> None:
    """Run the `dr` commands that replace a DeepRacer-for-Cloud command, until one fails."""
    context = click.get_current_context()
    root = context.find_root().command
    for line in drfc.translate(name, words):
        if line[0] in drfc.RETIRED:
            present.say(drfc.RETIRED[line[0]])
            continue
        if line[0] not in COMMANDS:
            present.warn(f"drcli has no replacement for dr-{line[0]} yet.")
            continue
        chosen = ["-e", experiment] if experiment else []
        code = root.main([*chosen, *line], prog_name="dr", standalone_mode=False)
        if code:
            context.exit(code)


def theirs(name: str) -> click.Command | None:
    """A command for a DeepRacer-for-Cloud name that we do not use: it was retired or renamed."""
    if name not in drfc.NAMES:
        return None

    @click.command(name, hidden=True, context_settings=_AS_TYPED, add_help_option=False)
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    @click.pass_obj
    def translated(experiment: str | None, words: tuple[str, ...]) -> None:
        run(experiment, name, words)

    return translated
