"""`dr tracks frames` and `dr tracks show --camera`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from drcli.cli import main

POSES = "X,Y,yaw,note\n0.5,0.0,0,a\n0.6,0.1,-200.5,b\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poses.csv").write_text(POSES)
    return tmp_path


def dr(*words: str) -> Result:
    return CliRunner().invoke(main, ["tracks", *words])


def test_one_grey_picture_for_each_row_as_show_draws_it(here: Path) -> None:
    result = dr("frames", "drcli_oval", "poses.csv", "seen/here")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == "seen/here"
    assert sorted(path.name for path in (here / "seen/here").iterdir()) == ["0.png", "1.png"]
    drawn = Image.open(here / "seen/here/1.png")
    assert (drawn.mode, drawn.size) == ("L", (160, 120))

    result = dr("show", "drcli_oval", "--camera", "0.6,0.1,-200.5", "-o", "one.png")
    assert result.exit_code == 0, result.output
    assert np.array_equal(np.array(drawn), np.array(Image.open("one.png")))
    assert not np.array_equal(np.array(drawn), np.array(Image.open(here / "seen/here/0.png")))


def test_a_full_folder_needs_force(here: Path) -> None:
    (here / "seen").mkdir()
    (here / "seen" / "mine.txt").write_text("mine")
    result = dr("frames", "drcli_oval", "poses.csv", "seen")
    assert result.exit_code == 1 and "seen is not empty" in result.stderr and "--force" in result.stderr
    assert dr("frames", "drcli_oval", "poses.csv", "poses.csv").exit_code == 1
    assert dr("frames", "drcli_oval", "poses.csv", "seen", "--force").exit_code == 0
    assert (here / "seen" / "mine.txt").read_text() == "mine" and (here / "seen" / "1.png").is_file()


def test_bad_rows_are_named_and_nothing_is_written(here: Path) -> None:
    (here / "poses.csv").write_text(POSES + "1,here,0,c\n")
    result = dr("frames", "drcli_oval", "poses.csv", "seen")
    assert result.exit_code == 1 and "poses.csv, line 4: Y is 'here'" in result.stderr
    assert not (here / "seen").exists()


@pytest.mark.parametrize("pose", ["1,2", "1,2,north"])
def test_a_pose_that_is_none_is_an_error(here: Path, pose: str) -> None:
    result = dr("show", "drcli_oval", "--camera", pose)
    assert result.exit_code == 2 and "X,Y" in result.stderr
    assert not list(here.glob("*.png"))
