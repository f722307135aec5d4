"""Making a swarm, letting machines join it, ending it.

Without an address a swarm is of this machine alone and listens on 127.0.0.1; with one, others can join.
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
    """Make this engine the manager of a swarm, label it for trainer and workers, make the network; this node.

    A swarm that exists is kept and completed. Only one that is of this machine alone and empty is made again when an
    address is named under which others can join. `advertise_addr` is an address or an interface of this machine.

    Raises:
        DrError: this engine is a worker of a swarm, or its swarm is locked or broken; the address is not ours to use;
            a network of our name is in the way and in use.
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
    """What to type on a machine that is to join. Whoever has this line can join: it holds the swarm's token."""
    state = require_manager()
    if is_of_one_machine(state):
        raise DrError(
            f"This swarm is of this machine alone: it listens on {state.address}.",
            f"`dr swarm init --advertise-addr {_suggestion()}` lets others join.",
        )
    with docker_engine.speaking() as client:
        token = client.api.inspect_swarm()["JoinTokens"][role.capitalize()]
    host = f"[{state.address}]" if ":" in state.address else state.address
    return f"docker swarm join --token {token} {host}:{PORT}"


def is_of_one_machine(state: SwarmState) -> bool:
    """Whether no other machine can reach the swarm of this state."""
    return _is_loopback(state.address)


def check_leave() -> SwarmState:
    """The state of this engine. DrError when it is in no swarm, or when services or containers rely on its swarm."""
    state = swarm_state()
    if state.state == "inactive":
        raise DrError("This machine is in no swarm.")
    if state.is_manager and (users := _users()):
        raise DrError(
            f"The swarm is in use by {', '.join(users)}.",
            "`dr stop-all` ends what drcli has started, `docker stack rm` and `docker stop` the rest.",
        )
    return state


def leave() -> None:
    """Take this engine out of its swarm, as far as `check_leave` allows; that of a single manager ends with it."""
    check_leave()
    with docker_engine.speaking() as client:
        client.swarm.leave(force=True)


def addresses() -> list[str]:
    """The IPv4 addresses of this machine under which others may reach it, the likeliest first; none of Docker's own."""
    found = []
    for name, known in sorted(psutil.net_if_addrs().items()):
        if not name.startswith(("docker", "br-", "veth")):
            found += [a.address for a in known if a.family == socket.AF_INET and not _is_loopback(a.address)]
    outward = _outward_address()
    return sorted(found, key=lambda address: address != outward)


def listen_address(address: str) -> str:
    """Where a swarm of this advertised address listens: there, and no wider.

    An address that is not of this machine is translated on its way here (NAT); only then it is all of ours.
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
                    f"Port {PORT} is taken: {words}", f"`sudo ss -ltnp sport = :{PORT}` shows by whom."
                ) from None
            if "address" in words:
                raise DrError(
                    f"No swarm at {address}: {words}", f"Try --advertise-addr {_suggestion()}."
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
    """DrError unless the swarm can be made again without anybody noticing."""
    others = [node.hostname for node in nodes() if node.id != state.node_id]
    if others:
        raise DrError(
            f"The swarm is at {state.address}, and {', '.join(others)} have joined it there.",
            f"To move it to {wanted}, have each of them `docker swarm leave`, then `dr swarm leave` here.",
        )
    if users := _users():
        raise DrError(
            f"To move the swarm from {state.address} to {wanted} it is made anew; it is in use by {', '.join(users)}.",
            "Stop these first: `dr stop-all` ends what drcli has started.",
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
    """The address that this machine shows to the world; empty: it has no way there. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # kept for documentation (RFC 5737): nobody's
        return str(probe.getsockname()[0])
    return ""


def _suggestion() -> str:
    return next(iter(addresses()), "ADDRESS")
