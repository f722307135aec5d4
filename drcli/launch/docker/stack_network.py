"""The network of our stacks, `sagemaker-local`: one for all runs, shared by Compose and Swarm.

It is a bridge on this machine, or an overlay that spans the nodes of a swarm and to which plain containers can attach,
too. Name, labels and addresses are those of DeepRacer-for-Cloud.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors
import psutil

from drcli.errors import DrError
from drcli.launch.docker import docker_engine
from drcli.launch.docker.stack_spec import StackKind
from drcli.launch.docker.swarm_nodes import require_manager, swarm_state

NAME = "sagemaker-local"
LABELS = {"com.docker.compose.network": NAME, "com.docker.compose.project": NAME}

_FIRST, _LAST = 200, 254  # overlays are 192.168.X.0/24
_ATTEMPTS = 8
_READY_S = 10.0
_TAKEN = ("already exists", "name conflicts with an existing object")  # messages of the engine and the swarm


@dataclass(frozen=True)
class Network:
    """A network with our name. `attached` names the containers and services on it.

    The driver of an overlay is empty until the swarm has allocated its addresses.
    """

    id: str
    driver: str
    is_attachable: bool
    subnet: str
    created: str
    attached: tuple[str, ...]

    def serves(self, style: StackKind) -> bool:
        """Whether stacks of this style can use it."""
        is_overlay = self.driver == "overlay" and self.is_attachable
        return is_overlay or (style == "compose" and self.driver == "bridge")


def ensure_network(style: StackKind) -> None:
    """Create the network unless a suitable one exists. An unsuitable one is replaced if nothing is attached to it.

    Raises:
        DrError: something is attached to an unsuitable one; or the style is swarm and the engine is not a manager.
    """
    is_overlay = _is_overlay_wanted(style)
    for _ in range(_ATTEMPTS):
        found = _settled()
        _remove([network for network in found if not network.serves(style)], style)
        good = sorted(
            (n for n in found if n.serves(style)), key=lambda n: (n.driver != "overlay", n.created, n.id)
        )
        if good:
            # Up to engine 24 two callers can create bridges of the same name; both keep the older.
            _remove([network for network in good[1:] if not network.attached], style)
            return
        _create(is_overlay)
    raise DrError(
        f"The network {NAME} could not be created: other processes keep changing it, or its addresses clash.",
        "`docker network ls` shows the existing networks.",
    )


def check_network(style: StackKind) -> str:
    """What `ensure_network` would find or do, as a sentence. Changes nothing; raises what it would raise."""
    _is_overlay_wanted(style)
    check_free(style)
    good = next((network for network in _networks() if network.serves(style)), None)
    if good is None:
        return f"The network {NAME} will be created when a run starts."
    users = f", {len(good.attached)} attached" if good.attached else ""
    return f"The network {NAME} exists ({good.driver} {good.subnet}{users})."


def check_free(style: StackKind) -> None:
    """Raises DrError if a network with our name is unsuitable for this style, and in use, so not replaceable."""
    for network in _networks():
        if not network.serves(style) and network.attached:
            raise _in_the_way(network, style)


def attached() -> tuple[str, ...]:
    """The names of the containers and services on the network."""
    return tuple(name for network in _networks() for name in network.attached)


def _is_overlay_wanted(style: StackKind) -> bool:
    """On the manager of a swarm Compose uses an overlay, too, so that runs of both styles reach the same store."""
    seen = require_manager() if style == "swarm" else swarm_state()
    return seen.is_active and seen.is_manager


def _networks() -> list[Network]:
    with docker_engine.speaking() as client:
        found = [
            n["Id"] for n in client.api.networks(names=[NAME]) if n["Name"] == NAME
        ]  # the filter also matches parts of names
        seen = [_inspect(client.api, network_id) for network_id in found]
    return [network for network in seen if network is not None]


def _settled() -> list[Network]:
    """Like `_networks`, after waiting for the swarm to allocate overlays that another process just created."""
    deadline = time.monotonic() + _READY_S
    found = _networks()
    while any(not network.driver for network in found) and time.monotonic() < deadline:
        time.sleep(0.05)
        found = _networks()
    return found


def _inspect(api: docker.APIClient, network_id: str) -> Network | None:
    try:
        seen = api.inspect_network(network_id)
    except docker.errors.NotFound:  # gone since it was listed
        return None
    # An overlay's own load balancer is listed as a container with one of these names.
    balancer = (f"lb-{NAME}", f"{NAME}-endpoint")
    users = (seen["Containers"] or {}).items()
    containers = {c["Name"] for key, c in users if key not in balancer and c["Name"] not in balancer}
    ranges = [config["Subnet"] for config in (seen["IPAM"].get("Config") or ()) if "Subnet" in config]
    return Network(
        id=seen["Id"],
        driver=seen["Driver"],
        is_attachable=seen["Attachable"],
        subnet=", ".join(ranges),
        created=seen["Created"],
        attached=tuple(sorted(containers | _services_on(seen))),
    )


def _services_on(network: dict[str, Any]) -> set[str]:
    """The services on a swarm's network; their tasks may run on other nodes, whose containers are not visible here."""
    if network["Scope"] != "swarm" or not swarm_state().is_manager:
        return set()
    with docker_engine.speaking() as client:
        return {
            service.name
            for service in client.services.list()
            if any(
                n["Target"] == network["Id"]
                for n in service.attrs["Spec"]["TaskTemplate"].get("Networks") or ()
            )
        }


