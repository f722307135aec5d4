from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "Training> Name=main_level/agent, Worker=0, Episode="),
        (("sagemaker",), "The run has ended: "),
        (("robomaker",), "SIM_TRACE_LOG:"),
        (("robomaker", "-n", "1"), "Received termination signal from trainer. Goodbye."),
        (("minio", "--tail", "0"), "Starting s3 server"),
    ],
)
def test_of_a_run_that_has_ended(finished: Any, words: tuple[str, ...], text: str) -> None:
    result = finished.racer.invoke("logs", *words)
    assert result.exit_code == 0
    assert text in result.stdout
    assert "next: dr status" in result.stderr
    assert "next:" not in result.stdout


def test_of_an_evaluation(live: Any) -> None:
    result = live.racer.invoke("-e", "live", "logs", "robomaker", "--evaluation")
    assert "Evaluation job complete." in result.stdout
    assert "next: dr -e live status" in result.stderr


def test_only_the_last_lines(finished: Any) -> None:
    whole = finished.racer.invoke("logs", "--tail", "0").stdout
    log = finished.racer.workspace.logs / "0" / "training" / "sagemaker.log"
    assert whole == log.read_text()
    assert finished.racer.invoke("logs", "--tail", "2").stdout == "".join(whole.splitlines(True)[-2:])


def test_following_what_has_ended_ends(finished: Any) -> None:
    result = finished.racer.invoke("logs", "-f", "--tail", "1")
    assert result.exit_code == 0
    assert result.stdout.startswith("The run has ended: ")


def test_following_shows_what_comes_and_ends_with_the_run(live: Any) -> None:
    assert "Training> Name=main_level/agent" in live.followed
    assert live.followed.endswith("The run has ended: stopped on request.\n")
    log = live.racer.workspace.logs / "1" / "training" / "sagemaker.log"
    assert log.read_text().endswith(live.followed)  # no line lost, none twice


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("robomaker", "-n", "7"), 1, "Logs exist for robomaker-1, sagemaker, supervisor."),
        (("--set", "DR_RUN_ID=5"), 1, "Nothing has run under this run id yet."),
        (("gazebo",), 2, "'gazebo' is not one of 'sagemaker', 'robomaker', 'rl_coach', 'minio'"),
        (("--tail", "-1"), 2, "--tail"),
        (("-n", "0"), 2, "--replica"),
    ],
)
def test_what_there_is_not(finished: Any, words: tuple[str, ...], code: int, text: str) -> None:
    result = finished.racer.invoke("logs", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert text in result.stderr
