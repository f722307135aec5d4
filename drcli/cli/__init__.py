"""`dr`: the root command. One command, one module of this folder; a module is imported only when it runs.

Errors become exit codes here and nowhere else.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

import drcli
from drcli.errors import DrError, UsageError

# command → one line for `dr --help`; the module is the name with underscores, its function is `command`.
COMMANDS = {
    "init": "Make a workspace: env files and custom files.",
    "import-drfc": "Make a workspace of a DeepRacer-for-Cloud folder.",
    "new-experiment": "Make an experiment: a copy of run.env and custom files to change.",
    "config": "Show every setting, its value and where it comes from.",
    "doctor": "Check the machine and the workspace; say what is missing.",
    "summary": "Show the workspace at a glance.",
    "render": "Print the params document of a training, an evaluation or an upload.",
    "tracks": "List the tracks, draw one.",
    "store": "Start, stop or look at the embedded S3 server.",
    "s3": "Look at the bucket, copy files and delete them: ls, cp, sync, rm, mb.",
    "upload-custom-files": "Upload what has changed in custom_files/.",
    "download-custom-files": "Download what differs to custom_files/.",
    "start-training": "Train a model.",
    "increment-training": "Prepare run.env for the next training, from this model.",
    "stop-training": "Stop the training run.",
    "status": "Show how the run is doing.",
    "scale": "Change the number of workers while training runs.",
    "logs": "Show the log of a service.",
    "evaluate": "Evaluate a model: laps, times, resets.",
    "stop-evaluation": "Stop the evaluation.",
    "evaluations": "List the evaluations in the bucket, with lap times.",
    "stop-all": "Stop everything of this workspace.",
    "models": "List the models in the bucket.",
    "upload-model": "Upload one checkpoint of a model, to AWS or beside it.",
    "increment-upload-model": "Prepare run.env for the next upload.",
    "upload-car-zip": "Pack a model for a car, and upload it or write it to a file.",
    "download-model": "Download a model from another bucket.",
    "copy-model": "Copy a model to another prefix.",
    "delete-model": "Delete a model, after showing what goes.",
    "images": "Build, list and push the images that Docker runs.",
    "swarm": "Make a swarm of machines, see and label its nodes.",
    "update-check": "Show which version this is; ask for a newer one only if told whom.",
    "shell-init": "Print completion and DeepRacer-for-Cloud's commands, for a shell.",
}

HIDDEN = ("as-drfc",)  # called by what `dr shell-init` prints


class _Commands(click.Group):
    """A group that knows its commands by name, so that `dr --help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS and cmd_name not in HIDDEN:
            from drcli.cli.as_drfc import theirs

            return theirs(cmd_name)
        module = importlib.import_module(f"drcli.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if ctx.resilient_parsing:  # of the completion: an unknown word is no error there
            return super().resolve_command(ctx, args)
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=2)
            hint = f"Did you mean {' or '.join(near)}?" if near else "`dr --help` lists the commands."
            raise UsageError(f"There is no command {args[0]!r}.", hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DrError as error:
            click.echo(click.style("error: ", fg="red") + error.message, err=True)
            if error.hint:
                click.echo(click.style("hint: ", fg="cyan") + error.hint, err=True)
            ctx.exit(error.exit_code)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(drcli.__version__, prog_name="dr")
@click.option("-e", "--experiment", metavar="NAME", help="Use experiments/NAME (DR_EXPERIMENT_NAME).")
@click.pass_context
def main(ctx: click.Context, experiment: str | None) -> None:
    """Train, evaluate and ship AWS DeepRacer models on your own machines.

    A workspace is a folder with system.env, run.env and custom_files/; commands find it from the
    current folder upwards, or from DR_DIR. Start with:

    \b
      dr init my-racer && cd my-racer
      dr start-training
      dr evaluate
    """
    ctx.obj = experiment


if __name__ == "__main__":
    sys.exit(main())
