"""`dr race`: real races of two models that were trained a little, what stays of them, and what Ctrl-C leaves."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from polling import DEADLINE_S

from drcli.cli import main
from drcli.launch import run_control

LONG = ("--set", "DR_EVAL_MAX_RESETS=1000000", "--laps", "100000")


@pytest.fixture(scope="module")
def racer(finished: Any) -> Any:
    """With two copies of a model, so that other tests find that one as it was."""
    for name in ("first", "rival"):
        copied = finished.racer.invoke("copy-model", "model", name, "-f")
        assert copied.exit_code == 0, copied.stderr
    return finished.racer


def evaluations(racer: Any, model: str) -> set[str]:
    return {info.key.split("/")[1] for info in racer.bucket.list(f"{model}/evaluation-2")}


@pytest.mark.slow
def test_two_models_race_and_races_are_kept(racer: Any) -> None:
    before = evaluations(racer, "first")
    done = racer.invoke("race", "/first", "rival", "--laps", "1", "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    (race,) = document["races"]
    assert [each["model"] for each in race["standings"]] == ["first", "rival"]
    assert [row["place"] for row in document["table"]] in ([1, 2], [1, 1])
    assert {row["races"] for row in document["table"]} == {1}
    assert document["winner"] in ("first", "rival", None)
    assert document["world_name"] == "tiny"
    assert "race 1 of 1: first against rival: " in done.stderr
    (new,) = evaluations(racer, "first") - before
    assert race["evaluation"] == f"first/{new}"
    assert racer.bucket.exists("rival/evaluation-simtrace/0-iteration.csv")

    again = racer.invoke("race", "first", "rival", "--laps", "1", "--resume")
    assert again.exit_code == 0, again.stderr
    assert evaluations(racer, "first") - before == {new}  # nothing was driven
    header = again.stdout.splitlines()[0]
    assert header.split()[:4] == ["place", "model", "points", "races"]
    assert ("The winner is" in again.stdout) == (document["winner"] is not None)


@pytest.mark.slow
def test_ctrl_c_stops_the_race_and_says_what_is_kept(racer: Any, until: Callable[..., Any]) -> None:
    before = evaluations(racer, "first")
    started = racer.popen("race", "first", "rival", *LONG)
    until(lambda: run_control.is_running(racer.workspace, "evaluation", 0))
    started.send_signal(signal.SIGINT)
    stdout, stderr = started.communicate(timeout=DEADLINE_S)
    assert started.returncode == 0, stderr
    assert "Stopped. 0 of 1 races have ended; their results are kept." in stderr
    assert "dr race first rival --resume" in stderr
    assert stdout == ""
    assert not run_control.is_running(racer.workspace, "evaluation", 0)
    assert evaluations(racer, "first") == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("first",), 2, "A race needs two different models or more."),
        (("first", "first/"), 2, "A race needs two different models or more."),
        (
            ("first", "nobody"),
            1,
            "DR_EVAL_OPP_S3_MODEL_PREFIX=nobody: The model nobody has no complete checkpoint.",
        ),
        (("nobody", "first"), 1, "The model nobody has no complete checkpoint."),
        (("first", "rival", "--checkpoint", "worst"), 2, "Use best, last, fastest or a number."),
        (("first", "rival", "--checkpoint", "3"), 2, "checkpoint 3"),
        (("first", "rival", "--laps", "0"), 2, "--laps"),
    ],
)
def test_what_cannot_race(racer: Any, words: tuple[str, ...], code: int, said: str) -> None:
    before = racer.bucket.list()
    answer = racer.invoke("race", *words)
    assert (answer.exit_code, answer.stdout) == (code, ""), answer.stderr
    assert said in answer.stderr
    assert racer.bucket.list() == before


def test_another_engine_does_not_tell_who_wins(racer: Any) -> None:
    words = ("--set", "DR_SIMAPP_SOURCE=other/simapp", "--set", "DR_DOCKER_STYLE=compose")
    answer = racer.invoke("race", "first", "rival", *words)
    assert answer.exit_code == 2 and "needs drcli's own engine" in answer.stderr


def test_help_has_an_example() -> None:
    answer = CliRunner().invoke(main, ["race", "--help"])
    assert answer.exit_code == 0 and "  dr race careful brave" in answer.stdout