def _remove(unwanted: list[Network], style: StackKind) -> None:
    for network in unwanted:
        if network.attached:
            raise _in_the_way(network, style)
        with docker_engine.speaking() as client:
            _remove_free(client.api, network.id, style)


def _remove_free(api: docker.APIClient, network_id: str, style: StackKind) -> None:
    """Remove a network; repeated for a while, as an engine may fail while a service's traces still disappear."""
    deadline = time.monotonic() + _READY_S
    while (now := _inspect(api, network_id)) is not None:
        if now.attached:  # since it was last inspected
            raise _in_the_way(now, style)
        try:
            return api.remove_network(network_id)
        except docker.errors.APIError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _create(is_overlay: bool) -> None:
    """Request the network. The caller checks the result; another process may have created it meanwhile."""
    with docker_engine.speaking() as client:
        pool = (
            docker.types.IPAMPool(subnet=subnet)
            if is_overlay and (subnet := _free_subnet(client.api))
            else None
        )
        try:
            client.api.create_network(
                NAME,
                driver="overlay" if is_overlay else "bridge",
                ipam=docker.types.IPAMConfig(pool_configs=[pool]) if pool else None,
                attachable=True if is_overlay else None,
                labels=LABELS,
                check_duplicate=True,
            )
        except docker.errors.APIError as error:
            if error.status_code == 409 or any(words in str(error) for words in _TAKEN):
                time.sleep(0.1)  # a network that is being removed keeps its name for a moment
                return
            raise


def _free_subnet(api: docker.APIClient) -> str:
    """A /24 that no Docker network and no interface of this machine uses; empty if none is left."""
    taken = list(_taken(api))
    for number in range(_FIRST, _LAST + 1):
        candidate = ipaddress.ip_network(f"192.168.{number}.0/24")
        if not any(candidate.overlaps(other) for other in taken):
            return str(candidate)
    return ""


def _taken(api: docker.APIClient) -> Iterator[ipaddress.IPv4Network]:
    for network in api.networks():
        for config in network["IPAM"].get("Config") or ():
            if ":" not in config.get("Subnet", ":"):
                yield ipaddress.IPv4Network(config["Subnet"], strict=False)
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET and address.netmask:
                yield ipaddress.IPv4Network(f"{address.address}/{address.netmask}", strict=False)


def _in_the_way(network: Network, style: StackKind) -> DrError:
    kind = network.driver if network.driver != "overlay" else "overlay that is not attachable"
    users = ", ".join(network.attached)
    return DrError(
        f"The network {NAME} is a {kind}, which DR_DOCKER_STYLE={style} cannot use; it cannot be replaced "
        f"while in use by {users}.",
        "Stop these first: `dr stop-all --everywhere` stops what drcli started, `docker stop` or "
        "`docker service rm` the rest.",
    )
