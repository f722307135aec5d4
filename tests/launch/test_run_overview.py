from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys
from drcli.launch import local_process, run_control
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.launch.run_overview import format_overview, overview
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.run_status import RunStatus
from drcli.store.server import ensure_server

Started = Callable[..., ProcessFolder]
Until = Callable[..., object]
KEYS = {
    *("run_id", "model", "state", "message", "hint", "world_name", "iteration", "episodes", "steps"),
    *("steps_per_s", "real_time_factor", "reward", "training_progress", "evaluations", "evaluation_progress"),
    *("best_checkpoint", "best_metric", "last_checkpoint", "stop_reason", "elapsed_s", "seed", "workers"),
    *("phase", "teacher_steps", "teacher", "student", "services", "evaluation", "store"),
}


@pytest.fixture
def settings(free_port: int) -> Settings:
    return settings_of({"DR_STORE_PORT": str(free_port), "DR_LOCAL_S3_MODEL_PREFIX": "mine"})


def put_status(workspace: Workspace, settings: Settings, **changes: object) -> None:
    values = {
        "state": "training",
        "prefix": "mine",
        "world_name": "drcli_oval",
        "run_id": 0,
        "seed": 1,
        "started_at": 1000.0,
        "updated_at": 1060.0,
        "iteration": 12,
        "episodes": 30,
        "steps": 3072,
        "steps_per_s": 51.2,
        "real_time_factor": 3.4,
        "reward": 15.25,
        "evaluations": 2,
        "evaluation_progress": 62.5,
        "best_checkpoint": "8_Step-2048.ckpt",
        "last_checkpoint": "12_Step-3072.ckpt",
    }
    bucket = Bucket(ensure_server(workspace, settings.store_port, settings.local_s3_bucket))
    bucket.put(ModelKeys("mine").status, RunStatus(**(values | changes)).to_json())  # type: ignore[arg-type]


def test_before_anything_ran(workspace: Workspace, settings: Settings) -> None:
    seen = overview(settings, workspace)
    assert set(seen) == KEYS
    assert (seen["state"], seen["model"], seen["iteration"], seen["services"]) == (
        "never started",
        "mine",
        None,
        [],
    )
    assert (seen["evaluation"]["state"], seen["store"]["state"]) == ("never started", "stopped")
    assert not workspace.data.exists()
    assert format_overview(seen).splitlines() == [
        "run 0       never started",
        "model       mine",
        "evaluation  never started",
        "store       stopped",
    ]


