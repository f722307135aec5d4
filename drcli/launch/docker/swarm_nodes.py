"""The swarm as seen by this engine: its own role, the nodes, their labels, where services can run.

Only reads and labels; `drcli.launch.docker.swarm_mode` creates and leaves a swarm.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drcli.errors import DrError
from drcli.launch.docker import docker_engine

# Node labels, as in DeepRacer-for-Cloud: where the trainer may run, and where workers may run.
SAGEMAKER = "Sagemaker"
ROBOMAKER = "Robomaker"

_UPDATE_ATTEMPTS = 5


@dataclass(frozen=True)
class SwarmState:
    """The role of this engine in a swarm, if any.

    `state` is Docker's word: inactive, pending, active, error or locked. `managers` are the addresses (host:port) of
    the swarm's managers.
    """

    state: str
    is_manager: bool = False
    node_id: str = ""
    address: str = ""
    error: str = ""
    managers: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether this engine is part of a working swarm."""
        return self.state == "active"


@dataclass(frozen=True)
class SwarmNode:
    """One machine of the swarm. `tasks` are the replicas of our stacks that run on it: `deepracer-0_robomaker.2`."""

    id: str
    hostname: str
    role: str
    is_leader: bool
    availability: str
    state: str
    address: str
    engine_version: str
    labels: Mapping[str, str] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether it accepts tasks: it is up, and neither paused nor drained."""
        return self.state == "ready" and self.availability == "active"

    def has(self, label: str) -> bool:
        """Whether services that need this label may run here."""
        return self.labels.get(label, "").lower() == "true"  # Swarm ignores case, too

    @property
    def may_run(self) -> tuple[str, ...]:
        """Which of our labels it has."""
        return tuple(label for label in (SAGEMAKER, ROBOMAKER) if self.has(label))

    @property
    def services(self) -> dict[str, int]:
        """How many replicas of each service run on it."""
        return dict(Counter(task.rsplit(".", 1)[0] for task in self.tasks))


def swarm_state() -> SwarmState:
    """The swarm state that this engine reports."""
    with docker_engine.speaking() as client:
        seen = client.info()["Swarm"]
    return SwarmState(
        state=seen["LocalNodeState"],
        is_manager=bool(seen.get("ControlAvailable")),
        node_id=seen.get("NodeID", ""),
        address=seen.get("NodeAddr", ""),
        error=seen.get("Error", ""),
        managers=tuple(sorted(manager["Addr"] for manager in seen.get("RemoteManagers") or ())),
    )


def require_manager() -> SwarmState:
    """The state of this engine. Raises DrError unless it is a manager of a swarm, which can start stacks."""
    seen = swarm_state()
    if seen.is_active and seen.is_manager:
        return seen
    if seen.is_active:
        managers = ", ".join(address.rsplit(":", 1)[0] for address in seen.managers) or "one of the managers"
        raise DrError(
            "This machine is a worker of a swarm; only managers can list nodes and start stacks.",
            f"Use `dr` on {managers}, or run `docker node promote {platform.node()}` there.",
        )
    if seen.state == "locked":
        raise DrError(
            "The swarm of this machine is locked.", "Unlock it with its key: `docker swarm unlock`."
        )
    if seen.state == "inactive":
        raise DrError("This machine is not in a swarm.", "Create one: `dr swarm init`.")
    reason = f": {seen.error}" if seen.error else ""
    raise DrError(
        f"The swarm of this machine does not work; its state is {seen.state}{reason}.",
        "`docker info` shows more. To start from scratch: `docker swarm leave --force`, then `dr swarm init`.",
    )


def nodes() -> list[SwarmNode]:
    """All nodes, managers first. Raises DrError unless this engine is a manager."""
    require_manager()
    with docker_engine.speaking() as client:
        tasks: dict[str, list[str]] = {}
        services: list[Any] = client.services.list()
        for service in services:
            if _is_ours(service.attrs["Spec"]):
                for task in service.tasks({"desired-state": "running"}):
                    if task["Status"]["State"] == "running":
                        name = f"{service.name}.{task.get('Slot', task['ID'])}"
                        tasks.setdefault(task["NodeID"], []).append(name)
        found = [_node(seen, tasks.get(seen["ID"], ())) for seen in client.api.nodes()]
    return sorted(found, key=lambda node: (node.role != "manager", node.hostname, node.id))


def find_node(name: str) -> SwarmNode:
    """The node with this host name or start of an id. Raises DrError unless there is exactly one."""
    everyone = nodes()
    found = [node for node in everyone if node.hostname == name]
    if len(found) > 1:  # a machine that left and joined again is listed twice
        found = [node for node in found if node.state != "down"] or found
    found = found or [node for node in everyone if name and node.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{node.id[:12]} at {node.address}" for node in found)
        raise DrError(f"{len(found)} nodes match {name}: {ids}.", "Use an id instead.")
    known = ", ".join(node.hostname for node in everyone)
    raise DrError(f"The swarm has no node {name}.", f"Its nodes are {known}.")


def label(name: str, *, sagemaker: bool | None = None, robomaker: bool | None = None) -> SwarmNode:
    """Set (True) or remove (False) labels of a node, given by host name or id; None leaves a label unchanged."""
    node = find_node(name)
    wanted = {SAGEMAKER: sagemaker, ROBOMAKER: robomaker}
    for _ in range(_UPDATE_ATTEMPTS):
        try:
            with docker_engine.speaking() as client:
                _relabel(client.api, node.id, wanted)
            break
        except DrError as error:  # another process changed the node since it was read
            if "out of sequence" not in error.message:
                raise
    else:
        raise DrError(f"Other processes keep changing node {node.hostname}.", "Try again.")
    return find_node(node.id)


def check_placement(*, needs_sagemaker: bool, needs_robomaker: bool) -> None:
    """Raises DrError, with the command that fixes it, if no ready node has a required label."""
    everyone = nodes()
    for name, needed, runs in (
        (SAGEMAKER, needs_sagemaker, "the trainer"),
        (ROBOMAKER, needs_robomaker, "the workers"),
    ):
        labelled = [node for node in everyone if node.has(name)]
        if not needed or any(node.is_ready for node in labelled):
            continue
        if labelled:
            states = ", ".join(f"{node.hostname} is {_condition(node)}" for node in labelled)
            raise DrError(
                f"No available node has the label {name}=true, which {runs} needs: {states}."
                if name == SAGEMAKER
                else f"No available node has the label {name}=true, which {runs} need: {states}.",
                f"Bring it back, or label another node: `dr swarm label NODE --{name.lower()}`; {_EXPLAIN}",
            )
        ready = next((node.hostname for node in everyone if node.is_ready), "NODE")
        raise DrError(
            f"No node of the swarm has the label {name}=true, so {runs} cannot run.",
            f"`dr swarm label {ready} --{name.lower()}`; {_EXPLAIN}",
        )


def has_ip_vs() -> bool:
    """Whether the engine's kernel has IP_VS, which virtual service addresses and ingress ports need.

    False if unknown because the engine runs on another kernel: what works without IP_VS (dnsrr, host-mode ports) also
    works with it. Docker Desktop's kernel has it.
    """
    with docker_engine.speaking() as client:
        info = client.info()
    if "Docker Desktop" in info.get("OperatingSystem", ""):
        return True
    release = platform.release()
    return info.get("KernelVersion") == release and kernel_has_ip_vs(Path("/"), release)


def kernel_has_ip_vs(root: Path, release: str) -> bool:
    """Whether the kernel of the system at `root` has IP_VS: in use, built in, or as a loadable module."""
    if (root / "proc/net/ip_vs").exists():
        return True
    lists = (root / "lib/modules" / release / name for name in ("modules.dep", "modules.builtin"))
    return any("/ip_vs.ko" in path.read_text(errors="replace") for path in lists if path.is_file())


_EXPLAIN = "`dr swarm status` shows the nodes."


def _condition(node: SwarmNode) -> str:
    return node.state if node.state != "ready" else {"drain": "drained", "pause": "paused"}[node.availability]


def _is_ours(spec: Mapping[str, Any]) -> bool:
    container = spec["TaskTemplate"].get("ContainerSpec") or {}
    labels = {**(container.get("Labels") or {}), **(spec.get("Labels") or {})}
    return docker_engine.KIND in labels or docker_engine.WORKSPACE in labels


def resources() -> tuple[int, int, int]:
    """Cores and bytes of memory of the nodes that can run workers, together, and how many nodes those are."""
    able = {node.id for node in nodes() if node.is_ready and node.has(ROBOMAKER)}
    with docker_engine.speaking() as client:
        found = [seen["Description"]["Resources"] for seen in client.api.nodes() if seen["ID"] in able]
    cores = sum(int(each["NanoCPUs"]) for each in found) // 10**9
    return cores, sum(int(each["MemoryBytes"]) for each in found), len(found)


def _node(seen: Mapping[str, Any], tasks: Sequence[str]) -> SwarmNode:
    spec, description = seen["Spec"], seen.get("Description") or {}
    manager = seen.get("ManagerStatus") or {}
    return SwarmNode(
        id=seen["ID"],
        hostname=description.get("Hostname") or seen["ID"],  # a node that was never up has none
        role=spec["Role"],
        is_leader=bool(manager.get("Leader")),
        availability=spec["Availability"],
        state=seen["Status"]["State"],
        address=manager.get("Addr", "").rsplit(":", 1)[0] or seen["Status"].get("Addr", ""),
        engine_version=(description.get("Engine") or {}).get("EngineVersion", ""),
        labels=dict(spec.get("Labels") or {}),
        tasks=tuple(sorted(tasks)),
    )


def _relabel(api: Any, node_id: str, wanted: Mapping[str, bool | None]) -> None:
    seen = api.inspect_node(node_id)
    before = dict(seen["Spec"].get("Labels") or {})
    after = {name: value for name, value in before.items() if wanted.get(name) is not False}
    after |= {name: "true" for name, value in wanted.items() if value}
    if after != before:
        api.update_node(node_id, seen["Version"]["Index"], {**seen["Spec"], "Labels": after})


def worker_nodes() -> int:
    """How many nodes can run workers now; 1 if unknown, so that a plan can be shown anywhere."""
    try:
        return max(1, sum(node.is_ready and node.has("Robomaker") for node in nodes()))
    except DrError:
        return 1
