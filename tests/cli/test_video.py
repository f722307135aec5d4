"""`dr video` as its users type it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from mp4_files import read_video
from racing import Racer
from recorded_laps import lap_rows, write_model


@pytest.fixture(scope="module")
def racer(new_racer: Callable[[], Racer]) -> Racer:
    return new_racer()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model", [*lap_rows(0, 15)], [*lap_rows(0, 10)])


def test_three_files_and_the_next_step(racer: Racer, model: Path) -> None:
    result = racer.invoke("video", str(model))
    assert result.exit_code == 0, result.stderr
    paths = [Path(line) for line in result.stdout.splitlines()]
    assert [path.parent.name for path in paths] == ["camera-pip", "camera-45degree", "camera-topview"]
    assert all(read_video(path).seconds == pytest.approx(1.0) for path in paths)
    assert "1 trials" not in result.stderr and "1 trial of the evaluation" in result.stderr
    assert "next: dr report" in result.stderr


def test_one_view_somewhere_else_as_json(racer: Racer, model: Path, tmp_path: Path) -> None:
    result = racer.invoke(
        "video", str(model), "--episode", "fastest", "--view", "behind", "-o", str(tmp_path / "out"), "--json"
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["videos"] == {"behind": str(tmp_path / "out" / "camera-45degree" / "0-video.mp4")}
    assert (found["model"], found["track"], found["seconds"]) == ("model", "drcli_oval", 0.667)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("./nowhere",), "./nowhere was not found"),
        (("--view", "beside"), "'beside' is not one of"),
        (("--trial", "0"), "0 is not in the range"),
    ],
)
def test_what_is_wrong_is_said(racer: Racer, words: tuple[str, ...], message: str) -> None:
    result = racer.invoke("video", *words)
    assert result.exit_code == 2
    assert message in result.stderr
