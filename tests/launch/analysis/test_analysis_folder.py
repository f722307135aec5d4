"""The folder of notebooks: what is put there, and that what the user has changed stays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from drcli.config.load import settings_of
from drcli.errors import DrError
from drcli.launch.analysis import analysis_environment, analysis_folder
from drcli.paths import Workspace
from drcli.sim.catalogue import load_track


class Heard(list[str]):
    """What was said."""

    line = say = list.append


def test_a_notebook_and_the_tracks_that_deepracer_utils_loads(workspace: Workspace) -> None:
    from deepracer.tracks import TrackIO

    settings = settings_of({"DR_WORLD_NAME": "drcli_harbour,drcli_oval_cw"})
    heard = Heard()
    analysis_folder.prepare(settings, workspace, heard)
    assert heard == []
    for name in settings.world_names:
        theirs = TrackIO(str(workspace.analysis / "tracks")).load_track(name)
        ours = load_track(name, None, "")
        assert np.allclose(theirs.center_line, ours.center)
        assert np.allclose(theirs.inner_border, ours.inner)
        assert np.allclose(theirs.outer_border, ours.outer)
    notebook = json.loads((workspace.analysis / analysis_folder.NOTEBOOK).read_text(encoding="utf-8"))
    assert all(not cell.get("outputs") for cell in notebook["cells"])


def test_a_changed_notebook_stays(workspace: Workspace) -> None:
    settings = settings_of({"DR_WORLD_NAME": "drcli_harbour"})
    analysis_folder.prepare(settings, workspace, Heard())
    notebook = workspace.analysis / analysis_folder.NOTEBOOK
    notebook.write_text("mine")
    analysis_folder.prepare(settings, workspace, Heard())
    assert notebook.read_text() == "mine"


def test_a_track_that_cannot_be_loaded_is_said(workspace: Workspace) -> None:
    heard = Heard()
    analysis_folder.prepare(settings_of({"DR_WORLD_NAME": "drcli_nowhere"}), workspace, heard)
    assert len(heard) == 1 and "drcli_nowhere" in heard[0]
    assert (workspace.analysis / analysis_folder.NOTEBOOK).is_file()


@pytest.mark.slow
def test_without_packages_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DrError, match="were not installed") as failure:
        analysis_environment.ensure(Heard())
    assert "ERROR" in failure.value.message
    assert [path.suffix for path in (tmp_path / "drcli" / "analysis").iterdir()] in ([], [".lock"])
