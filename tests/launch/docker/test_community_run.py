"""Whole runs with the community's engine, whose image a stand-in takes the place of: it records what it was given, and
its rl_coach starts the sagemaker container beside the stack, as the real one does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import standins
from model_samples import PARTS
from polling import DEADLINE_S, until
from racing import Racer
from second_node import FurtherEngine
from separate_engines import COMMUNITY, separate_engine, separate_racer

from drcli.contract.run_name import WORKER
from drcli.launch import run_control
from drcli.launch.docker import containers, docker_engine, swarm_nodes
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig
from drcli.watch.viewer.camera_relay import CameraList

pytestmark = pytest.mark.docker
Until = Callable[..., Any]
IMAGE = f"{standins.COMMUNITY}:{standins.COMMUNITY_TAG}"
STYLES = ("compose", "swarm")
BESIDE = ("--set", "DR_RUN_ID=10", "--set", "DR_LOCAL_S3_MODEL_PREFIX=model-10")


@dataclass(frozen=True)
class Crew:
    """A racer with a training of two workers, run 1, on an engine that has nothing else to do."""

    racer: Racer
    bucket: Bucket
    style: str
    engine: FurtherEngine
    started: Any

    def logs(self, *words: str) -> str:
        done = self.racer.invoke("logs", *words, "--tail", "0")
        assert done.exit_code == 0, done.stderr
        return done.stdout

    def given(self, *words: str) -> str:
        """The logs of a robomaker, once it has listed what it was given; the list is sorted."""
        return until(lambda: "S3_YAML_NAME=" in (said := self.logs("robomaker", *words)) and said) or ""

    def there(self) -> set[str]:
        """The names of all containers, also of stopped ones."""
        return {container.name for container in self.engine.client.containers.list(all=True)}


@pytest.fixture(scope="module", params=STYLES)
def crew(
    request: pytest.FixtureRequest, new_racer: Callable[[], Racer], store: StoreConfig, community_image: str
) -> Iterator[Crew]:
    style = str(request.param)
    with separate_engine(7, IMAGE, is_swarm=style == "swarm") as made:
        settings = {"DR_DOCKER_STYLE": style, "DR_RUN_ID": "1", "DR_WORKERS": "2"}
        racer, bucket = separate_racer(new_racer, store, DR_LOCAL_S3_MODEL_PREFIX="model-1", **settings)
        try:
            yield Crew(racer, bucket, style, made, racer.dr("start-training", "-q"))
        finally:
            racer.dr("stop-all", "-y")


def test_start_waits_until_all_are_up(crew: Crew) -> None:
    assert crew.started.returncode == 0, crew.started.stderr
    for name in ("rl_coach", "robomaker-1", "robomaker-2", "sagemaker"):
        assert f"{name} is up." in crew.started.stderr
    assert crew.started.stderr.splitlines()[-1].startswith("next: dr logs -f")
    seen = crew.racer.status()
    assert seen["state"] == "running"
    assert {s["name"]: s["state"] for s in seen["services"]} == dict.fromkeys(
        ("rl_coach", "robomaker-1", "robomaker-2", "sagemaker"), "running"
    )
    assert all(s["container"] for s in seen["services"])


def test_documents_are_in_the_bucket(crew: Crew) -> None:
    names = ("training_params.yaml", "reward_function.py")
    assert all(crew.bucket.exists(f"model-1/{name}") for name in names)
    assert crew.bucket.exists("custom_files/hyperparameters.json")


def test_what_the_services_were_given(crew: Crew) -> None:
    store = crew.bucket.config
    both = {
        f"S3_ENDPOINT_URL={store.endpoint_url}",
        f"AWS_ACCESS_KEY_ID={store.access_key}",
        f"AWS_SECRET_ACCESS_KEY={store.secret_key}",
    }
    coach = set(crew.logs("rl_coach").splitlines())
    assert coach >= both | {
        "RUN_ID=1",
        "AWS_REGION=us-east-1",
        f"SAGEMAKER_IMAGE={IMAGE}",
        "PRETRAINED=False",
        "MODEL_S3_PREFIX=model-1",
        f"MODEL_S3_BUCKET={store.bucket}",
        "HYPERPARAMETER_FILE_S3_KEY=custom_files/hyperparameters.json",
        "MODELMETADATA_FILE_S3_KEY=custom_files/model_metadata.json",
    }
    mounts = next(line for line in coach if line.startswith("mounts: "))
    assert "/tmp/sagemaker" in mounts
    assert "docker.sock" in mounts
    for number in ("1", "2"):
        worker = crew.given("-n", number).splitlines()
        assert worker[0] == "robomaker was given: multi distributed_training.launch.py"
        assert set(worker) >= both | {
            "WORLD_NAME=reinvent_base",
            "SAGEMAKER_SHARED_S3_PREFIX=model-1",
            f"SAGEMAKER_SHARED_S3_BUCKET={store.bucket}",
            "APP_REGION=us-east-1",
            "S3_YAML_NAME=training_params.yaml",
            "ROS_IP=127.0.0.1",
        }
    assert "sagemaker is training" in crew.logs("sagemaker")


def test_workers_are_numbered(crew: Crew, until: Until) -> None:
    def numbers() -> set[str]:
        said = (crew.logs("robomaker", "-n", number).splitlines() for number in ("1", "2"))
        return {line for lines in said for line in lines if line.startswith("worker ")}

    assert until(lambda: len(numbers()) == 2)
    assert numbers() == {"worker 1 drives reinvent_base", "worker 2 drives reinvent_base"}


def test_the_viewer_gets_the_pictures_of_each_worker(crew: Crew, until: Until) -> None:
    found = CameraList(crew.racer.workspace)._look("model-1")
    if crew.style == "swarm":  # without IP_VS two workers of a node cannot have ports
        assert bool(found) == swarm_nodes.has_ip_vs()
        return
    assert [each.name for each in found] == ["robomaker-1", "robomaker-2"]
    topic = "/stream?topic=/racecar/deepracer/kvs_stream"
    shown = {until(lambda url=each.url: _first_picture(crew.engine, url + topic)) for each in found}
    workers = {
        each["container"] for each in crew.racer.status()["services"] if each["name"].startswith(WORKER)
    }
    assert {picture.split()[0][:12] for picture in shown} == workers
    assert {picture.split()[2] for picture in shown} == {topic}


def _first_picture(engine: FurtherEngine, address: str) -> str:
    """What the viewer would show; the engine's ports are in a network of their own. Empty if nobody answers yet."""
    code = "import asyncio, sys; from drcli.watch.viewer.camera_relay import _pieces as p\n"
    code += "print(asyncio.run(anext(p(sys.argv[1]))).decode())"
    command = ["nsenter", f"--net=/run/netns/{engine.namespace}", sys.executable, "-c", code, address]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def test_secrets_are_nowhere_on_disk(crew: Crew) -> None:
    secret = (crew.bucket.config.secret_key or "").encode()
    root = crew.racer.root
    told = {path.name for path in root.rglob("*") if path.is_file() and secret in path.read_bytes()}
    assert told == {"system.env"}
    assert secret.decode() not in crew.started.stderr + crew.started.stdout


