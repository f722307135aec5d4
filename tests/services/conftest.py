"""A small training run: a lap of 9 m, four cars, iterations of 64 steps; its services as threads or processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from polling import DEADLINE_S, until
from ports import free_port

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.race_settings import RaceSettings
from drcli.contract.keys import ModelKeys
from drcli.local import ProcessRef
from drcli.services.evaluator.evaluation_job import evaluate
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared.environment import Environment
from drcli.services.shared.training_job import TrainingJob
from drcli.services.trainer.training_program import train
from drcli.services.worker.collector import Collector
from drcli.services.worker.driver import Driver
from drcli.services.worker.worker_program import work
from drcli.sim.catalogue import load_track
from drcli.sim.reward import RewardFunction
from drcli.sim.track import Track
from drcli.sim.world import World
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of
from drcli.train.rollout import RolloutSpec

PROGRAMS = {"train": "sagemaker", "work": "robomaker", "evaluate": "evaluation"}
TINY = """
width_m: 0.6
path:
  - {straight_m: 1.0}
  - {left_deg: 180, radius_m: 0.8}
  - {straight_m: 2.0}
  - {left_deg: 180, radius_m: 0.8}
  - {straight_m: 1.0}
"""
CIRCLE = """
width_m: 1.2
path:
  - {left_deg: 180, radius_m: 0.9}
  - {left_deg: 180, radius_m: 0.9}
"""
DISCRETE = [{"steering_angle": angle, "speed": 1.5} for angle in (-20, 0, 20)]
GENTLE = [{"steering_angle": angle, "speed": 1.5} for angle in (0, 10, 20)]  # 10 is all that a circle needs
CONTINUOUS = {"steering_angle": {"low": -20, "high": 20}, "speed": {"low": 1.0, "high": 2.0}}
ACTIONS = {"discrete": DISCRETE, "gentle": GENTLE, "continuous": CONTINUOUS, "sac": CONTINUOUS}
REWARD = "def reward_function(params):\n    return params['progress'] / params['steps']\n"
HYPERPARAMETERS = {
    "batch_size": 32,
    "num_epochs": 1,
    "lr": 0.001,
    "num_steps_between_training": 64,
    "term_cond_max_episodes": 8,
}
_buckets = count(1)


def metadata(actions: Any, **other: Any) -> str:
    """model_metadata.json of a list of actions, or of bounds; `other` replaces keys of it."""
    kind = "continuous" if isinstance(actions, dict) else "discrete"
    return json.dumps(
        {"action_space": actions, "action_space_type": kind, "sensor": ["FRONT_FACING_CAMERA"],
         "neural_network": "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW", "version": "5", **other}
    )  # fmt: skip


class Stop:
    """A stop flag without signal handlers, for services in threads."""

    def __init__(self) -> None:
        self.is_set = False
        self.callback: Callable[[], None] = lambda: None

    def on_request(self, callback: Callable[[], None]) -> None:
        self.callback = callback

    def request(self) -> None:
        self.is_set = True
        self.callback()


class InThread:
    """A service in a thread of this process; `error` is what it raised."""

    def __init__(self, program: Callable[[Environment, Any], Any], environment: Environment) -> None:
        self.error: BaseException | None = None
        self.result: Any = None
        self.stop = Stop()
        self._thread = Thread(target=self._run, args=(program, environment), daemon=True)
        self._thread.start()

    def _run(self, program: Callable[[Environment, Any], Any], environment: Environment) -> None:
        try:
            self.result = program(environment, self.stop)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait for its end; raise what it raised."""
        self._thread.join(DEADLINE_S)
        assert not self.is_alive
        if self.error is not None:
            raise self.error


