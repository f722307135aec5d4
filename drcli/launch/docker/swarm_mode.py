"""Creating a swarm, letting machines join it, leaving it.

Without an address a swarm consists of this machine only and listens on 127.0.0.1; with one, others can join.
"""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import Literal

import docker.errors
import psutil

from drcli.errors import DrError
from drcli.launch.docker import docker_engine, stack_network
from drcli.launch.docker.swarm_nodes import SwarmNode, SwarmState, label, nodes, require_manager, swarm_state

LOOPBACK = "127.0.0.1"
PORT = 2377


def init(advertise_addr: str | None = None) -> SwarmNode:
    """Make this engine a swarm manager, label it for trainer and workers, create the network. Returns this node.

    An existing swarm is kept, and what is missing is added. Only an empty swarm of this machine alone is recreated, if
    another address is given. `advertise_addr` is an address or an interface of this machine.

    Raises:
        DrError: this engine is a worker of a swarm, or its swarm is locked or broken; the address cannot be used;
            an unsuitable network with our name is in use.
    """
    stack_network.check_free("swarm")
    state = swarm_state()
    if state.state == "inactive":
        _init(advertise_addr or LOOPBACK)
    elif advertise_addr and _is_other(require_manager(), advertise_addr):
        _check_empty(state, advertise_addr)
        with docker_engine.speaking() as client:
            client.swarm.leave(force=True)
        _init(advertise_addr)
    made = label(require_manager().node_id, sagemaker=True, robomaker=True)
    stack_network.ensure_network("swarm")
    return made


def join_command(role: Literal["worker", "manager"] = "worker") -> str:
    """The command to run on a machine that joins. It contains the swarm's token: anybody who has it can join."""
    state = require_manager()
    if is_of_one_machine(state):
        raise DrError(
            f"No other machine can join this swarm: it listens on {state.address}.",
            f"`dr swarm init --advertise-addr {_suggestion()}` lets others join.",
        )
    with docker_engine.speaking() as client:
        token = client.api.inspect_swarm()["JoinTokens"][role.capitalize()]
    host = f"[{state.address}]" if ":" in state.address else state.address
    return f"docker swarm join --token {token} {host}:{PORT}"


def is_of_one_machine(state: SwarmState) -> bool:
    """Whether no other machine can reach this swarm."""
    return _is_loopback(state.address)


def check_leave() -> SwarmState:
    """The state of this engine. Raises DrError if it is not in a swarm, or services or containers use the swarm."""
    state = swarm_state()
    if state.state == "inactive":
        raise DrError("This machine is not in a swarm.")
    if state.is_manager and (users := _users()):
        raise DrError(
            f"The swarm is in use by {', '.join(users)}.",
            "`dr stop-all` stops what drcli started, `docker stack rm` and `docker stop` the rest.",
        )
    return state


def leave() -> None:
    """Remove this engine from its swarm if `check_leave` allows it. The swarm of a single manager ends."""
    check_leave()
    with docker_engine.speaking() as client:
        client.swarm.leave(force=True)


def addresses() -> list[str]:
    """The IPv4 addresses at which other machines may reach this one, the likeliest first, without Docker's own."""
    found = []
    for name, known in sorted(psutil.net_if_addrs().items()):
        if not name.startswith(("docker", "br-", "veth")):
            found += [a.address for a in known if a.family == socket.AF_INET and not _is_loopback(a.address)]
    outward = _outward_address()
    return sorted(found, key=lambda address: address != outward)


def listen_address(address: str) -> str:
    """Where a swarm with this advertised address listens: only there.

    An address that no interface of this machine has is translated by NAT; then it listens on all interfaces.
    """
    host = _host(address)
    known = psutil.net_if_addrs()
    if host in known or any(a.address.split("%")[0] == host for found in known.values() for a in found):
        return f"[{host}]:{PORT}" if ":" in host else f"{host}:{PORT}"
    return f"0.0.0.0:{PORT}"


def _init(address: str) -> None:
    with docker_engine.speaking() as client:
        try:
            client.swarm.init(advertise_addr=address, listen_addr=listen_address(address))
        except docker.errors.APIError as error:
            words = str(error.explanation or error)
            if "address already in use" in words:
                raise DrError(
                    f"Port {PORT} is in use: {words}", f"`sudo ss -ltnp sport = :{PORT}` shows the program."
                ) from None
            if "address" in words:
                raise DrError(
                    f"The swarm cannot use {address}: {words}", f"Try --advertise-addr {_suggestion()}."
                ) from None
            raise


def _host(address: str) -> str:
    """An address without its port."""
    if address.startswith("["):
        return address[1:].split("]")[0]
    return address.split(":")[0] if address.count(":") == 1 else address


def _is_other(state: SwarmState, wanted: str) -> bool:
    host = _host(wanted)
    of_interface = [a.address for a in psutil.net_if_addrs().get(host, ())]
    return state.address not in (host, *of_interface)


def _check_empty(state: SwarmState, wanted: str) -> None:
    """Raises DrError if other nodes or any services use the swarm, so that it cannot be recreated."""
    others = [node.hostname for node in nodes() if node.id != state.node_id]
    if others:
        raise DrError(
            f"The swarm is at {state.address}, where {', '.join(others)} joined it.",
            f"To move it to {wanted}, run `docker swarm leave` on each of them, then `dr swarm leave` here.",
        )
    if users := _users():
        raise DrError(
            f"Moving the swarm from {state.address} to {wanted} recreates it, and it is in use by {', '.join(users)}.",
            "Stop these first: `dr stop-all` stops what drcli started.",
        )


def _users() -> list[str]:
    with docker_engine.speaking() as client:
        services = {service.name for service in client.services.list()}
    return sorted(services | set(stack_network.attached()))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _outward_address() -> str:
    """This machine's address on its default route; empty if there is no route. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # reserved for documentation (RFC 5737)
        return str(probe.getsockname()[0])
    return ""


def _suggestion() -> str:
    return next(iter(addresses()), "ADDRESS")
