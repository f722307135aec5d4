"""What differs between a Compose project and a Swarm stack of the same services: overlays, ports, and their variables.

Pure. `own_stacks` and `community_stacks` ask one of the two; the launchers name theirs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import ceil
from typing import ClassVar

from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind
from drcli.launch.docker.stack_spec import StackKind
from drcli.launch.machine import Machine
from drcli.paths import Workspace

_PORT_RANGE = 10  # ports that Compose may choose from


class Deployment(ABC):
    """One of the two."""

    kind: ClassVar[StackKind]

    @abstractmethod
    def own_overlays(self, kind: RunKind) -> list[str]:
        """Overlays of our engine's stacks."""

    @abstractmethod
    def own_gpu_overlays(self) -> list[str]:
        """Those that hand the trainer a GPU."""

    @abstractmethod
    def own_variables(self, workers: int, machine: Machine) -> Mapping[str, str]:
        """What they stand for."""

    @abstractmethod
    def community_overlays(self, kind: RunKind, workers: int, machine: Machine) -> list[str]:
        """Overlays of the community's stacks: ports, and where services run."""

    @abstractmethod
    def worker_overlays(self, workers: int) -> list[str]:
        """Overlays that let several workers of the community's engine tell themselves apart."""

    @abstractmethod
    def community_variables(
        self, kind: RunKind, settings: Settings, workspace: Workspace, machine: Machine
    ) -> dict[str, str]:
        """What they stand for, but for the ports."""

    @abstractmethod
    def port(self, run_id: int, swarm: int, first: int, workers: int = 1, size: int = _PORT_RANGE) -> str:
        """The port of a service: `swarm` + run id in a swarm; in Compose a range from `first` on."""

    def wide_port(self, run_id: int, swarm: int, first: int, workers: int) -> str:
        """As `port`, from a range twice as wide."""
        return self.port(run_id, swarm, first, workers, 2 * _PORT_RANGE)


class ComposeProject(Deployment):
    """Containers of this machine."""

    kind: ClassVar[StackKind] = "compose"

    def own_overlays(self, kind: RunKind) -> list[str]:
        """None."""
        return []

    def own_gpu_overlays(self) -> list[str]:
        """Compose hands the GPUs over itself."""
        return ["gpu", "gpu-compose"]

    def own_variables(self, workers: int, machine: Machine) -> Mapping[str, str]:
        """None."""
        return {}

    def community_overlays(self, kind: RunKind, workers: int, machine: Machine) -> list[str]:
        """Ports of this machine alone."""
        return [f"ports-{kind}"]

    def worker_overlays(self, workers: int) -> list[str]:
        """They number themselves in a folder that they share."""
        return ["multi"] if workers > 1 else []

    def community_variables(
        self, kind: RunKind, settings: Settings, workspace: Workspace, machine: Machine
    ) -> dict[str, str]:
        """That folder."""
        if kind == "evaluation" or settings.workers == 1:
            return {}
        return {"DRCLI_COMMS": str(workspace.data / f"comms.{settings.run_id}")}

    def port(self, run_id: int, swarm: int, first: int, workers: int = 1, size: int = _PORT_RANGE) -> str:
        """The range from which Docker takes one that is free."""
        return f"{first}-{first + max(size, workers) - 1}"


class SwarmStack(Deployment):
    """Services whose tasks run on any node that has the label."""

    kind: ClassVar[StackKind] = "swarm"

    def own_overlays(self, kind: RunKind) -> list[str]:
        """Where services may run."""
        return [f"swarm-{kind}"]

    def own_gpu_overlays(self) -> list[str]:
        """The nodes' default runtime hands the GPUs over."""
        return ["gpu"]

    def own_variables(self, workers: int, machine: Machine) -> Mapping[str, str]:
        """How many workers there are, and how they are shared out."""
        return {
            "DRCLI_WORKERS": str(workers),
            "DRCLI_MAX_PER_NODE": max_per_node(workers, machine.worker_nodes),
        }

    def community_overlays(self, kind: RunKind, workers: int, machine: Machine) -> list[str]:
        """Without IP_VS ports belong to nodes, and two workers may come to the same one."""
        collide = not machine.has_ip_vs and kind == "training" and workers > 1
        ports = [] if collide else [f"swarm-ports-{kind}"]
        return [f"swarm-{kind}", *ports, *([] if machine.has_ip_vs else ["swarm-dnsrr"])]

    def worker_overlays(self, workers: int) -> list[str]:
        """A task knows its slot."""
        return []

    def community_variables(
        self, kind: RunKind, settings: Settings, workspace: Workspace, machine: Machine
    ) -> dict[str, str]:
        """How ports are published."""
        return {"DRCLI_PORT_MODE": "ingress" if machine.has_ip_vs else "host"}

    def port(self, run_id: int, swarm: int, first: int, workers: int = 1, size: int = _PORT_RANGE) -> str:
        """One of each run."""
        return str(swarm + run_id)


def max_per_node(workers: int, nodes: int) -> str:
    """How many workers a node gets at most; 0, for no limit, where there is one node only."""
    return str(ceil(workers / nodes) if nodes > 1 else 0)