class InProcess:
    """A service as a process: `python -m`, or the same from the fork server."""

    def __init__(
        self, module: str, variables: dict[str, str], log: Path, fork_server: ForkServer | None
    ) -> None:
        self.log_file, self._exit_file = log, log.with_suffix(".exit")
        self._exit_file.unlink(missing_ok=True)
        variables = {**os.environ, **variables, "DR_EXIT_FILE": str(self._exit_file)}
        start = fork_server.start if fork_server else self._start
        self._process = ProcessRef.find(start(module, variables, str(log)))  # None if it has ended already

    def _start(self, module: str, variables: dict[str, str], log: str) -> int:
        with open(log, "ab") as output:
            started = subprocess.Popen(
                [sys.executable, "-m", module],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.returncode = 0  # found by its pid, as those of the fork server
        return started.pid

    @property
    def log(self) -> str:
        """What it has logged so far; a forked service makes its file a moment after its start."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive

    def kill(self) -> None:
        """kill -9."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        until(lambda: not self.is_alive)

    def ask_to_stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int | None:
        """The exit code that it left for the supervisor once it has ended; None when it crashed."""
        try:
            until(lambda: not self.is_alive)
        except AssertionError:
            raise AssertionError(f"{self.log_file.name}: it does not end\n{self.log[-2000:]}") from None
        return int(self._exit_file.read_text()) if self._exit_file.exists() else None


class ForkServer:
    """Forks services that need not import anything; see `fork_server.py`."""

    def __init__(self) -> None:
        script = str(Path(__file__).with_name("fork_server.py"))
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, script], stdin=pipe, stdout=pipe, text=True)

    def start(self, module: str, variables: dict[str, str], log: str) -> int:
        """Start a service; its pid."""
        assert self._process.stdin
        assert self._process.stdout
        print(
            json.dumps({"module": module, "variables": variables, "log": log}),
            file=self._process.stdin,
            flush=True,
        )
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@dataclass
class Run:
    """The documents of a run in a bucket of its own, and its services."""

    bucket: Bucket
    folder: Path
    port: int
    fork_server: ForkServer
    variables: dict[str, str] = field(default_factory=dict)
    workers: int = 1
    processes: list[InProcess] = field(default_factory=list)
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    @property
    def keys(self) -> ModelKeys:
        return ModelKeys("racer")

    def write(
        self,
        *,
        kind: str = "discrete",
        reward: str = REWARD,
        params: Any = None,
        model: Mapping[str, Any] | None = None,
        **hyperparameters: Any,
    ) -> None:
        """Put the documents of the run into the bucket."""
        keys, name = self.keys, self.bucket.config.bucket
        document = {
            "WORLD_NAME": "tiny", "METRICS_S3_BUCKET": name, "METRICS_S3_OBJECT_KEY": keys.default_metrics,
            "SAGEMAKER_SHARED_S3_BUCKET": name, "SAGEMAKER_SHARED_S3_PREFIX": keys.prefix,
            "MODEL_METADATA_FILE_S3_KEY": "in/metadata.json", "REWARD_FILE_S3_KEY": "in/reward_function.py",
            "MIN_EVAL_TRIALS": "2",
        }  # fmt: skip
        self.bucket.put(keys.params("params.yaml"), json.dumps(document | (params or {})).encode())
        chosen = {"training_algorithm": "sac" if kind == "sac" else "clipped_ppo", **(model or {})}
        self.bucket.put("in/metadata.json", metadata(ACTIONS[kind], **chosen).encode())
        self.bucket.put("in/reward_function.py", reward.encode())
        self.bucket.put("in/hyper.json", json.dumps(HYPERPARAMETERS | hyperparameters).encode())

    def environ(self) -> dict[str, str]:
        """What the launcher would tell its services."""
        config = self.bucket.config
        return {
            "MODEL_S3_BUCKET": config.bucket, "MODEL_S3_PREFIX": self.keys.prefix, "S3_YAML_NAME": "params.yaml",
            "S3_ENDPOINT_URL": str(config.endpoint_url), "AWS_REGION": config.region,
            "AWS_ACCESS_KEY_ID": str(config.access_key), "AWS_SECRET_ACCESS_KEY": str(config.secret_key),
            "HYPERPARAMETER_FILE_S3_KEY": "in/hyper.json", "DR_TRACKS_DIR": str(self.folder),
            "DR_WIRE_ENDPOINT": f"tcp://127.0.0.1:{self.port}", "DR_WIRE_KEYS": str(self.folder / "wire.json"),
            "DR_WORKERS": str(self.workers), "DR_CARS_PER_WORKER": "4", "DR_SEED": "7", "DR_THREADS": "1",
            "DR_TRAIN_EVAL_INTERVAL": "1", **self.variables,
        }  # fmt: skip

    def environment(self, index: int = 0) -> Environment:
        """The same, typed; the services read the rest from this process's variables."""
        for name, value in self.environ().items():
            self.patch.setenv(name, value)
        return replace(Environment.read(), worker_index=index)

    def job(self) -> TrainingJob:
        return TrainingJob.read(self.environment())

    def thread(self, program: str, index: int = 0) -> InThread:
        """A service in a thread: `train`, `work` or `evaluate`."""
        programs = {"train": train, "work": work, "evaluate": evaluate}
        return InThread(programs[program], self.environment(index))

    def train(self) -> None:
        """A whole run in threads."""
        trainer = self.thread("train")
        workers = [self.thread("work", index) for index in range(self.workers)]
        try:
            until(lambda: not trainer.is_alive or any(worker.error for worker in workers))
            trainer.join()
        finally:
            for worker in workers:
                worker.stop.request()
        for worker in workers:
            worker.join()

    def start(self, program: str, index: int = 0, *, is_forked: bool = True) -> InProcess:
        """A service as a process, ended with the test at the latest."""
        name = PROGRAMS[program]
        return self._start(name, f"{name}-{index}", {"ROLLOUT_IDX": str(index)}, is_forked=is_forked)

    def contain(self, program: str, host: str) -> InProcess:
        """A service as a container would run it: without an index."""
        variables = {
            "ROLLOUT_IDX": "", "DR_CONTAINER": "1", "DR_WORKER_NAME": host,
            "DR_HEARTBEAT_FILE": str(self.folder / f"{host}.heartbeat"),
        }  # fmt: skip
        return self._start(PROGRAMS[program], host, variables)

    def _start(
        self, name: str, label: str, variables: dict[str, str], *, is_forked: bool = True
    ) -> InProcess:
        variables = self.environ() | variables
        log = self.folder / f"{label}.log"
        fork_server = self.fork_server if is_forked else None
        self.processes.append(InProcess(f"drcli.services.{name}", variables, log, fork_server))
        return self.processes[-1]

    def close(self) -> None:
        self.patch.undo()
        for service in self.processes:
            if service.is_alive:
                service.kill()
        self.bucket.delete(info.key for info in self.bucket.list())  # a checkpoint has 47 MB


