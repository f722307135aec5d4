"""Every axis of choice is a table: a new member is one file and one line here. Reading names imports nothing.

A package installed next to drcli can add members without a change here: a line `NAME = module:attribute` under the
table's group in its entry points, such as `[drcli.races]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any

from drcli.errors import UsageError


@dataclass(frozen=True)
class Table:
    """Members of one kind by name, as `module:attribute`; their package defines the protocol that they follow."""

    group: str
    kind: str  # in a message: "race type"
    members: Mapping[str, str]

    def __contains__(self, name: object) -> bool:
        return name in self.members or name in self._others

    def __iter__(self) -> Iterator[str]:
        """All names, ours first."""
        yield from self.members
        yield from (name for name in self._others if name not in self.members)

    def load(self, name: str) -> Any:
        """Import a member. Raises UsageError if there is none with that name."""
        target = self.members.get(name) or self._others.get(name)
        if target is None:
            raise UsageError(f"There is no {self.kind} {name}.", f"Choose one of: {', '.join(self)}.")
        return resolve_name(target)

    @cached_property
    def _others(self) -> dict[str, str]:
        """Members from other packages. Looked up once, and only if a name is not one of ours."""
        return {point.name: point.value for point in entry_points(group=self.group)}


RACES = Table(
    "drcli.races",
    "race type",
    {
        "TIME_TRIAL": "drcli.sim.races.time_trial:TimeTrial",
        "OBJECT_AVOIDANCE": "drcli.sim.races.object_avoidance:ObjectAvoidance",
        "HEAD_TO_BOT": "drcli.sim.races.head_to_bot:HeadToBot",
        "HEAD_TO_MODEL": "drcli.sim.races.head_to_model:HeadToModel",
    },
)
CARS = Table(  # how a car moves: one for each generation of the community's simulator
    "drcli.cars",
    "car dynamics",
    {
        "simapp-1": "drcli.sim.car_generations:SIMAPP_1",
        "simapp-2": "drcli.sim.car_generations:SIMAPP_2",
        "simapp-3": "drcli.sim.car_generations:SIMAPP_3",
        "simapp-4": "drcli.sim.car_generations:SIMAPP_4",
        "simapp-5": "drcli.sim.car_generations:SIMAPP_5",
        "console-2023": "drcli.sim.car_generations:CONSOLE_2023",
    },
)
SENSORS = Table(
    "drcli.sensors",
    "sensor",
    {
        "FRONT_FACING_CAMERA": "drcli.sim.sensors.front_camera:FrontCamera",
        "LEFT_CAMERA": "drcli.sim.sensors.front_camera:FrontCamera",
        "observation": "drcli.sim.sensors.front_camera:FrontCamera",
        "STEREO_CAMERAS": "drcli.sim.sensors.front_camera:StereoCameras",
        "LIDAR": "drcli.sim.sensors.lidar:LIDAR",
        "SECTOR_LIDAR": "drcli.sim.sensors.lidar:SECTOR_LIDAR",
        "DISCRETIZED_SECTOR_LIDAR": "drcli.sim.sensors.lidar:DISCRETIZED_SECTOR_LIDAR",
    },
)
PRIVILEGED_SENSORS = Table(  # what only a simulator knows: for teachers, not for models
    "drcli.privileged_sensors",
    "privileged sensor",
    {
        "ROAD_AHEAD": "drcli.sim.sensors.road_ahead:RoadAhead",
        "CAR_MOTION": "drcli.sim.sensors.car_motion:CarMotion",
        "OBJECTS_AHEAD": "drcli.sim.sensors.objects_ahead:ObjectsAhead",
    },
)
NETWORKS = Table(
    "drcli.networks",
    "network",
    {
        "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW": "drcli.train.architectures.deep_convolutional:SHALLOW",
        "DEEP_CONVOLUTIONAL_NETWORK": "drcli.train.architectures.deep_convolutional:MEDIUM",
        "DEEP_CONVOLUTIONAL_NETWORK_DEEP": "drcli.train.architectures.deep_convolutional:DEEP",
    },
)
HEADS = Table(
    "drcli.heads",
    "policy head",
    {
        "discrete": "drcli.train.heads.categorical:Categorical",
        "continuous": "drcli.train.heads.gaussian:Gaussian",
    },
)
ALGORITHMS = Table(
    "drcli.algorithms",
    "training algorithm",
    {
        "clipped_ppo": "drcli.train.algorithms.ppo:ClippedPPO",
        "sac": "drcli.train.algorithms.sac:SAC",
    },
)
METHODS = Table(
    "drcli.methods",
    "training method",
    {
        "guided": "drcli.services.trainer.methods.guided:Guided",
        "pixels": "drcli.services.trainer.methods.pixels:Pixels",
    },
)
EXPORTS = Table(
    "drcli.exports",
    "export",
    {
        "car": "drcli.train.exports.car_graph:CarGraph",
        "native": "drcli.train.exports.native:Native",
        "tensorflow": "drcli.train.exports.tensorflow_checkpoint:TensorFlowCheckpoint",
    },
)
LAUNCHERS = Table(
    "drcli.launchers",
    "style",
    {
        "process": "drcli.launch.processes.process_launcher:ProcessLauncher",
        "compose": "drcli.launch.docker.compose_launcher:ComposeLauncher",
        "swarm": "drcli.launch.docker.swarm_launcher:SwarmLauncher",
    },
)
OBSERVERS = Table(
    "drcli.observers",
    "observer",
    {
        "coach_log": "drcli.services.observers.coach_log:CoachLog",
        "log_intro": "drcli.services.observers.log_intro:LogIntro",  # before the trace
        "trace_log": "drcli.services.observers.trace_log:TraceLog",
        "bucket_recorder": "drcli.services.observers.bucket_recorder:BucketRecorder",
        "curve_recorder": "drcli.services.observers.curve_recorder:CurveRecorder",
        "live_feed": "drcli.watch.cameras.live_feed:LiveFeed",
        "evaluation_videos": "drcli.watch.videos.evaluation_videos:EvaluationVideos",
        "telegraf_lines": "drcli.watch.metrics.telegraf_lines:TelegrafLines",
        "event_files": "drcli.watch.metrics.event_files:EventFiles",
        "trainer_metrics": "drcli.watch.metrics.trainer_metrics:TrainerMetrics",
        "worker_metrics": "drcli.watch.metrics.worker_metrics:WorkerMetrics",
        "status_writer": "drcli.services.observers.status_writer:StatusWriter",  # after those it reports on
    },
)
