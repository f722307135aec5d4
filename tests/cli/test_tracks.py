"""`dr tracks` in a folder without and with a workspace."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.sim.catalogue import load_track


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dr(*words: str) -> Result:
    return CliRunner().invoke(main, ["tracks", *words])


def make_workspace(root: Path, url: str = "http://127.0.0.1:9") -> None:
    (root / "system.env").write_text(f"DR_TRACKS_URL={url}\n")
    (root / "run.env").write_text("")
    (root / "data" / "tracks").mkdir(parents=True)
    np.save(root / "data" / "tracks" / "Oval_track.npy", load_track("drcli_oval", None, "").rows)


def test_lists_ours_outside_of_a_workspace() -> None:
    result = dr()
    assert result.exit_code == 0, result.output
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["name", "length", "m", "width", "m", "direction", "source", "description"]
    assert any(line.split()[:5] == ["drcli_oval", "17.42", "1.00", "ccw", "drcli"] for line in lines)
    assert "next: dr tracks show" in result.stderr


def test_lists_the_cache_of_the_workspace_as_json(here: Path) -> None:
    make_workspace(here)
    result = dr("--json")
    assert result.exit_code == 0, result.output
    last = json.loads(result.stdout)[-1]
    assert last["name"] == "Oval_track" and last["source"].endswith("Oval_track.npy")
    assert set(last) == {"name", "length_m", "width_m", "direction", "source", "description"}


@pytest.mark.parametrize("words", [["drcli_harbour"], ["drcli_harbour_cw", "-o", "pictures/mine.png"]])
def test_show_draws_a_file(here: Path, words: list[str]) -> None:
    result = dr("show", *words)
    assert result.exit_code == 0, result.output
    drawn = here / result.stdout.strip()
    assert drawn.name == (Path(words[-1]).name if len(words) > 1 else "drcli_harbour.png")
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_show_uses_the_cache(here: Path) -> None:
    make_workspace(here)
    assert dr("show", "Oval_track").exit_code == 0
    assert (here / "Oval_track.png").is_file()


def test_an_unknown_world_is_an_error_with_near_matches(here: Path) -> None:
    make_workspace(here)
    result = dr("show", "drcli_harbor")
    assert result.exit_code == 1
    assert "unknown world 'drcli_harbor'" in result.stderr and "drcli_harbour" in result.stderr
    assert not result.stdout and not list(here.glob("*.png"))


def test_a_named_experiment_needs_its_workspace() -> None:
    result = CliRunner().invoke(main, ["-e", "fast", "tracks"])
    assert result.exit_code == 1 and "No workspace" in result.stderr