def test_while_it_runs(workspace: Workspace, settings: Settings, started: Started, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady", prefix="mine")
    assert overview(settings, workspace)["state"] == "starting"
    put_status(workspace, settings)
    local_process.kill(folder.read_state().replicas[1].process)  # type: ignore[union-attr]
    until(lambda: folder.read_state().replicas[1].restarts == 1)  # type: ignore[union-attr]
    seen = overview(settings, workspace)
    assert json.loads(json.dumps(seen)) == seen
    assert (seen["state"], seen["iteration"], seen["evaluation_progress"]) == ("running", 12, 62.5)
    (trainer, worker) = seen["services"]
    assert (trainer["name"], trainer["state"], trainer["restarts"]) == ("sagemaker", "running", 0)
    assert (worker["name"], worker["state"], worker["restarts"]) == ("robomaker-1", "running", 1)
    assert trainer["pid"] > 0
    assert format_overview(seen).splitlines() == [
        "run 0                running",
        "model                mine on drcli_oval",
        "iteration            12",
        "episodes             30",
        "steps                3,072 in 60 s (51 steps/s, 3.4 times real time)",
        "reward               15.2 (mean of the last episodes)",
        "evaluation progress  62 %",
        "checkpoints          best 8_Step-2048.ckpt, last 12_Step-3072.ckpt",
        "sagemaker            running",
        "robomaker-1          running, 1 restarts",
        "evaluation           never started",
        f"store                running, http://127.0.0.1:{settings.store_port}",
    ]


def test_after_the_end(workspace: Workspace, settings: Settings, started: Started, until: Until) -> None:
    folder = started(sagemaker="done", prefix="mine")
    put_status(workspace, settings, state="ended", stop_reason="8 training episodes are driven")
    until(lambda: folder.read_state().is_over)  # type: ignore[union-attr]
    seen = overview(settings, workspace)
    assert (seen["state"], seen["stop_reason"]) == ("ended", "8 training episodes are driven")
    assert seen["services"][0]["state"] == "ended"
    assert format_overview(seen).startswith("run 0                ended, 8 training episodes are driven\n")


def test_after_a_failure(workspace: Workspace, settings: Settings, started: Started, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="wrong", prefix="mine")
    until(lambda: folder.read_state().is_over)  # type: ignore[union-attr]
    seen = overview(settings, workspace)
    assert (seen["state"], seen["hint"]) == ("failed", "fix it")
    assert seen["message"].startswith("the reward function is wrong")
    assert seen["services"][1]["state"] == "down"
    assert "fix it" in format_overview(seen)


def test_an_evaluation_is_listed_until_the_next_training_is_started(
    workspace: Workspace, settings: Settings, started: Started, until: Until
) -> None:
    evaluation = started(kind="evaluation", robomaker="done", prefix="mine")
    until(lambda: evaluation.read_state().is_over)  # type: ignore[union-attr]
    assert overview(settings, workspace)["evaluation"]["state"] == "ended"
    started(sagemaker="steady", prefix="mine")
    seen = overview(settings, workspace)
    assert (seen["evaluation"]["state"], seen["evaluation"]["services"]) == ("never started", [])
    started(kind="evaluation", robomaker="steady", prefix="mine")
    assert overview(settings, workspace)["evaluation"]["state"] == "running"


def test_an_evaluation_that_still_runs_is_listed_beside_the_next_training(
    workspace: Workspace, settings: Settings, started: Started
) -> None:
    started(kind="evaluation", robomaker="steady", prefix="mine")
    started(sagemaker="steady", prefix="mine")
    assert overview(settings, workspace)["evaluation"]["services"][0]["state"] == "running"


def test_a_run_of_which_nothing_is_left(
    workspace: Workspace, settings: Settings, started: Started, until: Until
) -> None:
    folder = started(sagemaker="steady", prefix="mine")
    seen = folder.read_state()
    assert seen is not None
    for ref in (seen.supervisor, seen.replicas[0].process):
        local_process.kill(ref)
    until(lambda: not (seen.supervisor.is_alive or seen.replicas[0].process.is_alive))
    found = overview(settings, workspace)
    assert found["state"] == "lost"
    assert "--resume" in found["hint"]


def test_the_model_is_the_runs_also_after_run_env_was_edited(
    workspace: Workspace, settings: Settings, started: Started
) -> None:
    started(sagemaker="steady", prefix="mine")
    edited = settings.model_copy(update={"local_s3_model_prefix": "next"})
    assert overview(edited, workspace)["model"] == "mine"
    run_control.stop(workspace, "training", 0)
    assert overview(edited, workspace)["model"] == "mine"


def test_a_store_that_cannot_be_reached_hides_nothing_else(
    workspace: Workspace, free_port: int, started: Started
) -> None:
    started(sagemaker="steady")
    away = {"DR_CLOUD": "remote", "DR_REMOTE_MINIO_URL": f"http://127.0.0.1:{free_port}"}
    keys = {"DR_LOCAL_ACCESS_KEY_ID": "key", "DR_LOCAL_SECRET_ACCESS_KEY": "s3cret"}
    seen = overview(settings_of(away | keys), workspace)
    assert seen["store"]["state"] == "unreachable"
    assert "is unreachable" in seen["store"]["message"]
    assert seen["services"][0]["state"] == "running"
    assert "s3cret" not in json.dumps(seen)
