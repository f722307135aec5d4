"""Plans of containers: pure, and without secrets where they are kept. Nothing of Docker is needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from drcli.config.load import settings_of
from drcli.contract.run_name import RunKind
from drcli.launch.docker.container_plan import ContainerPlan
from drcli.launch.launcher import RunRequest, launcher_of
from drcli.launch.machine import Machine, Snapshot
from drcli.launch.store_access import services_endpoint, store_config
from drcli.paths import Workspace

WORKSPACE = Workspace(Path("/home/racer/ws"))
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}
COMMUNITY = {"DR_SIMAPP_SOURCE": "someone/simapp", "DR_SIMAPP_VERSION": "1.0-cpu"}


def plan(style: str, kind: RunKind, engine: dict[str, str], **machine: object) -> ContainerPlan:
    settings = settings_of({"DR_DOCKER_STYLE": style, "DR_WORKERS": "3", **engine})
    store = store_config(settings, WORKSPACE)
    snapshot = Snapshot(
        replace(Machine(), **machine),  # type: ignore[arg-type]
        store,
        services_endpoint(settings, store),
        KEYS,
        wire_secret="5ec2e7" * 8,
    )
    made = launcher_of(style).plan(RunRequest(kind, settings, WORKSPACE, "mine"), snapshot)
    assert isinstance(made, ContainerPlan)
    return made


@pytest.mark.parametrize("engine", [{}, COMMUNITY], ids=["ours", "communitys"])
@pytest.mark.parametrize("kind", ["training", "evaluation"])
@pytest.mark.parametrize("style", ["compose", "swarm"])
def test_what_is_kept(style: str, kind: RunKind, engine: dict[str, str]) -> None:
    made = plan(style, kind, engine)
    assert made == plan(style, kind, engine)
    assert (made.style, made.spec.style, made.uses_store, made.is_ours) == (style, style, True, not engine)
    assert made.main == ("robomaker" if kind == "evaluation" else "rl_coach" if engine else "sagemaker")
    text = json.dumps(made.document())
    assert not [
        secret for secret in (*made.spec.secrets.values(), *KEYS.values()) if secret and secret in text
    ]
    again = ContainerPlan.from_document(json.loads(text), made.spec.secrets)
    assert (again.head, again.spec, again.image) == (made.head, made.spec, made.image)


def test_the_number_of_workers_and_nodes() -> None:
    one, two = plan("swarm", "training", {}), plan("swarm", "training", {}, worker_nodes=2)
    assert one.spec.replicas == two.spec.replicas == {"robomaker": 3}
    limits = [made.spec.variables["DRCLI_MAX_PER_NODE"] for made in (one, two)]
    assert limits == ["0", "2"]


def test_only_a_training_of_ours_has_a_wire() -> None:
    assert "DR_WIRE_SECRET" in plan("compose", "training", {}).spec.secrets
    assert "DR_WIRE_SECRET" not in plan("compose", "evaluation", {}).spec.secrets
    assert "DR_WIRE_SECRET" not in plan("compose", "training", COMMUNITY).spec.secrets
