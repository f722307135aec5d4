"""`dr reward check`: call a reward function on real states."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drcli.cli import options, present, reward_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drcli.import_checks.findings import ImportFault
    from drcli.rewards.reward_check import RewardReport
    from drcli.rewards.subject import Subject


@click.command("check")
@reward_options.of_a_function
@click.option(
    "--droa/--no-droa", default=True, help="Also check what DeepRacer on AWS would refuse (default: yes)."
)
@options.overrides
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def command(
    experiment: str | None,
    file: Path | None,
    track: str | None,
    droa: bool,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Call a reward function on real states of a track, and show what it pays, costs, reads and does.

    A driver without a model drives in the simulator: a lap, along the borders, off the track, in the opposite
    direction, into an object. Exits with 1 if a training would not start or would stop.

    \b
      dr reward check
      dr reward check other_reward.py --track reinvent_base
      dr reward check --no-droa --json
    """
    from drcli.errors import DrError
    from drcli.rewards.reward_study import check, refused_by_aws
    from drcli.rewards.subject import Subject

    subject = Subject.find(experiment, overrides, file, track)
    with present.live() as live:
        live.line(f"Driving on {subject.track.name}")
        report = check(subject)
        faults = refused_by_aws(subject) if droa else []
    if as_json:
        present.as_json(_document(subject, report, faults))
    else:
        _show(report, faults)
    if report.errors:
        count = f"{len(report.errors)} error{'s' if len(report.errors) > 1 else ''}"
        raise DrError(
            f"{subject.name} cannot be used: {count}.",
            "See above; a training would not start, or would stop there.",
        )
    present.say(f"{subject.name} works on {subject.track.name}.")
    present.next_step("dr reward rank", "does it pay fast laps more than slow ones?")


def _show(report: RewardReport, faults: Sequence[ImportFault]) -> None:
    if report.values:
        present.table({"state": state, "reward": f"{value:.6g}"} for state, value in report.values.items())
        present.result("")
    for name, text in _facts(report).items():
        present.result(f"{name}: {text}")
    for finding in report.findings:
        present.result(f"{finding.severity}: {finding.message}")
        if finding.hint:
            present.result(f"  {finding.hint}")
    if faults:
        present.result("DeepRacer on AWS would refuse it:")
    for fault in faults:
        present.result(f"  {fault.message}" + (f" ({fault.hint})" if fault.hint else ""))


def _facts(report: RewardReport) -> dict[str, str]:
    if not report.cost_ms:
        return {}
    state = "cannot be told, as it uses random numbers" if report.is_random else _yes(report.keeps_state)
    return {
        "a call takes": f"{report.cost_ms:.3f} ms, the first {report.first_ms:.3g} ms",
        "reads": ", ".join(report.keys) or "nothing",
        "depends on earlier steps": state,
        "reads the clock": f"{_yes(report.reads_clock)}{', that of the simulation' if report.reads_clock else ''}",
        "prints": f"{report.printed} lines in an episode" if report.printed else "nothing",
    }


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _document(subject: Subject, report: RewardReport, faults: Sequence[ImportFault]) -> dict[str, Any]:
    return {
        "file": subject.name,
        "track": subject.track.name,
        "works": not report.errors,
        "values": report.values,
        "returns": sorted(report.types),
        "cost_ms": report.cost_ms,
        "first_ms": report.first_ms,
        "keys": report.keys,
        "keeps_state": report.keeps_state,
        "is_random": report.is_random,
        "reads_clock": report.reads_clock,
        "printed_lines": report.printed,
        "findings": [finding._asdict() for finding in report.findings],
        "refused_by_aws": [vars(fault) for fault in faults],
    }
