from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from drcli.cli import main


def test_the_evaluation_of_a_real_run(finished: Any) -> None:
    racer = finished.racer
    done = json.loads(finished.evaluation.stdout)
    answer = racer.invoke("evaluations", "--json")
    assert answer.exit_code == 0
    first = json.loads(answer.stdout)[0]
    assert (first["model"], first["world_name"], first["checkpoint"]) == ("model", "tiny", done["checkpoint"])
    assert first["trials"] == len(done["trials"])
    assert first["resets"] == sum(trial["reset_count"] for trial in done["trials"])
    times = [trial["lap_time_s"] for trial in done["trials"] if trial["completion_percentage"] == 100]
    assert first["best_lap_s"] == (min(times) if times else None)
    header, row, *_ = racer.invoke("evaluations").stdout.splitlines()
    assert header.startswith("started") and "tiny" in row and done["checkpoint"] in row


def test_choosing_models(finished: Any) -> None:
    racer = finished.racer
    assert json.loads(racer.invoke("evaluations", "--all", "--json").stdout)
    none = racer.invoke("evaluations", "-p", "model-1")
    assert none.exit_code == 0 and none.stdout == "" and "contains no evaluations of model-1" in none.stderr
    assert racer.invoke("evaluations", "-p", "/").exit_code == 2
    assert racer.invoke("evaluations", "-p", "x", "--all").exit_code == 2


def test_help_has_an_example() -> None:
    answer = CliRunner().invoke(main, ["evaluations", "--help"])
    assert answer.exit_code == 0 and "  dr evaluations --all --json" in answer.stdout
