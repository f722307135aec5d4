"""The table of what services are told, and the compose files that pass it on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from drcli import env
from drcli.contract import service_variables
from drcli.contract.service_variables import FIXED, TABLE, Role, told, variables
from drcli.errors import DrError
from drcli.paths import compose_dir

REQUIRED = {"MODEL_S3_BUCKET": "b", "MODEL_S3_PREFIX": "racer", "S3_YAML_NAME": "params.yaml"}
FROM_DOCKER = {"DR_HEARTBEAT_FILE"}  # has a default in every container
ONLY_SWARM = {"DR_WORKER_NAME"}
ONLY_COMPOSE = {"DR_REWARD_LOG_DIR"}  # a folder of the machine


def passed_on(*files: str) -> dict[str, set[str]]:
    """Names in the environment of each service of some compose files."""
    names: dict[str, set[str]] = {}
    for file in files:
        content: dict[str, Any] = yaml.safe_load((compose_dir() / "drcli" / file).read_text())
        for service, spec in content["services"].items():
            names.setdefault(service, set()).update(spec.get("environment", {}))
    return names


@pytest.mark.parametrize(
    ("role", "service", "kind"),
    [
        ("trainer", "sagemaker", "training"),
        ("worker", "robomaker", "training"),
        ("evaluation", "robomaker", "evaluation"),
    ],
)
def test_compose_files_pass_on_what_the_table_says(role: Role, service: str, kind: str) -> None:
    names = passed_on(f"{kind}.yml", f"keys-{kind}.yml", f"swarm-{kind}.yml")[service]
    known = {variable.name for variable in variables(role, "container")} | set(FIXED)
    assert names <= known
    left_out = known - names - FROM_DOCKER - ONLY_SWARM - ONLY_COMPOSE
    assert left_out <= {"ROLLOUT_IDX"}, "an index comes from Docker or the trainer"


def test_every_variable_has_a_meaning_and_one_entry() -> None:
    names = [variable.name for variable in TABLE]
    assert len(names) == len(set(names))
    assert all(variable.meaning and variable.roles for variable in TABLE)


def test_what_a_service_is_told_is_what_its_role_gets() -> None:
    values = {**REQUIRED, "DR_WORKERS": "3", "DR_CARS_PER_WORKER": "4", "DR_WIRE_SECRET": "x", "DR_SEED": ""}
    assert told("trainer", "process", values) == {**REQUIRED, "DR_WORKERS": "3", "DR_SEED": "", **FIXED}
    assert told("worker", "container", values) == {
        **REQUIRED, "DR_CARS_PER_WORKER": "4", "DR_WIRE_SECRET": "x", **FIXED
    }  # fmt: skip
    assert told("evaluation", "container", values) == {**REQUIRED, **FIXED}


def test_a_name_that_no_service_knows_is_a_bug_and_so_is_a_missing_one() -> None:
    with pytest.raises(KeyError, match="DR_WORKRS"):
        told("trainer", "process", {**REQUIRED, "DR_WORKRS": "1"})
    with pytest.raises(KeyError, match="MODEL_S3_BUCKET"):
        told("trainer", "process", {**REQUIRED, "MODEL_S3_BUCKET": ""})


def test_values_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (env.DR_WORKERS, env.DR_SEED, env.PRETRAINED, env.DR_TRACKS_DIR):
        monkeypatch.delenv(name, raising=False)
    assert service_variables.WORKERS.read() == 1
    assert service_variables.SEED.read() is None
    monkeypatch.setenv(env.DR_WORKERS, "3")
    monkeypatch.setenv(env.DR_SEED, "0")
    monkeypatch.setenv(env.PRETRAINED, "True")
    monkeypatch.setenv(env.DR_TRACKS_DIR, "/tracks")
    assert service_variables.WORKERS.read() == 3
    assert service_variables.SEED.read() == 0
    assert service_variables.PRETRAINED.read() is True
    assert service_variables.TRACKS_FOLDER.read() == Path("/tracks")


def test_what_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(env.DR_WORKERS, "many")
    with pytest.raises(DrError, match="DR_WORKERS is 'many', not a whole number"):
        service_variables.WORKERS.read()
    monkeypatch.delenv(env.MODEL_S3_BUCKET, raising=False)
    with pytest.raises(DrError, match="without MODEL_S3_BUCKET"):
        service_variables.S3_BUCKET.read()
