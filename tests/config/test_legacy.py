"""Settings that were renamed or dropped: one line of notice each, and an old name still counts."""

from __future__ import annotations

import pytest

from drcli.config import legacy
from drcli.config.load import load_settings
from drcli.config.settings import variables
from tests.conftest import MakeWorkspace

# Another value than the default, for each setting that has an older name.
OTHER = {
    "DR_TRAIN_CHANGE_START_POSITION": "False",
    "DR_TRAIN_ALTERNATE_DRIVING_DIRECTION": "True",
    "DR_TRAIN_ROUND_ROBIN_ADVANCE_DIST": "0.25",
    "DR_EVAL_NUMBER_OF_TRIALS": "7",
    "DR_EVAL_MAX_RESETS": "9",
    "DR_EVAL_COLLISION_PENALTY": "1.25",
    "DR_EVAL_OPP_S3_MODEL_PREFIX": "rival",
    "DR_LOCAL_S3_TRAINING_PARAMS_FILE": "my.yaml",
    "DR_CAMERA_KVS_ENABLE": "False",
    "DR_GUI_ENABLE": "True",
}


@pytest.mark.parametrize("old", legacy.RENAMED)
def test_an_old_name_counts_and_is_noticed_once(make_workspace: MakeWorkspace, old: str) -> None:
    new = legacy.RENAMED[old]
    settings = load_settings(make_workspace(run=f"# head\n{old}={OTHER[new]}\n"))
    assert settings.text(new) == OTHER[new]
    assert settings.notices == (f"run.env:2: {old} is now called {new}",)


@pytest.mark.parametrize("old", legacy.RENAMED)
def test_the_new_name_beats_the_old_one(make_workspace: MakeWorkspace, old: str) -> None:
    new = legacy.RENAMED[old]
    for run in (f"{old}={OTHER[new]}\n{new}=\n", f"{new}=\n{old}={OTHER[new]}\n"):
        settings = load_settings(make_workspace(run=run))
        assert settings.text(new) != OTHER[new]
        (notice,) = settings.notices
        assert notice.endswith(f"{old} has no effect: {new} is set too")


@pytest.mark.parametrize("name", legacy.IGNORED)
def test_a_dropped_name_is_noticed_once_and_changes_nothing(make_workspace: MakeWorkspace, name: str) -> None:
    plain = load_settings(make_workspace())
    settings = load_settings(make_workspace(system=f"{name}=x\n"))
    (notice,) = settings.notices
    assert notice.startswith(f"system.env:1: {name} has no effect: ") and "\n" not in notice
    assert {key: settings.text(key) for key in variables()} == {key: plain.text(key) for key in variables()}


def test_the_images_of_old_workspaces_do_not_choose_the_image(make_workspace: MakeWorkspace) -> None:
    old = "DR_SAGEMAKER_IMAGE=5.1.1-gpu\nDR_ROBOMAKER_IMAGE=5.1.1-cpu-avx2\nDR_COACH_IMAGE=5.1.1\n"
    settings = load_settings(make_workspace(system=old))
    assert (settings.simapp_source, settings.simapp_version) == ("drcli/simapp", "")
    assert len(settings.notices) == 3
    assert all("DR_SIMAPP_SOURCE" in notice for notice in settings.notices)


def test_names_of_today_get_no_notice(make_workspace: MakeWorkspace) -> None:
    settings = load_settings(
        make_workspace(run="DR_TRAIN_RTF=2.0\nDR_EVAL_RTF=0.5\nDR_CAMERA_KVS_ENABLE=True\n")
    )
    assert settings.notices == ()
    assert settings.train_rtf == 2.0
