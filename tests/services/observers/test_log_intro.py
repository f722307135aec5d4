"""The start of a robomaker log, read as deepracer-log-guru 3.2 reads it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from drcli.config.load import settings_of
from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import render_training, to_yaml
from drcli.contract.episode import Episode, Status, TraceRow
from drcli.services.observers.log_intro import LogIntro, lines_of, params_line, quoted
from drcli.services.observers.observer import ObservedRun
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.observers.trace_log import TraceLog

CAMERA = {"version": "5", "sensor": ["FRONT_FACING_CAMERA"], "training_algorithm": "clipped_ppo"}
DISCRETE = CAMERA | {
    "action_space_type": "discrete",
    "action_space": [{"steering_angle": -30, "speed": 1.0}, {"steering_angle": 30, "speed": 0.5}],
}
CONTINUOUS = CAMERA | {
    "action_space_type": "continuous",
    "action_space": {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 0.5, "high": 2}},
}


def as_json(text: str) -> object:
    """What log-guru does with a Python literal."""
    return json.loads(text.replace("'", '"'))


def read(document: dict[str, object]) -> tuple[str, object]:
    """The sensor line and the actions of a model."""
    sensors, actions = lines_of(ModelMetadata.parse(json.dumps(document), "model_metadata.json"))
    start = "Loaded action space from file: "
    assert actions.startswith(start)
    return sensors, as_json(actions.removeprefix(start))


def test_discrete_actions_are_a_list_with_their_positions() -> None:
    sensors, actions = read(DISCRETE)
    assert sensors.startswith(
        "Sensor list ['FRONT_FACING_CAMERA'], network DEEP_CONVOLUTIONAL_NETWORK_SHALLOW, "
    )
    assert sensors.partition(", simapp_version ")[2][:3] == "5.0"
    assert sensors.partition(", training_algorithm ")[2].split(",")[0] == "clipped_ppo"
    assert "action_space_type continuous" not in sensors
    assert actions == [
        {"steering_angle": -30, "speed": 1.0, "index": 0},
        {"steering_angle": 30, "speed": 0.5, "index": 1},
    ]


def test_continuous_actions_are_bounds() -> None:
    sensors, actions = read(CONTINUOUS)
    assert "action_space_type continuous" in sensors
    lidar = as_json(sensors.partition(" lidar_config ")[2])
    assert lidar == {"num_sectors": 8, "num_values_per_sector": 8, "clipping_dist": 2.0}
    assert actions == CONTINUOUS["action_space"]


@pytest.mark.parametrize("name", ["O'Neil", 'the "fast" one', "back\\slash", "Ünal"])
def test_a_name_with_quotes_does_not_break_the_params_line(name: str) -> None:
    line = quoted({"JOB_TYPE": "TRAINING", "RACER_NAME": name, "CAR_COLOR": ["Red"], "WORLD_NAME": "oval"})
    assert line.startswith("{'")
    read_back = as_json(line)
    assert isinstance(read_back, dict)
    assert (read_back["WORLD_NAME"], read_back["CAR_COLOR"]) == ("oval", ["Red"])


LISTS = ("BODY_SHELL_TYPE", "CAR_COLOR", "METRICS_S3_BUCKET", "METRICS_S3_OBJECT_KEY", "MODEL_METADATA_FILE_S3_KEY",
         "SAGEMAKER_SHARED_S3_BUCKET", "SAGEMAKER_SHARED_S3_PREFIX")  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"DR_RACE_TYPE": "OBJECT_AVOIDANCE", "DR_OA_OBJECT_POSITIONS": "0.1,-1;0.5,1"},
        {"DR_RACE_TYPE": "HEAD_TO_BOT"},
    ],
)
def test_params_have_the_types_that_log_guru_asserts(settings: dict[str, str]) -> None:
    (document,) = render_training(settings_of({"DR_WORLD_NAME": "tiny", **settings}), None)
    params = as_json(params_line(yaml.safe_load(to_yaml(document.values))))
    assert isinstance(params, dict)
    assert all(isinstance(params[name], list) and len(params[name]) == 1 for name in LISTS)
    positions = params.pop("OBJECT_POSITIONS", [])
    assert isinstance(positions, list)
    assert [position.split(",")[1] for position in positions] == (["-1", "1"] if positions else [])
    assert all(isinstance(value, str) for name, value in params.items() if name not in LISTS)
    texts = {
        name: params[name] for name in ("RANDOMIZE_OBSTACLE_LOCATIONS", "IS_LANE_CHANGE") if name in params
    }
    assert set(texts.values()) <= {"True", "False"}
    assert int(params["NUM_WORKERS"]) == 1
    assert 0.0 <= float(params["START_POSITION_OFFSET"]) < 1.0


LAP = Episode(0, 0, 0.0, 0.0, False, 30.0, 100.0, Status.LAP_COMPLETE, 9.0)


def observed(run: Any) -> Subscriptions:
    job = run.job()
    job.bucket.put(job.keys.hyperparameters, b'{"lr": 0.001, "batch_size": 64}')  # as the trainer does
    return Subscriptions(
        [LogIntro(ObservedRun("worker", job.environment, job.bucket, job.keys, "tiny", job.metadata))]
    )


def test_the_intro_comes_once_before_the_first_episode(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    observers = observed(run)
    assert capsys.readouterr().out == ""
    observers.episode(0, LAP)
    observers.episode(0, LAP)
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", lines[0])
    params = next(as_json(line) for line in lines if line.startswith("{'"))
    assert isinstance(params, dict)
    assert params["WORLD_NAME"] == "tiny"
    platform = next(line for line in lines if line.startswith("Starting as worker "))
    assert int(platform.removeprefix("Starting as worker ").split(",")[0]) == 0
    assert lines.index(platform) < next(i for i, line in enumerate(lines) if line.startswith("{'"))
    assert re.search(r"'WORLD_NAME': '(\S+)'", text)
    lone = {line.split(":")[0].strip(' "'): line for line in lines if line.startswith('  "')}
    assert {"batch_size", "lr"} <= lone.keys()
    assert sum("Loaded action space from file" in line for line in lines) == 1
    assert lines.index(next(line for line in lines if line.startswith("Sensor list"))) > 0


def test_an_evaluation_is_a_reward_each_and_a_list_of_progress(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    observers = observed(run)
    observers.episode(0, LAP)
    capsys.readouterr()
    observers.exam([LAP, LAP])
    *rewards, progress = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" = ")[2] for line in rewards] == ["30.00", "30.00"]
    assert progress.endswith("evaluations: 2 Evaluation episode progress: [100.0, 100.0]")


def test_only_the_first_worker_tells_of_evaluations(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """log-guru refuses the logs of a run of which two have evaluations (`src/log/log.py`, `load_all`)."""
    observers = observed(run)
    observers.episode(1, LAP)
    capsys.readouterr()
    observers.exam([LAP])
    assert capsys.readouterr().out == ""


def test_deepracer_utils_loads_the_log(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from deepracer.logs import DeepRacerLog, FSFileHandler

    job = run.job()
    hyperparameters = b'{"lr": 0.001, "num_episodes_between_training": 2}'
    job.bucket.put(job.keys.hyperparameters, hyperparameters)
    observed_run = ObservedRun("worker", job.environment, job.bucket, job.keys, "tiny", job.metadata)
    observers = Subscriptions([LogIntro(observed_run), TraceLog(observed_run)])
    for number in range(4):
        observers.episode(0, replace(LAP, rows=[row(number, step) for step in (1, 2, 3)]))
        if number % 2:
            observers.exam([LAP, LAP])
    # The layout of a console's archive, the only one in which deepracer-utils looks for such a log.
    for folder in ("sim-trace/training/training-simtrace", "logs/training"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "logs/training/training-20260101000000-x-robomaker.log").write_text(capsys.readouterr().out)
    log = DeepRacerLog(filehandler=FSFileHandler(str(tmp_path)))
    log.load_robomaker_logs()
    frame = log.dataframe()
    assert log.agent_and_network()["world"] == "tiny"
    assert log.agent_and_network()["sensor_list"] == list(job.metadata.sensors)
    assert log.hyperparameters() == json.loads(hyperparameters)
    assert len(log.action_space()) == len(job.metadata.discrete)
    assert frame["episode"].tolist() == [number for number in range(4) for _ in range(3)]
    assert frame["iteration"].tolist() == [number // 2 for number in range(4) for _ in range(3)]
    assert frame["progress"].max() == 100.0


def row(episode: int, step: int) -> TraceRow:
    is_last = step == 3
    status = "lap_complete" if is_last else "in_progress"
    return TraceRow(episode, float(step), 0.1 * step, 0.2, 5.0, -15.0, 1.0, 0, 1.0, is_last, True, 100.0 * step / 3,
                    step, 9.0, 0.1 * step, status, 0.0, 0, 1.7e9 + step)  # fmt: skip
