"""Swarm mode as this engine sees it: its own part in it, the nodes, their labels, where services can run.

Reading and labelling; `drcli.launch.docker.swarm_mode` makes a swarm and ends one.
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

# SwarmNode labels, as DeepRacer-for-Cloud has them: where the trainer may run, where workers may.
SAGEMAKER = "Sagemaker"
ROBOMAKER = "Robomaker"

_UPDATE_ATTEMPTS = 5


@dataclass(frozen=True)
class SwarmState:
    """The part of this engine in a swarm, if there is one.

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
        """Whether this engine takes part in a working swarm."""
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
        """Whether it takes tasks: it is up, and neither paused nor drained."""
        return self.state == "ready" and self.availability == "active"

    def has(self, label: str) -> bool:
        """Whether services that want this label may run here."""
        return self.labels.get(label, "").lower() == "true"  # Swarm compares without regard to case

    @property
    def may_run(self) -> tuple[str, ...]:
        """The labels of ours that it has."""
        return tuple(label for label in (SAGEMAKER, ROBOMAKER) if self.has(label))

    @property
    def services(self) -> dict[str, int]:
        """How many replicas of each service run on it."""
        return dict(Counter(task.rsplit(".", 1)[0] for task in self.tasks))


def swarm_state() -> SwarmState:
    """What this engine says about itself."""
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
    """The state of this engine. DrError unless it is a manager of a swarm, and so can start stacks."""
    seen = swarm_state()
    if seen.is_active and seen.is_manager:
        return seen
    if seen.is_active:
        managers = ", ".join(address.rsplit(":", 1)[0] for address in seen.managers) or "one of the managers"
        raise DrError(
            "This machine is a worker of a swarm; only a manager sees the nodes and starts stacks.",
            f"Use `dr` on {managers}; or promote this machine there: `docker node promote {platform.node()}`.",
        )
    if seen.state == "locked":
        raise DrError("The swarm of this machine is locked.", "`docker swarm unlock` asks for its key.")
    if seen.state == "inactive":
        raise DrError("This machine is in no swarm.", "Make one: `dr swarm init`.")
    reason = f": {seen.error}" if seen.error else ""
    raise DrError(
        f"The swarm of this machine does not work, it is in state {seen.state}{reason}.",
        "`docker info` tells more. `docker swarm leave --force`, then `dr swarm init`, starts afresh.",
    )


def nodes() -> list[SwarmNode]:
    """All nodes, managers first. DrError unless this engine is a manager."""
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
    """The node of this host name, or of an id that begins so. DrError when there is none, or more than one."""
    everyone = nodes()
    found = [node for node in everyone if node.hostname == name]
    if len(found) > 1:  # a machine that left and joined again is there twice
        found = [node for node in found if node.state != "down"] or found
    found = found or [node for node in everyone if name and node.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{node.id[:12]} at {node.address}" for node in found)
        raise DrError(f"{len(found)} nodes go by {name}: {ids}.", "Name one by its id.")
    known = ", ".join(node.hostname for node in everyone)
    raise DrError(f"The swarm has no node {name}.", f"Its nodes are {known}.")


def label(name: str, *, sagemaker: bool | None = None, robomaker: bool | None = None) -> SwarmNode:
    """Set (True) or take away (False) labels of a node, named by host name or id; None leaves one as it is."""
    node = find_node(name)
    wanted = {SAGEMAKER: sagemaker, ROBOMAKER: robomaker}
    for _ in range(_UPDATE_ATTEMPTS):
        try:
            with docker_engine.speaking() as client:
                _relabel(client.api, node.id, wanted)
            break
        except DrError as error:  # somebody else changed the node since it was read
            if "out of sequence" not in error.message:
                raise
    else:
        raise DrError(f"Others keep changing node {node.hostname}.", "Try again.")
    return find_node(node.id)


def check_placement(*, needs_sagemaker: bool, needs_robomaker: bool) -> None:
    """DrError, with the command that mends it, when no node that is ready has a label that is needed."""
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
                f"No node that takes tasks has the label {name}=true, which {runs} needs: {states}."
                if name == SAGEMAKER
                else f"No node that takes tasks has the label {name}=true, which {runs} need: {states}.",
                f"Bring it back, or label another: `dr swarm label NODE --{name.lower()}`; {_EXPLAIN}",
            )
        ready = next((node.hostname for node in everyone if node.is_ready), "NODE")
        raise DrError(
            f"No node of the swarm has the label {name}=true, so {runs} can run nowhere.",
            f"`dr swarm label {ready} --{name.lower()}`; {_EXPLAIN}",
        )


def has_ip_vs() -> bool:
    """Whether the engine's kernel balances load (IP_VS), which service addresses and ingress ports need.

    Where that cannot be known, because the engine runs on another kernel than ours, False: what works without IP_VS
    (dnsrr, host-mode ports) works with it too. Docker Desktop's kernel has it.
    """
    with docker_engine.speaking() as client:
        info = client.info()
    if "Docker Desktop" in info.get("OperatingSystem", ""):
        return True
    release = platform.release()
    return info.get("KernelVersion") == release and kernel_has_ip_vs(Path("/"), release)


def kernel_has_ip_vs(root: Path, release: str) -> bool:
    """Whether the kernel of the system at `root` has IP_VS in use, built in, or as a module that can be loaded."""
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


def _node(seen: Mapping[str, Any], tasks: Sequence[str]) -> SwarmNode:
    spec, description = seen["Spec"], seen.get("Description") or {}
    manager = seen.get("ManagerStatus") or {}
    return SwarmNode(
        id=seen["ID"],
        hostname=description.get("Hostname") or seen["ID"],  # a node that never came up has none
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
    """How many nodes may run workers now; 1 where nobody knows, so that a plan can be shown anywhere."""
    try:
        return max(1, sum(node.is_ready and node.has("Robomaker") for node in nodes()))
    except DrError:
        return 1