def test_run_10_beside_it_is_another(crew: Crew) -> None:
    """Started, read and stopped; run 1 goes on."""
    before = crew.there()
    again = crew.racer.invoke("start-training", "-q", "--set", "DR_RUN_ID=10")
    assert again.exit_code == 1
    assert "Run 1 is already training the model model-1" in again.stderr or (
        "model-1 already exists" in again.stderr
    )
    assert crew.there() == before
    started = crew.racer.dr("start-training", "-q", *BESIDE)
    assert started.returncode == 0, started.stderr
    assert "RUN_ID=10" in crew.logs("rl_coach", *BESIDE)
    assert crew.racer.status(*BESIDE)["state"] == "running"
    assert len(crew.racer.status()["services"]) == 4  # not those of run 10
    stopped = crew.racer.invoke("stop-training", *BESIDE)
    assert stopped.exit_code == 0, stopped.stderr
    assert crew.there() == before
    assert crew.racer.status()["state"] == "running"


def test_an_evaluation_beside_it(crew: Crew, until: Until) -> None:
    before = crew.there()
    for part in PARTS:
        crew.bucket.put(f"model-1/model/1_Step-64.ckpt.{part}", b"the stand-in reads none of it")
    started = crew.racer.invoke("evaluate", "-q")
    assert started.exit_code == 0, started.stderr
    until(lambda: crew.racer.status()["evaluation"]["state"] == "running")
    said = crew.given("--evaluation")
    assert "robomaker was given: run evaluation.launch.py" in said
    assert "MODEL_S3_PREFIX=model-1" in said
    assert "S3_YAML_NAME=evaluation_params.yaml" in said
    assert crew.bucket.exists("model-1/evaluation_params.yaml")
    assert crew.racer.status()["state"] == "running"
    stopped = crew.racer.invoke("stop-evaluation")
    assert (stopped.exit_code, "has stopped" in stopped.stdout) == (0, True), stopped.stderr
    assert crew.there() == before
    assert "MODEL_S3_PREFIX=model-1" in crew.logs("robomaker", "--evaluation")


@pytest.fixture
def own_run(crew: Crew) -> Iterator[None]:
    """A test that starts its own run; whatever comes of it, it is stopped."""
    yield
    crew.racer.invoke("stop-all", "-y")


