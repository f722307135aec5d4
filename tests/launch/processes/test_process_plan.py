from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind
from drcli.launch.launcher import RunRequest
from drcli.launch.machine import Machine, Snapshot
from drcli.launch.processes.process_plan import ProcessPlan, plan_processes
from drcli.launch.store_access import services_endpoint, store_config
from drcli.paths import Workspace
from drcli.services.shared.environment import Environment
from drcli.store.client import Bucket

WORKSPACE = Workspace(Path("racer"))


def settings(**values: object) -> Settings:
    return settings_of({f"DR_{name.upper()}": str(value) for name, value in values.items()})


def plan(kind: RunKind, found: Settings, prefix: str) -> ProcessPlan:
    store = store_config(found, WORKSPACE)
    snapshot = Snapshot(Machine(cores=4, wire_port=5555), store, services_endpoint(found, store))
    return plan_processes(RunRequest(kind, found, WORKSPACE, prefix), snapshot)


def training(**values: object) -> ProcessPlan:
    found = settings(**values)
    return plan("training", found, found.local_s3_model_prefix)


def test_a_training_is_one_trainer_and_its_workers() -> None:
    found = training(workers=3, run_id=2, seed=7, cars_per_worker=5, local_s3_model_prefix="mine")
    trainer, worker = found.services
    assert (found.project, found.prefix, found.style) == ("deepracer-2", "mine", "process")
    assert (trainer.name, trainer.replicas, worker.name, worker.replicas) == ("sagemaker", 1, "robomaker", 3)
    assert trainer.environment["DR_SEED"] == "7"
    assert worker.environment["DR_CARS_PER_WORKER"] == "5"
    assert (trainer.environment["DR_THREADS"], worker.environment["DR_THREADS"]) == ("1", "1")
    assert trainer.environment["DR_TRAIN_MAX_MINUTES"] == ""  # an outer one must not get in


def test_in_guided_training_trainer_and_workers_take_turns_on_all_cores() -> None:
    trainer, worker = training(train_method="guided", workers=2).services
    assert (trainer.environment["DR_THREADS"], worker.environment["DR_THREADS"]) == ("4", "2")
    assert (trainer.environment["DR_TRAIN_METHOD"], trainer.environment["DR_TRAIN_TEACHER_STEPS"]) == (
        "guided",
        "200000",
    )
    assert "DR_TRAIN_METHOD" not in worker.environment


def test_workers_share_the_cores_for_slow_rewards() -> None:
    for values, processes in (({}, "4"), ({"workers": 3}, "1"), ({"workers": 3, "reward_processes": 2}, "2")):
        trainer, worker = training(**values).services
        assert worker.environment["DR_REWARD_PROCESSES"] == processes
        assert "DR_REWARD_PROCESSES" not in trainer.environment


def test_an_evaluation_is_one_worker() -> None:
    found = plan("evaluation", settings(run_id=1), "mine-E")
    (worker,) = found.services
    assert (found.project, found.prefix, worker.replicas) == ("deepracer-eval-1", "mine-E", 1)
    assert worker.environment["MODEL_S3_PREFIX"] == "mine-E"


def test_what_is_kept_or_shown_has_no_secret() -> None:
    found = training(
        cloud="remote",
        remote_minio_url="http://nas:9000",
        local_access_key_id="AKIDMINE",
        local_secret_access_key="s3cret",
    )
    assert found.secrets == {"AWS_ACCESS_KEY_ID": "AKIDMINE", "AWS_SECRET_ACCESS_KEY": "s3cret"}
    for shown in (json.dumps(found.document()), json.dumps(found.describe()), repr(found)):
        assert "s3cret" not in shown and "AKIDMINE" not in shown
    environment = found.describe()["services"]["sagemaker"]["environment"]
    assert environment["AWS_SECRET_ACCESS_KEY"] == "********"


@pytest.mark.parametrize("cloud", ["local", "aws"])
def test_the_document_is_the_plan(cloud: str) -> None:
    found = training(cloud=cloud, workers=2)
    assert (found.store is not None) == (cloud == "local")
    assert ProcessPlan.from_document(json.loads(json.dumps(found.document())), found.secrets) == found


def test_the_shells_own_credentials_do_not_get_in() -> None:
    embedded = training().services[0].environment
    assert embedded["AWS_PROFILE"] == embedded["AWS_SESSION_TOKEN"] == ""
    named = training(cloud="aws", local_s3_profile="work").services[0].environment
    assert named["AWS_PROFILE"] == "work"
    assert {named[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")} == {""}
    role = training(cloud="aws").services[0].environment
    assert not [name for name in role if name.startswith("AWS_") and name != "AWS_REGION"]


@pytest.mark.parametrize("whose", ["default", "nas", "own"])
def test_services_find_the_credentials_that_commands_use(
    whose: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a profile, of the default one, or given in system.env; whatever else is in the user's shell."""
    config = bucket.config
    keys = f"aws_access_key_id = {config.access_key}\naws_secret_access_key = {config.secret_key}\n"
    (tmp_path / "credentials").write_text(f"[{whose}]\n{keys}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    values = {"cloud": "remote", "remote_minio_url": config.endpoint_url, "local_s3_bucket": config.bucket}
    if whose == "own":
        values |= {"local_access_key_id": config.access_key, "local_secret_access_key": config.secret_key}
    else:
        values["local_s3_profile"] = whose
    if whose != "default":
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.setenv(name, "anothers")
    found = training(**values)
    for name, value in {**found.services[0].environment, **found.secrets}.items():
        monkeypatch.setenv(name, value)
    Bucket(Environment.read().store).check(write=True)


def test_temporary_credentials_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "temporary")
    for name, value in training(cloud="aws").services[0].environment.items():
        monkeypatch.setenv(name, value)
    store = Environment.read().store
    assert (store.access_key, store.secret_key, store.profile) == (None, None, None)
    assert os.environ["AWS_SESSION_TOKEN"] == "temporary"
