"""Guided training with something on the road: teacher and student to their end, on a circle.

The reward function is that of docs/custom-files.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from run_records import check

from benchmarks.race_rewards import example
from drcli.config.model_metadata import ModelMetadata
from drcli.services.shared.seats import TEACHER, seats_of
from drcli.services.trainer.methods.teaching import is_of
from drcli.sim.sensors.objects_ahead import ObjectsAhead
from drcli.sim.sensors.road_ahead import RoadAhead
from drcli.store.checkpoints import read_checkpoint
from drcli.train.checkpoint import unpack

RACES: dict[str, dict[str, str | list[str]]] = {
    "OBJECT_AVOIDANCE": {"NUMBER_OF_OBSTACLES": "1", "OBJECT_POSITIONS": ["0.5,1"]},
    "HEAD_TO_BOT": {"NUMBER_OF_BOT_CARS": "1"},
}


@pytest.mark.slow
@pytest.mark.parametrize("race", RACES)
def test_a_model_learns_to_drive_without_a_crash(new_guided_run: Callable[..., Any], race: str) -> None:
    run = new_guided_run()
    params = {"RACE_TYPE": race, **RACES[race]}
    run.write(kind="discrete", reward=example(), params=params, lr=7e-4, term_cond_max_episodes=10000)
    services = [run.start("train"), run.start("work", 0)]
    assert {service.wait() for service in services} == {0}
    status = check(run)
    assert status.stop_reason.startswith("the model drives 2 of 2 laps, 15 of 15 from perturbed starts")
    name, files = read_checkpoint(run.bucket, run.keys)
    state = unpack(files["safetensors"], str(name)).state
    seen = {
        part.shape[1] for key, part in state.items() if key.startswith("best_teacher/") and part.dim() == 2
    }
    assert RoadAhead.shape[0] + ObjectsAhead.shape[0] in seen


@pytest.mark.parametrize(
    ("races", "sensors"),
    [
        (["TIME_TRIAL"], ["ROAD_AHEAD"]),
        (["OBJECT_AVOIDANCE"], ["ROAD_AHEAD", "OBJECTS_AHEAD"]),
        (["TIME_TRIAL", "HEAD_TO_BOT", "OBJECT_AVOIDANCE"], ["ROAD_AHEAD", "OBJECTS_AHEAD"]),
    ],
)
def test_a_teacher_sees_what_is_on_the_road_of_any_worker(
    new_guided_run: Callable[..., Any], races: list[str], sensors: list[str]
) -> None:
    run = new_guided_run()
    metadata = ModelMetadata.parse(run.bucket.get("in/metadata.json").decode(), "metadata")
    assert [sensor.name for sensor in seats_of(metadata, races)[TEACHER].model.sensors] == sensors


def test_a_teacher_of_another_race_is_not_taken_over(new_guided_run: Callable[..., Any]) -> None:
    run = new_guided_run()
    metadata = ModelMetadata.parse(run.bucket.get("in/metadata.json").decode(), "metadata")
    road, objects = (
        seat.algorithm.network(seat.model)
        for seat in (seats_of(metadata, [race])[TEACHER] for race in ("TIME_TRIAL", "OBJECT_AVOIDANCE"))
    )
    state = {f"teacher/{name}": part for name, part in road.state_dict().items()}
    assert is_of(state, road) and not is_of(state, objects)
    assert is_of({}, objects), "checkpoints of other methods have no teacher"