def foreign(client: Any) -> set[str]:
    """Containers of other programs with names like ours; running."""
    made = {
        "deepracer-1-robomaker-9": {"labels": {docker_engine.COMPOSE_PROJECT: "deepracer-1b"}},
        "deepracer-12-rl_coach-1": {
            "labels": {
                docker_engine.COMPOSE_PROJECT: "deepracer-12",
                docker_engine.COMPOSE_SERVICE: "rl_coach",
            }
        },
        "tmpother-algo-1-abcde": {"environment": ["RUN_ID=11"], "network": "sagemaker-local"},
        "tmpelsewhere-algo-1-abcde": {"environment": ["RUN_ID=1"]},  # not on our network: not our run's
        "plain": {"environment": ["RUN_ID=1"], "network": "sagemaker-local"},
    }
    for name, options in made.items():
        client.containers.run(IMAGE, ["sleep 600"], name=name, detach=True, init=True, **options)
    return set(made)


def test_stop_after_run_env_was_edited(crew: Crew, until: Until) -> None:
    """All of it is stopped, sagemaker too, and nothing else; who follows a log sees its end."""
    others = foreign(crew.engine.client)
    follower = crew.racer.popen("logs", "sagemaker", "-f")
    other = crew.racer.popen("logs", "robomaker", "-n", "2", "-f")
    assert follower.stdout is not None
    assert other.stdout is not None
    try:
        assert "sagemaker is training" in follower.stdout.readline()
        assert "robomaker was given" in other.stdout.readline()
        other_style = STYLES[crew.style == "compose"]
        crew.racer.write_run_env(
            DR_LOCAL_S3_MODEL_PREFIX="another", DR_WORKERS="1", DR_DOCKER_STYLE=other_style
        )
        assert crew.racer.status()["model"] == "model-1"
        stopped = crew.racer.invoke("stop-training")
        assert (stopped.exit_code, "has stopped" in stopped.stdout) == (0, True), stopped.stderr
        rest = follower.communicate(timeout=DEADLINE_S)[0]
        assert "asked to stop" in other.communicate(timeout=DEADLINE_S)[0]
        assert "sagemaker was stopped" in rest
        assert follower.returncode == 0
        assert crew.there() == others
        assert all(c.status == "running" for c in crew.engine.client.containers.list(all=True))
        assert not crew.engine.client.volumes.list()
    finally:
        for process in (follower, other):
            process.kill()
            process.communicate()
        for name in others:
            crew.engine.client.containers.get(name).remove(force=True)


def test_logs_and_state_after_the_end(crew: Crew) -> None:
    assert "sagemaker was stopped" in crew.logs("sagemaker")
    assert "asked to stop" in crew.logs("robomaker", "-n", "2")
    assert "RUN_ID=1" in crew.logs("rl_coach")
    tail = crew.racer.invoke("logs", "rl_coach", "--tail", "2").stdout.splitlines()
    assert len(tail) == 2
    seen = crew.racer.status()
    assert seen["state"] == "ended"
    again = crew.racer.invoke("stop-training")
    assert (again.exit_code, "is running" in again.stdout) == (0, True)


def test_stop_all(crew: Crew, own_run: None) -> None:
    """Two runs and an evaluation at once; a run that has crashed is none of them afterwards."""
    crew.racer.write_run_env(DR_DOCKER_STYLE=crew.style, DR_LOCAL_S3_MODEL_PREFIX="model-2")
    assert crew.racer.dr("start-training", "-q").returncode == 0
    assert crew.racer.dr("start-training", "-q", *BESIDE, "-w", "-y").returncode == 0
    assert len(list(run_control.running(crew.racer.workspace))) == 2
    stopped = crew.racer.invoke("stop-all")
    assert stopped.exit_code == 0, stopped.stderr
    assert "The training of run 1 has stopped." in stopped.stdout
    assert "The training of run 10 has stopped." in stopped.stdout
    assert crew.there() == set()


def test_sagemaker_is_killed(crew: Crew, own_run: None, until: Until) -> None:
    """A run whose sagemaker crashes has failed, and says so; the next start clears what is left of it."""
    crew.racer.write_run_env(DR_DOCKER_STYLE=crew.style, DR_LOCAL_S3_MODEL_PREFIX="model-3")
    assert crew.racer.dr("start-training", "-q").returncode == 0
    (sagemaker,) = containers.started_by_coach(1)
    sagemaker.kill()
    seen = until(lambda: (now := crew.racer.status())["state"] == "failed" and now)
    assert seen["message"].startswith("sagemaker ended with exit code 137")
    assert "sagemaker is training" in seen["message"]
    again = crew.racer.dr("start-training", "-q", "-w", "-y")
    assert again.returncode == 1  # the workers are still there
    assert "`dr stop-training` stops it" in again.stderr
    assert crew.racer.invoke("stop-training").exit_code == 0
    assert crew.there() == set()


