from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drcli.config.load import settings_of
from drcli.config.params_documents import render_evaluation, render_training, to_yaml
from drcli.config.run_params import EvaluationParams, TrainingParams
from drcli.errors import DrError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LEAST = (
    "WORLD_NAME: w\nMETRICS_S3_BUCKET: b\nMETRICS_S3_OBJECT_KEY: m/x.json\nSAGEMAKER_SHARED_S3_BUCKET: b\n"
    "SAGEMAKER_SHARED_S3_PREFIX: p\nMODEL_METADATA_FILE_S3_KEY: c/m.json\nREWARD_FILE_S3_KEY: c/r.py\n"
)


def test_training_document_round_trip() -> None:
    settings = settings_of(
        {
            "DR_WORLD_NAME": "Oval_track",
            "DR_WORKERS": "3",
            "DR_TRAIN_START_POSITION_OFFSET": "0.25",
            "DR_TRAIN_REVERSE_DIRECTION": "True",
            "DR_TRAIN_BEST_MODEL_METRIC": "laptime",
        }
    )
    params = TrainingParams.parse(to_yaml(render_training(settings, None)[0].values))
    race = params.race
    assert (params.world_name, race.race_type) == ("Oval_track", "TIME_TRIAL")
    assert (race.start_position_offset, race.round_robin_advance_dist) == (0.25, 0.05)
    assert (race.reverse_dir, race.change_start_position, race.alternate_driving_direction) == (
        True,
        True,
        False,
    )
    assert (params.best_model_metric, params.min_eval_trials, race.number_of_reverse_counts) == (
        "laptime",
        5,
        15,
    )
    assert params.model_prefix == "rl-deepracer-sagemaker"
    assert params.metrics_key == "rl-deepracer-sagemaker/metrics/TrainingMetrics.json"
    assert params.model_metadata_key == "custom_files/model_metadata.json"
    assert params.reward_key == "custom_files/reward_function.py"
    assert params.simtrace_prefix == "rl-deepracer-sagemaker"
    assert (race.number_of_resets, race.off_track_penalty_s) == (0, 0.0)


OURS = {
    "DR_CAR_DYNAMICS": "simapp-4",
    "DR_RANDOMIZE_LATENCY": "2",
    "DR_RANDOMIZE_STEERING": "0.05",
    "DR_RANDOMIZE_SPEED": "0.04",
    "DR_STEP_JITTER": "0.2",
}


def test_what_only_our_engine_reads_is_written_if_it_is_set() -> None:
    settings, plain = settings_of(OURS), settings_of({})
    documents = [
        (TrainingParams, render_training(settings, None)[0], render_training(plain, None)[0]),
        (EvaluationParams, render_evaluation(settings, None, NOW), render_evaluation(plain, None, NOW)),
    ]
    keys = {name.removeprefix("DR_") for name in OURS}
    for kind, document, without in documents:
        race = kind.parse(to_yaml(document.values)).race
        found = race.car_dynamics, race.randomised_latency_steps, race.randomised_steering
        assert found == ("simapp-4", 2, 0.05)
        assert (race.randomised_speed, race.step_jitter) == (0.04, 0.2)
        assert keys <= document.values.keys()
        assert not keys & without.values.keys()
        assert kind.parse(to_yaml(without.values)).race.car_dynamics == "auto"


def test_evaluation_document_round_trip() -> None:
    settings = settings_of(
        {"DR_EVAL_MAX_RESETS": "7", "DR_EVAL_OFF_TRACK_PENALTY": "2.5", "DR_RACE_TYPE": "HEAD_TO_MODEL"}
    )
    params = EvaluationParams.parse(to_yaml(render_evaluation(settings, None, NOW).values))
    race = params.race
    assert race.race_type == "HEAD_TO_MODEL", "documents for other engines can be read, too"
    assert (race.rules["NUMBER_OF_RESETS"], race.rules["OFF_TRACK_PENALTY"]) == (7, 2.5)
    assert race.rules["RESET_BEHIND_DIST"] == "1.0"
    assert (race.number_of_trials, race.number_of_resets, race.is_continuous) == (5, 7, True)
    assert (race.off_track_penalty_s, race.collision_penalty_s, params.eval_checkpoint) == (2.5, 5.0, "last")
    assert (params.model_prefix, race.change_start_position) == ("rl-deepracer-sagemaker", False)
    assert params.model_metadata_key == "rl-deepracer-sagemaker/model/model_metadata.json"
    assert params.simtrace_prefix.endswith("evaluation-20260102030405")


def test_real_booleans_and_numbers_are_read_too() -> None:
    params = TrainingParams.parse(
        LEAST + "REVERSE_DIR: true\nMIN_EVAL_TRIALS: 2\nSTART_POSITION_OFFSET: 0.5\nIS_CONTINUOUS: 'FALSE'\n"
    )
    assert (params.race.reverse_dir, params.min_eval_trials, params.race.start_position_offset) == (
        True,
        2,
        0.5,
    )
    assert params.race.is_continuous is False


def test_what_is_missing_has_the_engines_defaults() -> None:
    training = TrainingParams.parse(LEAST)
    assert (training.race.change_start_position, training.race.off_track_penalty_s) == (True, 0.0)
    evaluation = EvaluationParams.parse(
        "JOB_TYPE: EVALUATION\nWORLD_NAME: w\nMETRICS_S3_BUCKET: b\nMETRICS_S3_OBJECT_KEY: k\n"
        "MODEL_S3_BUCKET: [b]\nMODEL_S3_PREFIX: p\nSIMTRACE_S3_BUCKET: []\n"
    )
    assert (evaluation.race.change_start_position, evaluation.race.off_track_penalty_s) == (False, 2.0)
    assert (evaluation.race.number_of_trials, evaluation.simtrace_prefix) == (10, "")


