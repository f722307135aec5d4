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


def test_models_side_by_side(finished: Any) -> None:
    racer = finished.racer
    again = racer.invoke("evaluate", "-c", "--json")  # as model-E
    assert again.exit_code == 0, again.stderr
    answer = racer.invoke("evaluations", "--compare", "model-E", "/model", "--json")
    assert answer.exit_code == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert [found["model"] for found in document["evaluations"]] == ["model-E", "model"]
    assert set(document["best"]["resets"]) <= {"model", "model-E"}
    header, *rows = racer.invoke(
        "evaluations", "--compare", "model", "model-E", "--track", "tiny"
    ).stdout.splitlines()
    assert header.split() == ["model", "model-E"]
    assert rows[0].startswith("started") and rows[1].split() == ["track", "tiny", "tiny"]
    marks = sum(row.count("*") for row in rows)
    assert marks == sum(map(len, document["best"].values()))


def test_what_cannot_be_compared(finished: Any) -> None:
    racer = finished.racer
    for words, code, said in (
        (("--compare", "nobody", "model"), 1, "There is no evaluation of nobody."),
        (("--compare", "model", "--track", "grand"), 1, "There is no evaluation of model on grand."),
        (("--compare", "-p", "model"), 2, "--compare takes models as arguments."),
        (("model",), 2, "MODEL and --track are for --compare."),
    ):
        answer = racer.invoke("evaluations", *words)
        assert (answer.exit_code, answer.stdout) == (code, "") and said in answer.stderr


def test_help_has_an_example() -> None:
    answer = CliRunner().invoke(main, ["evaluations", "--help"])
    assert answer.exit_code == 0 and "  dr evaluations --all --json" in answer.stdout
