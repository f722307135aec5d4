"""`dr race`: a tournament of several models, one head-to-head race after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import options, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drcli.launch.tournament import Pairing
    from drcli.paths import Workspace
    from drcli.store.checkpoints import Which
    from drcli.store.client import Bucket
    from drcli.store.race_list import RaceFacts


@click.command()
@click.argument("models", metavar="MODEL MODEL...", nargs=-1, required=True)
@click.option(
    "--laps", type=click.IntRange(min=1), help="Laps of each race; default: DR_EVAL_NUMBER_OF_TRIALS."
)
@click.option(
    "--checkpoint",
    metavar="best|last|fastest",
    help="The checkpoint of each model; default: DR_EVAL_CHECKPOINT.",
)
@click.option("--both-ways", is_flag=True, help="Race every pair twice, with places in the grid exchanged.")
@click.option(
    "--resume", is_flag=True, help="Keep the results of races that are in the bucket; drive the others."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    models: tuple[str, ...],
    laps: int | None,
    checkpoint: str | None,
    both_ways: bool,
    resume: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Let models of the bucket race each other: every pair meets on the track, head to head.

    More laps win, then fewer seconds, penalties included. A win is worth 3 points, a draw 1. Every race is an
    evaluation of the model that starts in front and stays in the bucket: after Ctrl-C, --resume drives the rest.

    \b
      dr race careful brave
      dr race careful brave third --laps 3 --checkpoint fastest --both-ways --set DR_WORLD_NAME=drcli_technical
    """
    from drcli.launch import start_checks, tournament
    from drcli.launch.bucket import open_bucket

    workspace, settings = options.load(experiment, overrides)
    names = [model.strip("/") for model in models]
    pairs = tournament.pairings(workspace, names, overrides, laps, both_ways=both_ways)
    which = _checkpoint(checkpoint) or settings.eval_checkpoint
    bucket = open_bucket(settings, workspace, write=True)
    present.warn_all(start_checks.settings_without_effect(settings, workspace, "evaluation"))
    present.warn_all(tournament.check(pairs, bucket, which))
    races = _drive(pairs, workspace, bucket, which, resume=resume)
    _present(names, pairs, races, as_json=as_json)


def _checkpoint(text: str | None) -> Which | None:
    """The checkpoint of every model. Raises UsageError for a number."""
    from drcli.errors import UsageError

    chosen = options.checkpoint(text)
    if isinstance(chosen, int):
        raise UsageError(
            f"--checkpoint {chosen}: checkpoint {chosen} of one model is not that of another.",
            "Use best, last or fastest.",
        )
    return chosen


def _present(
    names: Sequence[str], pairs: Sequence[Pairing], races: Sequence[RaceFacts], *, as_json: bool
) -> None:
    """The table, and the winner if no race is missing."""
    from drcli.launch import tournament

    is_over = len(races) == len(pairs)
    scores = tournament.table(names, races)
    first = tournament.winner(scores) if is_over else None
    if as_json:
        present.as_json(
            {
                "world_name": pairs[0].settings.world_name,
                "races": [_race(race) for race in races],
                "table": [score.to_dict() for score in scores],
                "winner": first,
            }
        )
    elif races:
        present.table(score.to_dict() for score in scores)
    if not is_over:
        again = f"dr race {' '.join(names)} --resume"
        present.next_step(again, "drive the other races; repeat the other options, too")
        return
    if not as_json:
        present.result(f"\nThe winner is {first}." if first else "\nNobody wins.")
    present.next_step("dr evaluations --compare", "compare the models' evaluations")


def _drive(
    pairs: Sequence[Pairing], workspace: Workspace, bucket: Bucket, which: Which, *, resume: bool
) -> list[RaceFacts]:
    """One race after the other; after Ctrl-C only those that have ended."""
    from drcli.cli import follow_run
    from drcli.errors import DrError
    from drcli.launch import evaluation_start, run_control, tournament
    from drcli.store.race_list import read_race

    races: list[RaceFacts] = []
    try:
        for number, pair in enumerate(pairs, start=1):
            label = f"race {number} of {len(pairs)}: {pair.first} against {pair.second}"
            found = tournament.driven(pair, bucket, which) if resume else None
            if found is None:
                with present.live() as live:
                    live.line(f"{label} ...")
                    started = evaluation_start.start(pair.settings, workspace, which=which)
                    for _ in follow_run.polls(started, workspace):
                        live.line(f"{label} ...")
                found = read_race(bucket, started.simtrace_prefix)
            if found is None:
                raise DrError(
                    f"{label} ended without results.", "`dr logs robomaker --evaluation` shows why."
                )
            races.append(found)
            present.say(f"{label}: {_outcome(found)}")
    except KeyboardInterrupt:
        run_control.stop(workspace, "evaluation", pairs[0].settings.run_id)
        present.say(f"Stopped. {len(races)} of {len(pairs)} races have ended; their results are kept.")
    return races


def _outcome(race: RaceFacts) -> str:
    times = ", ".join(
        f"{each['laps']} lap{'' if each['laps'] == 1 else 's'} in {each['time_s']:.2f} s"
        for each in race.standings
    )
    return f"{race.winner or 'nobody'} wins ({times})"


def _race(race: RaceFacts) -> dict[str, object]:
    return {
        "evaluation": race.evaluation,
        "winner": race.winner,
        "standings": [dict(each) for each in race.standings],
    }
