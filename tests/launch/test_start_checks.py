"""What is refused before a start, what is only warned of, and for which engine."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from drcli.config.load import load_settings, settings_of
from drcli.config.settings import Settings, variables
from drcli.config.variable import COMMUNITY, OURS
from drcli.errors import DrError, UsageError
from drcli.launch import evaluation_start, start_checks
from drcli.launch.docker import images
from drcli.launch.start_checks import check_training_files, settings_without_effect
from drcli.paths import Workspace
from drcli.workspace.scaffold import plan_workspace

THEIRS = {
    "DR_DOCKER_STYLE": "compose",
    "DR_SIMAPP_SOURCE": "awsdeepracercommunity/deepracer-simapp",
    "DR_SIMAPP_VERSION": "6.0.4-cpu",
}
CONTINUOUS = {
    "action_space_type": "continuous",
    "action_space": {"speed": {"low": 1, "high": 2}, "steering_angle": {"low": 5, "high": 30}},
}
SAC = {"training_algorithm": "sac", **CONTINUOUS}


@pytest.fixture
def racer(workspace: Workspace) -> Workspace:
    """A workspace as `dr init` makes it."""
    for file in plan_workspace(workspace):
        file.write()
    return workspace


def settings(racer: Workspace, **values: str) -> Settings:
    return load_settings(racer, [f"{name}={value}" for name, value in values.items()])


def change(racer: Workspace, name: str, **values: Any) -> None:
    path = racer.custom_files / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values, indent=1))


def write_reward(racer: Workspace, *lines: str) -> None:
    path = racer.custom_files / "reward_function.py"
    path.write_text("\n".join(("def reward_function(params):", *(f"    {line}" for line in lines))) + "\n")


# Another engine


def test_an_exploration_type_that_sac_does_not_have_is_the_business_of_another_engine(
    racer: Workspace,
) -> None:
    change(racer, "model_metadata.json", **SAC)
    change(racer, "hyperparameters.json", exploration_type="additive_noise", sac_alpha=0.2)
    start_checks.check_settings(settings(racer, **THEIRS))
    assert check_training_files(settings(racer, **THEIRS), racer).warnings == ()


def test_what_sac_does_not_use_is_said(racer: Workspace) -> None:
    change(racer, "model_metadata.json", **SAC)
    change(racer, "hyperparameters.json", exploration_type="additive_noise", sac_alpha=0.2)
    for method, used in (("pixels", set()), ("guided", {"beta_entropy"})):  # the teacher's
        warnings = check_training_files(settings(racer, DR_TRAIN_METHOD=method), racer).warnings
        unused = [text for text in warnings if "has no effect on sac" in text]
        named = {re.search(r"hyperparameters\.json:\d+: (\w+) has", text)[1] for text in unused}
        assert {"exploration_type", "beta_entropy", "num_epochs"} - named == used
        assert not named & {"sac_alpha", "lr", "batch_size", "discount_factor", "loss_type"}


def test_what_ppo_does_not_use_is_said(racer: Workspace) -> None:
    change(racer, "hyperparameters.json", sac_alpha=0.2)
    [warning] = check_training_files(settings(racer), racer).warnings
    assert re.search(r"hyperparameters\.json:\d+: sac_alpha has no effect on clipped_ppo$", warning)


def test_our_ppo_explores_without_additive_noise(racer: Workspace) -> None:
    change(racer, "hyperparameters.json", exploration_type="additive_noise")
    with pytest.raises(UsageError, match=r"hyperparameters\.json.*additive_noise"):
        check_training_files(settings(racer), racer)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("hyperparameters.json", {"batch_size": "many"}),
        ("hyperparameters.json", {"loss_type": "hinge"}),
        ("model_metadata.json", {"sensor": ["LIDAR"]}),
        ("model_metadata.json", {"sensor": ["SONAR"]}),
        ("model_metadata.json", {"neural_network": "TRANSFORMER"}),
        ("model_metadata.json", {"training_algorithm": "sac"}),
    ],
)
def test_what_we_refuse_is_a_warning_for_another_engine(
    racer: Workspace, name: str, values: dict[str, Any]
) -> None:
    change(racer, name, **values)
    with pytest.raises(UsageError):
        check_training_files(settings(racer), racer)
    (warning,) = check_training_files(settings(racer, **THEIRS), racer).warnings
    assert re.search(rf"{re.escape(name)}:\d+: .*\(for drcli's own engine\)$", warning)


@pytest.mark.parametrize("name", ["hyperparameters.json", "model_metadata.json"])
def test_no_engine_reads_what_is_no_json(racer: Workspace, name: str) -> None:
    (racer.custom_files / name).write_text("{]")
    with pytest.raises(UsageError, match=name):
        check_training_files(settings(racer, **THEIRS), racer)


# Several tracks

SEVERAL = {"DR_WORLD_NAME": "drcli_oval, drcli_grand"}


def test_the_tracks_of_a_run(racer: Workspace) -> None:
    tracks = start_checks.check_worlds(settings(racer, **SEVERAL), racer, keep=False)
    assert [track.name for track in tracks] == ["drcli_oval", "drcli_grand"]


def test_the_unknown_one_among_several_is_named(racer: Workspace) -> None:
    wrong = settings(racer, DR_WORLD_NAME="drcli_oval,drcli_grant", DR_TRACKS_URL="http://127.0.0.1:9")
    with pytest.raises(DrError, match=r"^--set: DR_WORLD_NAME: unknown world 'drcli_grant'") as caught:
        start_checks.check_worlds(wrong, racer)
    assert "drcli_grand" in caught.value.hint


def test_the_reward_function_is_tried_on_each_track(racer: Workspace) -> None:
    write_reward(racer, "return 1.0 if params['track_length'] < 50 else None")
    check_training_files(settings(racer, DR_WORLD_NAME="drcli_oval"), racer)
    with pytest.raises(DrError, match=r"reward_function\.py"):
        check_training_files(settings(racer, **SEVERAL), racer)


def test_warnings_of_several_tracks_are_given_once(racer: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "requirements_of", lambda image: ("no_such_module",))
    write_reward(racer, "import no_such_module", "return 1.0")
    many = settings(racer, DR_DOCKER_STYLE="compose", **SEVERAL)
    assert len(check_training_files(many, racer).warnings) == 1


def test_another_engine_drives_on_one_track(racer: Workspace) -> None:
    start_checks.check_settings(settings(racer, **SEVERAL))
    with pytest.raises(
        UsageError, match="names several tracks; the community's engine drives on one"
    ) as caught:
        start_checks.check_settings(settings(racer, **THEIRS, **SEVERAL))
    assert "DR_TRAIN_MULTI_CONFIG" in caught.value.hint
    racer.worker_env(2).write_text("DR_WORLD_NAME=drcli_oval,drcli_grand\n")
    multi = {"DR_TRAIN_MULTI_CONFIG": "True", "DR_WORKERS": "2"}
    assert start_checks.check_workers(settings(racer, **multi), racer)[0].world_names[1] == "drcli_grand"
    with pytest.raises(UsageError, match=r"^worker-2\.env:1: DR_WORLD_NAME"):
        start_checks.check_workers(settings(racer, **THEIRS, **multi), racer)


def test_an_evaluation_drives_on_one_track(racer: Workspace) -> None:
    start_checks.check_single_world(settings(racer))
    many = settings(racer, **SEVERAL)
    for begin in (evaluation_start.start, evaluation_start.dry_run):
        with pytest.raises(UsageError, match="an evaluation drives on one") as caught:
            begin(many, racer)
        assert "--set DR_WORLD_NAME=drcli_oval" in caught.value.hint


# Settings without effect


@pytest.mark.parametrize(
    ("name", "value", "kinds"),
    [
        ("DR_TRAIN_RTF", "1.0", ("training", "")),
        ("DR_EVAL_RTF", "1.0", ("evaluation", "")),
        ("DR_GAZEBO_ARGS", "-v 4", ("training", "evaluation", "")),
    ],
)
def test_a_setting_without_effect_says_so(
    racer: Workspace, name: str, value: str, kinds: tuple[str, ...]
) -> None:
    with racer.run_env.open("a") as run_env:
        run_env.write(f"{name}={value}\n")
    line = len(racer.run_env.read_text().splitlines())
    said = f"run.env:{line}: {name}={value} has no effect: it is only for the community's engine."
    for kind in ("training", "evaluation", ""):
        assert settings_without_effect(settings(racer), racer, kind) == ((said,) if kind in kinds else ())
    assert settings_without_effect(settings(racer, **THEIRS), racer) == ()


def test_a_setting_of_ours_has_no_effect_on_the_other_engine(racer: Workspace) -> None:
    chosen = settings(racer, **THEIRS, DR_STEP_JITTER="0.2", DR_CAR_DYNAMICS="simapp-4")
    assert settings_without_effect(chosen, racer) == (
        "--set: DR_STEP_JITTER=0.2 has no effect: it is only for drcli's own engine.",
        "--set: DR_CAR_DYNAMICS=simapp-4 has no effect: it is only for drcli's own engine.",
    )
    assert settings_without_effect(settings(racer, DR_STEP_JITTER="0.2"), racer) == ()


def test_randomisation_needs_the_switch(racer: Workspace) -> None:
    values = {"DR_RANDOMIZE": "blur", "DR_RANDOMIZE_LATENCY": "2", "DR_RANDOMIZE_STEERING": "0.05"}
    values["DR_RANDOMIZE_SPEED"] = "0.05"
    said = settings_without_effect(settings(racer, **values), racer)
    assert said == tuple(
        f"--set: {name}={value} has no effect without DR_ENABLE_DOMAIN_RANDOMIZATION=True."
        for name, value in sorted(values.items())
    )
    values["DR_ENABLE_DOMAIN_RANDOMIZATION"] = "True"
    assert settings_without_effect(settings(racer, **values), racer) == ()


@pytest.mark.parametrize(
    ("race", "name", "value", "switch", "reason"),
    [
        ("HEAD_TO_BOT", "DR_H2B_LANE_CHANGE_DISTANCE", "2", "", "without DR_H2B_IS_LANE_CHANGE=True"),
        ("OBJECT_AVOIDANCE", "DR_OA_NUMBER_OF_OBSTACLES", "4", "0.2,-1", "beside DR_OA_OBJECT_POSITIONS"),
    ],
)
def test_settings_of_objects_that_another_one_makes_idle(
    racer: Workspace, race: str, name: str, value: str, switch: str, reason: str
) -> None:
    values = {name: value, "DR_OA_OBJECT_POSITIONS": switch}
    said = f"--set: {name}={value} has no effect {reason}."
    assert settings_without_effect(settings(racer, **values, DR_RACE_TYPE=race), racer) == (said,)
    assert settings_without_effect(settings(racer, **values), racer) == ()  # of no race that is driven


def test_the_slow_car_of_version_1_is_announced(racer: Workspace) -> None:
    path = racer.custom_files / "model_metadata.json"
    metadata = json.loads(path.read_text())
    assert not [text for text in check_training_files(settings(racer), racer).warnings if "version" in text]
    del metadata["version"], metadata["sensor"]
    path.write_text(json.dumps(metadata))
    (said,) = (text for text in check_training_files(settings(racer), racer).warnings if "version 1" in text)
    assert said.startswith(f"{path}: the car of version 1 drives 0.3 of the speed of its actions")
    chosen = settings(racer, DR_CAR_DYNAMICS="simapp-5")
    assert not [text for text in check_training_files(chosen, racer).warnings if "version 1" in text]


def test_defaults_are_not_worth_a_word(racer: Workspace) -> None:
    assert settings_without_effect(settings(racer), racer) == ()
    assert settings_without_effect(settings_of({"DR_EVAL_RTF": "", "DR_TRAIN_RTF": ""}), racer) == ()


def test_workers_with_settings_of_their_own_are_looked_at_too(racer: Workspace) -> None:
    racer.worker_env(2).write_text("DR_CAMERA_SUB_ENABLE=True\n")
    many = settings(racer, DR_TRAIN_MULTI_CONFIG="True", DR_WORKERS="2", DR_TRAIN_RTF="1")
    assert settings_without_effect(many, racer, "training") == (
        "--set: DR_TRAIN_RTF=1 has no effect: it is only for the community's engine.",
        "worker-2.env:1: DR_CAMERA_SUB_ENABLE=True has no effect: it is only for the community's engine.",
    )
    assert settings_without_effect(many, racer, "evaluation") == ()


def test_the_table_says_which_settings_that_are() -> None:
    theirs = {name for name, row in variables().items() if row.only_for == COMMUNITY}
    assert theirs >= {"DR_TRAIN_RTF", "DR_EVAL_RTF"}
    assert {row.only_for for row in variables().values()} == {"", COMMUNITY, OURS}
    assert (
        variables()["DR_GUI_ENABLE"].meaning
        == "Open the simulator's window. Only for the community's engine."
    )


# A hint


def without_method(racer: Workspace) -> None:
    """As run.env was before there was another way."""
    lines = racer.run_env.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("DR_TRAIN_METHOD")]
    assert len(kept) == len(lines) - 1
    racer.run_env.write_text("".join(kept))


def test_a_folder_that_does_not_say_how_to_learn_is_told_of_the_faster_way(racer: Workspace) -> None:
    without_method(racer)
    (line,) = start_checks.faster_way(settings(racer))
    assert "\n" not in line
    assert line.startswith("Training from pixels. DR_TRAIN_METHOD=guided in run.env")
    assert start_checks.faster_way(settings_of({})) == (line,)


@pytest.mark.parametrize("method", ["pixels", "guided"])
def test_who_has_chosen_a_method_is_told_nothing(racer: Workspace, method: str) -> None:
    assert start_checks.faster_way(settings(racer)) == ()  # what `dr init` has written
    without_method(racer)
    assert start_checks.faster_way(settings(racer, DR_TRAIN_METHOD=method)) == ()
    with racer.run_env.open("a") as run_env:
        run_env.write(f"DR_TRAIN_METHOD={method}\n")
    assert start_checks.faster_way(settings(racer)) == ()


def test_another_engine_has_no_faster_way(racer: Workspace) -> None:
    without_method(racer)
    assert start_checks.faster_way(settings(racer, **THEIRS)) == ()


@pytest.mark.parametrize(
    ("worlds", "missing"),
    [
        ("drcli_harbour", "drcli_harbour is not"),
        ("drcli_oval_cw, Albert, AWS_track", "drcli_oval_cw, AWS_track are not"),
        ("reInvent2019_track_cw", ""),
        ("2024_reinvent_champ_ccw, Albert", ""),
    ],
)
def test_worlds_that_deepracer_on_aws_lacks_are_named_once(worlds: str, missing: str) -> None:
    lines = start_checks.unknown_on_aws(settings_of({"DR_WORLD_NAME": worlds}))
    assert [line.partition(" in DeepRacer on AWS")[0] for line in lines] == ([missing] if missing else [])


def test_advice_is_a_line_each(racer: Workspace) -> None:
    without_method(racer)
    assert start_checks.advice(settings(racer)) == (
        *start_checks.faster_way(settings(racer)),
        "drcli_harbour is not in DeepRacer on AWS: to import the model there, train on reInvent2019_track, "
        "for example.",
    )


# The reward function


ACTIONS = [{"index": n, "steering_angle": angle, "speed": 1.3} for n, angle in enumerate((-25, 15, 30))]


@pytest.mark.parametrize(
    ("metadata", "allowed"),
    [
        ({"action_space": ACTIONS}, "(params['steering_angle'], params['speed']) == (15, 1.3)"),
        (CONTINUOUS, "5 <= params['steering_angle'] <= 30 and 1 <= params['speed'] <= 2"),
    ],
)
def test_the_trial_drives_an_action_of_the_model(
    racer: Workspace, metadata: dict[str, Any], allowed: str
) -> None:
    change(racer, "model_metadata.json", **metadata)
    write_reward(racer, f"return 1.0 if {allowed} else params['no such action']")
    check_training_files(settings(racer), racer)


@pytest.mark.parametrize("module", ["shapely.geometry", "scipy.spatial", "pandas"])
def test_what_real_reward_functions_import_is_there(racer: Workspace, module: str) -> None:
    write_reward(racer, f"import {module}", "return 1.0")
    assert check_training_files(settings(racer), racer).warnings == ()


def test_a_missing_module_comes_with_the_command_that_installs_it(racer: Workspace) -> None:
    write_reward(racer, "import no_such_module", "return 1.0")
    with pytest.raises(DrError, match=r"reward_function\.py:2: .*no_such_module") as caught:
        check_training_files(settings(racer), racer)
    assert "-m pip install no_such_module`" in caught.value.hint


# Races


OBSTACLES = {"DR_RACE_TYPE": "OBJECT_AVOIDANCE"}
BOTS = {"DR_RACE_TYPE": "HEAD_TO_BOT"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            OBSTACLES | {"DR_OA_NUMBER_OF_OBSTACLES": "40"},
            r"DR_OA_NUMBER_OF_OBSTACLES=40, but drcli_harbour \(19\.6 m\) has room for 9, "
            "with DR_OA_MIN_DISTANCE_BETWEEN_OBSTACLES 2 m",
        ),
        (
            OBSTACLES | {"DR_OA_OBSTACLE_TYPE": "tree"},
            "DR_OA_OBSTACLE_TYPE=tree, expected one of box_obstacle, ",
        ),
        (BOTS | {"DR_H2B_NUMBER_OF_BOT_CARS": "40"}, "DR_H2B_NUMBER_OF_BOT_CARS=40, but drcli_harbour"),
        (BOTS | {"DR_H2B_BOT_CAR_SPEED": "7"}, "DR_H2B_BOT_CAR_SPEED=7, expected a number from 0 to 4"),
        (
            BOTS | {"DR_H2B_IS_LANE_CHANGE": "True", "DR_H2B_LANE_CHANGE_DISTANCE": "0"},
            "DR_H2B_LANE_CHANGE_DISTANCE=0, expected a number of 0.1 or more",
        ),
    ],
)
def test_a_race_that_cannot_take_place_is_refused(
    racer: Workspace, values: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=f"^--set: {said}"):
        check_training_files(settings(racer, **values), racer)
    with pytest.raises(UsageError, match=f"^--set: {said}"):
        start_checks.check_worlds(settings(racer, **values), racer)


def test_lane_changes_that_end_before_they_begin_are_refused(racer: Workspace) -> None:
    with pytest.raises(UsageError, match="DR_H2B_LOWER_LANE_CHANGE_TIME is greater than"):
        settings(racer, **BOTS, DR_H2B_LOWER_LANE_CHANGE_TIME="6")


@pytest.mark.parametrize("values", [OBSTACLES, BOTS])
def test_the_trial_call_of_a_reward_function_has_the_objects_of_its_race(
    racer: Workspace, values: dict[str, str]
) -> None:
    write_reward(
        racer,
        "before, after = params['closest_objects']",
        "assert len(params['objects_location']) == len(params['objects_heading']) > 2",
        "assert params['objects_distance'][before] > 10 > params['objects_distance'][after]",
        "assert params['objects_left_of_center'] == [i % 2 == 0 for i in range(len(params['objects_speed']))]",
        "return params['objects_distance_from_center'][after]",
    )
    assert not check_training_files(settings(racer, **values), racer).warnings
    with pytest.raises(DrError, match=r"reward_function\.py:3"):
        check_training_files(settings(racer), racer)


IN_CONTAINERS = {"DR_DOCKER_STYLE": "compose"}


def test_an_image_that_lacks_the_module_is_built_again(
    racer: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        images, "requirements_of", lambda image: ("sympy>=1", "wheels/numba_stats-1-py3-none-any.whl")
    )
    write_reward(racer, "import no_such_module", "return 1.0")
    with pytest.raises(DrError, match=r"reward_function\.py:2: .*no_such_module") as caught:
        check_training_files(settings(racer, **IN_CONTAINERS), racer)
    assert caught.value.hint.startswith("`dr images build --with no_such_module` adds it to drcli/simapp:")


@pytest.mark.parametrize(
    "requirement", ["no_such_module", "No-Such.Module[all]>=2", "wheels/no_such_module-1.0-py3-none-any.whl"]
)
def test_an_image_that_has_the_module_may_start(
    racer: Workspace, monkeypatch: pytest.MonkeyPatch, requirement: str
) -> None:
    monkeypatch.setattr(images, "requirements_of", lambda image: ("sympy", requirement))
    write_reward(racer, "import no_such_module", "return 1.0")
    (warning,) = check_training_files(settings(racer, **IN_CONTAINERS), racer).warnings
    assert "was not called on this machine; drcli/simapp:" in warning and "contains no_such_module" in warning
