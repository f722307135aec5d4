"""`dr`: the root command. Each command is one module of this folder, imported only when it runs.

Errors become exit codes here and nowhere else.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

import drcli
from drcli.errors import DrError, UsageError

# Command → its line in `dr --help`. The module is the name with underscores, its function is `command`.
COMMANDS = {
    "init": "Create a workspace: env files and custom files.",
    "import-drfc": "Create a workspace from a DeepRacer-for-Cloud folder.",
    "new-experiment": "Create an experiment: a copy of run.env and custom files to change.",
    "config": "Show every setting, its value and where it comes from.",
    "doctor": "Check the machine and the workspace, and show how to fix problems.",
    "summary": "Show the workspace at a glance.",
    "render": "Print the params document of a training, an evaluation or an upload.",
    "tracks": "List the tracks, or draw one.",
    "store": "Start or stop the embedded S3 server, or show its status.",
    "s3": "List, copy and delete files in the bucket: ls, cp, sync, rm, mb.",
    "upload-custom-files": "Upload changed files from custom_files/.",
    "download-custom-files": "Download changed files to custom_files/.",
    "start-training": "Train a model.",
    "increment-training": "Prepare run.env for the next training, from this model.",
    "stop-training": "Stop the training run.",
    "status": "Show how the run is doing.",
    "scale": "Change the number of workers of a running training.",
    "logs": "Show the log of a service.",
    "evaluate": "Evaluate a model: laps, times, resets.",
    "stop-evaluation": "Stop the evaluation.",
    "evaluations": "List the evaluations in the bucket, with lap times.",
    "stop-all": "Stop everything of this workspace.",
    "models": "List the models in the bucket.",
    "upload-model": "Upload one checkpoint of a model.",
    "increment-upload-model": "Prepare run.env for the next upload.",
    "upload-car-zip": "Pack a model for a car, and upload it or write it to a file.",
    "download-model": "Download a model from another bucket.",
    "copy-model": "Copy a model to another prefix.",
    "delete-model": "Delete a model.",
    "images": "Build, list and push our Docker images.",
    "swarm": "Set up a Docker Swarm, show and label its nodes.",
    "update-check": "Show the installed version; check for a newer one only at an address you name.",
    "shell-init": "Print shell completion and DeepRacer-for-Cloud's commands for a shell.",
}

HIDDEN = ("as-drfc",)  # called by the functions that `dr shell-init` prints


class _Commands(click.Group):
    """A group that lists its commands by name, so that `dr --help` imports none of them."""

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
        if ctx.resilient_parsing:  # shell completion: an unknown word is not an error
            return super().resolve_command(ctx, args)
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=2)
            hint = f"Did you mean {' or '.join(near)}?" if near else "`dr --help` lists the commands."
            raise UsageError(f"Unknown command {args[0]!r}.", hint)
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

    A workspace is a folder with system.env, run.env and custom_files/. Commands look for it in the
    current folder and its parents, or use DR_DIR. Start with:

    \b
      dr init my-racer && cd my-racer
      dr start-training
      dr evaluate
    """
    ctx.obj = experiment


if __name__ == "__main__":
    sys.exit(main())