def test_a_race_type_finds_its_own_values_in_the_settings() -> None:
    race = TrainingParams.parse(LEAST + "RACE_TYPE: OBJECT_AVOIDANCE\nNUMBER_OF_OBSTACLES: '3'\n").race
    assert (race.race_type, race.own["NUMBER_OF_OBSTACLES"]) == ("OBJECT_AVOIDANCE", "3")


def test_trials_start_at_one_place_and_training_episodes_are_single_laps() -> None:
    moving = "CHANGE_START_POSITION: true\nALTERNATE_DRIVING_DIRECTION: true\nIS_CONTINUOUS: true\n"
    training = TrainingParams.parse(LEAST + moving).race
    assert (training.change_start_position, training.alternate_driving_direction) == (True, True)
    assert not training.is_continuous
    evaluation = EvaluationParams.parse(
        "WORLD_NAME: w\nMETRICS_S3_BUCKET: b\nMETRICS_S3_OBJECT_KEY: k\nMODEL_S3_BUCKET: b\n"
        f"MODEL_S3_PREFIX: p\n{moving}"
    ).race
    assert (evaluation.change_start_position, evaluation.alternate_driving_direction) == (False, False)
    assert evaluation.is_continuous


@pytest.mark.parametrize(
    ("world", "clockwise", "expected"),
    [
        ("penbay_open", "true", "penbay_open_cw"),
        ("penbay_open", "'True'", "penbay_open_cw"),
        ("penbay_open", "false", "penbay_open_ccw"),
        ("penbay_open", "'false'", "penbay_open_ccw"),
        ("penbay_open_ccw", "true", "penbay_open_ccw"),
        ("penbay_open", "null", "penbay_open"),
        ("penbay_open, albert_cw", "false", "penbay_open_ccw,albert_cw"),
    ],
)
def test_direction_chooses_the_twin(world: str, clockwise: str, expected: str) -> None:
    text = (
        LEAST.replace("WORLD_NAME: w", f"WORLD_NAME: {world}") + f"TRACK_DIRECTION_CLOCKWISE: {clockwise}\n"
    )
    assert TrainingParams.parse(text).world_name == expected


@pytest.mark.parametrize(("text", "names"), [("w", ("w",)), ("'w, v'", ("w", "v"))])
def test_one_track_or_several(text: str, names: tuple[str, ...]) -> None:
    assert TrainingParams.parse(LEAST.replace("WORLD_NAME: w", f"WORLD_NAME: {text}")).world_names == names


def test_keys_are_normal() -> None:
    params = TrainingParams.parse(LEAST.replace("PREFIX: p", "PREFIX: /a//b/"))
    assert params.model_prefix == "a/b"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "not a YAML mapping"),
        ("- 1\n", "not a YAML mapping"),
        ("a: [", "not valid YAML"),
        (LEAST.replace("WORLD_NAME: w\n", ""), "no WORLD_NAME"),
        (LEAST.replace("WORLD_NAME: w", "WORLD_NAME: ''"), "no WORLD_NAME"),
        (LEAST.replace("WORLD_NAME: w", "WORLD_NAME: 'w,'"), "WORLD_NAME: 'w,', expected names"),
        (LEAST.replace("WORLD_NAME: w", "WORLD_NAME: 'v, w, v'"), "each once"),
        (LEAST + "MIN_EVAL_TRIALS: many\n", "MIN_EVAL_TRIALS: 'many', expected int"),
        (LEAST + "REVERSE_DIR: maybe\n", "REVERSE_DIR: 'maybe', expected bool"),
        (LEAST + "OFF_TRACK_PENALTY: .nan\n", "OFF_TRACK_PENALTY"),
    ],
)
def test_wrong_documents(text: str, part: str) -> None:
    with pytest.raises(DrError) as caught:
        TrainingParams.parse(text)
    assert part in caught.value.message


def test_a_document_of_the_other_kind_is_refused() -> None:
    with pytest.raises(DrError, match="JOB_TYPE"):
        EvaluationParams.parse(LEAST + "JOB_TYPE: TRAINING\n")


def test_params_can_be_made_and_varied_in_code() -> None:
    params = TrainingParams.parse(LEAST)
    assert replace(params, world_name="x").world_name == "x"
    with pytest.raises(TypeError, match="world_name"):
        TrainingParams()  # type: ignore[call-arg]


def test_each_car_has_its_own_values() -> None:
    settings = settings_of({"DR_RACE_TYPE": "HEAD_TO_MODEL", "DR_EVAL_OPP_S3_MODEL_PREFIX": "rival"})
    text = to_yaml(render_evaluation(settings, None, datetime(2026, 1, 2)).values)
    first, second = EvaluationParams.parse_cars(text, 2)
    assert first == EvaluationParams.parse(text)
    assert (second.model_prefix, second.simtrace_prefix) == ("rival", "rival")
    assert second.model_metadata_key == "rival/model/model_metadata.json"
    assert (second.world_name, second.eval_checkpoint, second.race) == (first.world_name, "last", first.race)
    with pytest.raises(DrError, match="has 2 METRICS_S3_OBJECT_KEY, but the race needs 3 cars or more"):
        EvaluationParams.parse_cars(text, 3)
