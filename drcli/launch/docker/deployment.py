"""Differences between a Compose project and a Swarm stack of the same services: overlays, ports and variables.

Pure. Each launcher has one of the two; `own_stacks` and `community_stacks` use it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import ceil
from typing import ClassVar, NamedTuple

from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind
from drcli.launch.docker import reward_logs
from drcli.launch.docker.port_ranges import port_range
from drcli.launch.docker.stack_spec import StackKind
from drcli.launch.machine import Machine
from drcli.launch.run_folder import RunFolder
from drcli.paths import Workspace


class FirstPorts(NamedTuple):
    """Where a service's ports begin; size: how many Docker chooses from in Compose, if there are not more workers."""

    swarm: int
    compose: int
    size: int = 10


class Deployment(ABC):
    """Overlays, ports and variables of one of the two."""

    kind: ClassVar[StackKind]

    @abstractmethod
    def own_overlays(self, kind: RunKind) -> list[str]:
        """Overlays for our engine's stacks: where services run, and where they keep what reward functions print."""

    @abstractmethod
    def camera_overlays(self) -> list[str]:
        """Overlays that publish the workers' live pictures; none if that would show them to the whole network."""

    @abstractmethod
    def own_gpu_overlays(self) -> list[str]:
        """Overlays that give the trainer a GPU."""

    @abstractmethod
    def own_variables(self, settings: Settings, workspace: Workspace, machine: Machine) -> Mapping[str, str]:
        """Values of the variables of a training's overlays."""

    @abstractmethod
    def community_overlays(self, kind: RunKind, workers: int, machine: Machine) -> list[str]:
        """Overlays for the community's stacks: ports, and where services run."""

    @abstractmethod
    def worker_overlays(self, workers: int) -> list[str]:
        """Overlays with which several workers of the community's engine get different numbers."""

    @abstractmethod
    def community_variables(
        self, kind: RunKind, settings: Settings, workspace: Workspace, machine: Machine
    ) -> dict[str, str]:
        """Values of their variables, except the ports."""

    @abstractmethod
    def port(self, run_id: int, machine: Machine, ports: FirstPorts, workers: int = 1) -> str:
        """The port of a service: in a swarm its first one + run id; in Compose a free range from its first one on."""


class ComposeProject(Deployment):
    """Containers on this machine."""

    kind: ClassVar[StackKind] = "compose"

    def own_overlays(self, kind: RunKind) -> list[str]:
        """Workers write what reward functions print into the workspace, as its owner."""
        return ["reward-logs"] if kind == "training" else []

    def camera_overlays(self) -> list[str]:
        """Ports of 127.0.0.1."""
        return ["cameras"]

    def own_gpu_overlays(self) -> list[str]:
        """Compose assigns the GPUs itself."""
        return ["gpu", "gpu-compose"]

    def own_variables(self, settings: Settings, workspace: Workspace, machine: Machine) -> Mapping[str, str]:
        """The run's folder of logs, and who writes there."""
        logs = RunFolder.of(workspace, "training", settings.run_id).logs
        return {reward_logs.FOLDER: str(logs), "DRCLI_WORKER_USER": reward_logs.writer(machine)}

    def community_overlays(self, kind: RunKind, workers: int, machine: Machine) -> list[str]:
        """Ports on 127.0.0.1."""
        return [f"ports-{kind}"]

    def worker_overlays(self, workers: int) -> list[str]:
        """The workers number themselves in a shared folder."""
        return ["multi"] if workers > 1 else []

    def community_variables(
        self, kind: RunKind, settings: Settings, workspace: Workspace, machine: Machine
    ) -> dict[str, str]:
        """The shared folder."""
        if kind == "evaluation" or settings.workers == 1:
            return {}
        return {"DRCLI_COMMS": str(workspace.data / f"comms.{settings.run_id}")}

    def port(self, run_id: int, machine: Machine, ports: FirstPorts, workers: int = 1) -> str:
        """The range from which Docker takes ports. It stops at the first that another program has, so none is."""
        return port_range(ports.compose, max(ports.size, workers), machine.busy_ports)


class SwarmStack(Deployment):
    """Services whose tasks run on any node with the right label."""

    kind: ClassVar[StackKind] = "swarm"

    def own_overlays(self, kind: RunKind) -> list[str]:
        """Placement of the services."""
        return [f"swarm-{kind}"]

    def camera_overlays(self) -> list[str]:
        """None: a swarm cannot bind a port to 127.0.0.1."""
        return []

    def own_gpu_overlays(self) -> list[str]:
        """The nodes' default runtime provides the GPUs."""
        return ["gpu"]

    def own_variables(self, settings: Settings, workspace: Workspace, machine: Machine) -> Mapping[str, str]:
        """The number of workers, and how many a node gets at most."""
        return {
            "DRCLI_WORKERS": str(settings.workers),
            "DRCLI_MAX_PER_NODE": max_per_node(settings.workers, machine.worker_nodes),
        }

    def community_overlays(self, kind: RunKind, workers: int, machine: Machine) -> list[str]:
        """Without IP_VS, ports belong to nodes, and two workers on one node would collide."""
        collide = not machine.has_ip_vs and kind == "training" and workers > 1
        ports = [] if collide else [f"swarm-ports-{kind}"]
        return [f"swarm-{kind}", *ports, *([] if machine.has_ip_vs else ["swarm-dnsrr"])]

    def worker_overlays(self, workers: int) -> list[str]:
        """None: a task knows its slot."""
        return []

    def community_variables(
        self, kind: RunKind, settings: Settings, workspace: Workspace, machine: Machine
    ) -> dict[str, str]:
        """How ports are published."""
        return {"DRCLI_PORT_MODE": "ingress" if machine.has_ip_vs else "host"}

    def port(self, run_id: int, machine: Machine, ports: FirstPorts, workers: int = 1) -> str:
        """One port per run."""
        return str(ports.swarm + run_id)


def max_per_node(workers: int, nodes: int) -> str:
    """How many workers a node gets at most; 0 (no limit) if there is only one node."""
    return str(ceil(workers / nodes) if nodes > 1 else 0)