def test_multi_config(crew: Crew, own_run: None, until: Until) -> None:
    """Each worker takes its own document and world."""
    racer = crew.racer
    racer.write_run_env(
        DR_LOCAL_S3_MODEL_PREFIX="several", DR_WORKERS="2", DR_TRAIN_MULTI_CONFIG="True", **COMMUNITY
    )
    (racer.root / "worker-2.env").write_text("DR_WORLD_NAME=2022_april_open\n")
    started = racer.dr("start-training", "-q")
    assert started.returncode == 0, started.stderr

    def driven() -> set[str]:
        said = (crew.logs("robomaker", "-n", number).splitlines() for number in ("1", "2"))
        return {line.partition(" drives ")[2] or line for lines in said for line in lines[-2:]}

    until(lambda: len(driven()) == 4)
    documents = {line.removeprefix("by ") for line in driven() if line.startswith("by ")}
    assert len(documents) == 2
    worlds = {name: crew.bucket.get(f"several/{name}").decode() for name in documents}
    assert driven() - {f"by {name}" for name in documents} == {"reinvent_base", "2022_april_open"}
    assert sum("2022_april_open" in text for text in worlds.values()) == 1
    more = racer.invoke("scale", "3")
    assert more.exit_code == 1
    assert "Each worker of this run has its own document" in more.stderr
    assert "worker-3.env" in more.stderr
    stopped = racer.invoke("stop-training")
    assert stopped.exit_code == 0, stopped.stderr
    (racer.root / "worker-2.env").unlink()
    racer.write_run_env(DR_TRAIN_MULTI_CONFIG="False")


def test_scale(crew: Crew, own_run: None, until: Until) -> None:
    """A new worker is numbered and told what the first ones were; one that leaves is gone."""
    racer = crew.racer
    racer.write_run_env(DR_LOCAL_S3_MODEL_PREFIX="scaled", DR_WORKERS="2")
    assert racer.dr("start-training", "-q").returncode == 0
    racer.write_run_env(DR_LOCAL_S3_MODEL_PREFIX="another", DR_WORKERS="1")
    coach = crew.logs("rl_coach")
    scaled = racer.invoke("scale", "3")
    assert scaled.exit_code == 0, scaled.stderr
    until(lambda: "worker 3 drives reinvent_base" in crew.logs("robomaker", "-n", "3"))
    given = crew.logs("robomaker", "-n", "3")
    assert "SAGEMAKER_SHARED_S3_PREFIX=scaled" in given
    assert f"AWS_SECRET_ACCESS_KEY={crew.bucket.config.secret_key}" in given
    assert crew.logs("rl_coach") == coach  # not started anew
    fewer = racer.invoke("scale", "1")
    assert fewer.exit_code == 0, fewer.stderr
    names = [s["name"] for s in racer.status()["services"] if s["state"] == "running"]
    assert sorted(names) == ["rl_coach", "robomaker-1", "sagemaker"]
    assert "asked to stop" in crew.logs("robomaker", "-n", "3")
    stopped = racer.invoke("stop-training")
    assert stopped.exit_code == 0, stopped.stderr
    assert crew.there() == set()


def test_a_run_of_one_worker_cannot_grow(crew: Crew, own_run: None) -> None:
    """The only worker of a run was not told that it has company; a second one would take itself for the first."""
    racer = crew.racer
    racer.write_run_env(DR_LOCAL_S3_MODEL_PREFIX="alone", DR_WORKERS="1")
    assert racer.dr("start-training", "-q").returncode == 0
    assert "robomaker was given: run distributed_training.launch.py" in crew.given()
    before = crew.there()
    scaled = racer.invoke("scale", "2")
    assert scaled.exit_code == 1
    assert "DR_WORKERS=2" in scaled.stderr
    assert crew.there() == before
    stopped = racer.invoke("stop-training")
    assert stopped.exit_code == 0, stopped.stderr


def test_a_dry_run_is_what_starts(crew: Crew) -> None:
    """`--dry-run --json` touches nothing and shows the stack, secrets masked."""
    before = {info.key for info in crew.bucket.list("")}
    crew.racer.write_run_env(DR_LOCAL_S3_MODEL_PREFIX="dry")
    shown = crew.racer.invoke("start-training", "--dry-run", "--json")
    assert shown.exit_code == 0, shown.stderr
    (described,) = json.loads(shown.stdout)["stacks"]
    assert described["project"] == "deepracer-1"
    assert set(described["services"]) == {"rl_coach", "robomaker"}
    assert (crew.bucket.config.secret_key or "") not in shown.stdout
    assert {info.key for info in crew.bucket.list("")} == before
    assert crew.there() == set()