@pytest.fixture(scope="session")
def track(tmp_path_factory: pytest.TempPathFactory) -> Track:
    """The lap of 9 m."""
    folder = tmp_path_factory.mktemp("track")
    (folder / "tiny.yaml").write_text(TINY)
    return load_track("tiny", folder, "")


def model_of(kind: str) -> ModelSpec:
    """Of `discrete` or `continuous` actions."""
    return ModelSpec.of(ModelMetadata.parse(metadata(ACTIONS[kind]), "metadata"))


@pytest.fixture(scope="session")
def new_driver(track: Track) -> Callable[..., Driver]:
    """Makes drivers of real cars by a real policy, which is as random as a new one is."""
    torch.set_num_threads(1)  # as the services
    weights = {}
    for kind in ("discrete", "continuous"):
        torch.manual_seed(4)
        model = model_of(kind)
        weights[kind] = model, weights_of(ClippedPPO.network(model), torch.float32)

    def make(
        num_cars: int = 4, kind: str = "discrete", race: RaceSettings | None = None, seed: int = 3
    ) -> Driver:
        model, initial = weights[kind]
        hardware = Hardware(torch.device("cpu"), torch.float32)
        actor = ClippedPPO.actor(model, Hyperparameters(), hardware, seed)
        actor.load(initial)
        reward = RewardFunction(REWARD, "reward.py")
        world = World(track, race or RaceSettings(), num_cars, reward=reward)
        return Driver(world, model.head, actor, Subscriptions())

    return make


@pytest.fixture(scope="session")
def model() -> ModelSpec:
    """With three actions."""
    return model_of("discrete")


@pytest.fixture(scope="session")
def rollout_spec(model: ModelSpec) -> RolloutSpec:
    """Of that."""
    return RolloutSpec.of(model, ClippedPPO.extras)


@pytest.fixture(scope="session")
def new_collector(new_driver: Callable[..., Driver]) -> Callable[..., Collector]:
    """Makes collectors for drivers."""

    def make(driver: Driver, kind: str = "discrete", tick: Callable[[], None] = lambda: None) -> Collector:
        return Collector(driver, RolloutSpec.of(model_of(kind), ClippedPPO.extras), tick)

    return make


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    fork_server = ForkServer()
    yield fork_server
    fork_server.close()


@pytest.fixture(scope="session")
def runs(
    store: StoreConfig, fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], AbstractContextManager[Callable[..., Run]]]:
    """A context in which runs are made; what is left of them goes with it."""

    @contextmanager
    def runs() -> Iterator[Callable[..., Run]]:
        with ExitStack() as stack:

            def make(workers: int = 1, track: str = TINY, **variables: str) -> Run:
                folder = tmp_path_factory.mktemp("run")
                (folder / "tiny.yaml").write_text(track)
                bucket = Bucket(replace(store, bucket=f"services-{next(_buckets)}"))
                bucket.ensure_bucket()
                run = Run(bucket, folder, free_port(), fork_server, variables, workers)
                stack.callback(run.close)
                return run

            yield make

    return runs


@pytest.fixture
def new_run(runs: Any) -> Iterator[Callable[..., Run]]:
    """Makes runs for a test."""
    with runs() as make:
        yield make


@pytest.fixture(scope="module")
def new_shared_run(runs: Any) -> Iterator[Callable[..., Run]]:
    """Makes runs for a module."""
    with runs() as make:
        yield make


@pytest.fixture(scope="module")
def new_guided_run(new_shared_run: Callable[..., Run]) -> Callable[..., Run]:
    """Makes runs with a teacher on a circle, where it needs little time."""

    def make(workers: int = 1, kind: str = "gentle", **more: str) -> Run:
        variables = {"DR_TRAIN_METHOD": "guided", "DR_TRAIN_STOP_PROGRESS": "100"} | more
        variables.setdefault("DR_TRAIN_EVAL_INTERVAL", "")
        run = new_shared_run(workers, CIRCLE, **variables)
        run.write(kind=kind, term_cond_max_episodes=10000)
        return run

    return make


@pytest.fixture
def run(new_run: Callable[..., Run]) -> Run:
    """A run with the documents of the default, one worker."""
    run = new_run()
    run.write()
    return run
