"""`dr evaluate`: evaluate the model, print its laps and draw them."""

from __future__ import annotations

from typing import Any

import click

from drcli.cli import options, present


@click.command()
@click.option("-q", "--quiet", is_flag=True, help="Return as soon as it is running.")
@click.option("-c", "--clone", is_flag=True, help="Evaluate a copy of the model, under <prefix>-E.")
@click.option(
    "--checkpoint",
    metavar="best|last|fastest|N",
    help="The checkpoint to evaluate; default: DR_EVAL_CHECKPOINT.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be started; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    quiet: bool,
    clone: bool,
    checkpoint: str | None,
    dry_run: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Evaluate a model: DR_EVAL_NUMBER_OF_TRIALS laps, with resets and penalties. Works during a training, too.

    With DR_RACE_TYPE=HEAD_TO_MODEL it races against another model on the same track.

    \b
      dr evaluate
      dr evaluate --checkpoint best --set DR_WORLD_NAME=drcli_technical --json
      dr evaluate --set DR_RACE_TYPE=HEAD_TO_MODEL --set DR_EVAL_OPP_S3_MODEL_PREFIX=rival
    """
    from drcli.cli import follow_run
    from drcli.launch import evaluation_start, run_control, start_checks

    workspace, settings = options.load(experiment, overrides)
    present.warn_all(start_checks.settings_without_effect(settings, workspace, "evaluation"))
    if dry_run:
        follow_run.show_plan(evaluation_start.dry_run(settings, workspace), "dr evaluate", as_json)
        return
    which = options.checkpoint(checkpoint)
    with run_control.begin_early(settings, "evaluation"), present.live() as live:
        live.line("Starting the evaluation")
        started = evaluation_start.start(settings, workspace, clone=clone, which=which)
    present.warn_all(started.warnings)
    if quiet or not follow_run.follow_evaluation(started, workspace):
        present.next_step("dr logs robomaker --evaluation -f", "follow it; `dr stop-evaluation` stops it")
        return
    results = evaluation_start.results(started)
    for driven in (results, *results.get("opponents", ())):
        if len(driven["trials"]) < settings.eval_number_of_trials:
            present.warn(
                f"{driven['model']}: DR_EVAL_MAX_RESETS={settings.eval_max_resets} were used up before all "
                f"{settings.eval_number_of_trials} trials were finished."
            )
    if as_json:
        present.as_json(results)
    else:
        _present_results(results)
    present.say(f"The laps are drawn in {follow_run.draw(started, workspace)}.")
    _present_videos(evaluation_start.videos(started))
    present.next_step("dr models", "show the models in the bucket; or change custom_files/ and train again")


def _present_videos(found: dict[str, str]) -> None:
    """Where the videos are that were asked for."""
    for prefix, address in found.items():
        if address:
            present.say(f"The videos are in {address}; `dr s3 cp -r s3:{prefix} videos` copies them.")
        else:
            present.warn(
                f"There are no new videos under {prefix}; `dr logs robomaker --evaluation` shows why."
            )


def _present_results(results: dict[str, Any]) -> None:
    present.result(f"{results['model']}, checkpoint {results['checkpoint']}, on {results['world_name']}")
    present.table(results["trials"])
    _present_race(results)


def _present_race(results: dict[str, Any]) -> None:
    """The other models' trials, and who wins; nothing if the model drove alone."""
    for opponent in results.get("opponents", ()):
        present.result(f"\n{opponent['model']}, checkpoint {opponent['checkpoint']}")
        present.table(opponent["trials"])
    if "standings" in results:
        present.result("")
        present.table(results["standings"])
        present.result(f"\nThe winner is {results['winner']}." if results["winner"] else "\nNobody wins.")
