"""`dr reward rank`: does a reward function pay fast laps more than slow ones?"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drcli.cli import options, present, reward_options

if TYPE_CHECKING:
    from drcli.rewards.drives import Drive
    from drcli.rewards.ranking import Order, Ranking

_PAIRS = 5


@click.command("rank")
@reward_options.of_a_function
@click.option(
    "--traces",
    metavar="PATH|PREFIX",
    help="Also recorded laps: a simtrace .csv, a folder or .tar.gz with some, or a model's prefix in the bucket.",
)
@click.option(
    "--most", type=click.IntRange(1), default=40, show_default=True, help="Recorded laps to compare."
)
@options.overrides
@click.option("--json", "as_json", is_flag=True, help="Print the ranking as JSON.")
@click.pass_obj
def command(
    experiment: str | None,
    file: Path | None,
    track: str | None,
    traces: str | None,
    most: int,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Rank good and bad laps by what they earn: the order that a training learns from.

    A driver without a model drives the track in the simulator: the racing line and the centre line at several
    speeds, weaving, along the borders, off the road, into an object if the race has some. `--traces` adds recorded
    laps, paid again by this function. Exits with 1 if the learner would not be paid for fast laps.

    \b
      dr reward rank
      dr reward rank other_reward.py --track reinvent_base
      dr reward rank --traces my-model
      dr reward rank --traces download/training.tar.gz --json
    """
    from drcli.errors import DrError
    from drcli.rewards.reward_study import rank
    from drcli.rewards.subject import Subject

    subject = Subject.find(experiment, overrides, file, track)
    with present.live() as live:
        live.line(f"Driving on {subject.track.name}")
        ranking = rank(subject, traces, most)
    if as_json:
        present.as_json(_document(ranking))
    else:
        _show(ranking)
    if ranking.is_harmful:
        raise DrError(ranking.verdict, ranking.advice)
    present.say(f"{ranking.verdict} {ranking.advice}".strip())
    present.next_step(*_next(ranking))


def _show(ranking: Ranking) -> None:
    present.table(_row(drive, ranking) for drive in ranking.drives)
    present.result("")
    present.table(
        {"laps ranked by": name, "order": order.verdict, "Kendall": order.kendall, "Spearman": order.spearman}
        for name, order in _orders(ranking).items()
    )
    if ranking.wrong_pairs:
        present.result(f"\nA worse drive earns more in {len(ranking.wrong_pairs)} pairs:")
    for pair in ranking.wrong_pairs[:_PAIRS]:
        present.result(
            f"  {pair.worse.name} ({_outcome(pair.worse)}) earns {pair.worse.total:.5g}, "
            f"{pair.better.name} ({_outcome(pair.better)}) {pair.better.total:.5g}:\n    {pair.reason}"
        )


def _orders(ranking: Ranking) -> dict[str, Order]:
    return {
        "reward of the episode": ranking.by_episode,
        "mean reward of a step": ranking.by_step,
        f"discounted by {ranking.discount:g}": ranking.discounted,
    }


def _row(drive: Drive, ranking: Ranking) -> dict[str, object]:
    return {
        "drive": drive.name,
        "ends": _outcome(drive),
        "steps": len(drive.rewards),
        "reward": drive.total,
        "of a step": drive.mean,
        "discounted": drive.discounted(ranking.discount),
    }


def _outcome(drive: Drive) -> str:
    return (
        f"{drive.time_s:.2f} s"
        if drive.is_lap
        else f"{drive.status.replace('_', ' ')} at {drive.distance_pct:.0f} %"
    )


def _document(ranking: Ranking) -> dict[str, Any]:
    names = ("episode", "step", "discounted")
    orders = dict(zip(names, _orders(ranking).values(), strict=True))
    return {
        "is_right": ranking.is_right,
        "verdict": ranking.verdict,
        "advice": ranking.advice,
        "discount_factor": ranking.discount,
        "good_discount_factors": ranking.good_discounts,
        "orders": {
            name: {"verdict": o.verdict, "kendall": _number(o.kendall), "spearman": _number(o.spearman)}
            for name, o in orders.items()
        },
        "drives": [
            {
                "name": drive.name,
                "status": drive.status,
                "time_s": drive.time_s if drive.is_lap else None,
                "progress": drive.distance_pct,
                "steps": len(drive.rewards),
                "reward": drive.total,
                "reward_of_a_step": drive.mean,
                "discounted": drive.discounted(ranking.discount),
                "by_tenth_of_the_lap": drive.by_tenth().tolist(),
                "is_judged": drive.is_judged,
            }
            for drive in ranking.drives
        ],
        "wrong_pairs": [
            {"worse": p.worse.name, "better": p.better.name, "gain": p.gain, "reason": p.reason}
            for p in ranking.wrong_pairs
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _next(ranking: Ranking) -> tuple[str, str]:
    if ranking.is_right:
        return "dr start-training", "train with it"
    return "dr reward plot", "see where on the track it pays how much"
