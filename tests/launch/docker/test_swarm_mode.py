from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from second_node import FurtherEngine

from drcli.errors import DrError
from drcli.launch.docker import stack_network, swarm_mode, swarm_nodes, swarm_services
from drcli.launch.docker.swarm_nodes import ROBOMAKER, SAGEMAKER, swarm_state

pytestmark = pytest.mark.docker


def listening(engine: FurtherEngine) -> set[str]:
    """Addresses at which the engine listens for other machines, in its own network namespace."""
    (pid,) = engine.pids()
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines + Path(f"/proc/{pid}/net/tcp6").read_text().splitlines()[1:]]
    local = [row[1].split(":") for row in rows if row[3] == "0A"]  # listening
    return {address for address, port in local if int(port, 16) in (2377, 7946)}


def test_init_makes_a_swarm_of_this_machine_alone(lone_engine: FurtherEngine) -> None:
    assert swarm_state().state == "inactive"
    made = swarm_mode.init()
    state = swarm_state()
    assert state.is_active and state.is_manager and state.address == "127.0.0.1"
    assert (made.id, made.role, made.is_ready) == (state.node_id, "manager", True)
    assert made.may_run == (SAGEMAKER, ROBOMAKER)
    assert stack_network.check_network("swarm").startswith("The network sagemaker-local exists (overlay")
    assert listening(lone_engine) == {"0100007F"}  # 127.0.0.1
    with pytest.raises(DrError, match="No other machine can join") as caught:
        swarm_mode.join_command()
    assert "dr swarm init --advertise-addr" in caught.value.hint


def test_init_completes_a_swarm_that_exists(lone_engine: FurtherEngine) -> None:
    lone_engine.docker("swarm", "init", "--advertise-addr", lone_engine.address)
    cluster = lone_engine.client.swarm.id
    assert swarm_mode.init().may_run == (SAGEMAKER, ROBOMAKER)
    before = swarm_mode.init(lone_engine.address)
    assert swarm_mode.init("eth0" if lone_engine.address in swarm_mode.addresses() else None) == before
    lone_engine.client.swarm.reload()
    assert lone_engine.client.swarm.id == cluster
    assert stack_network.check_network("swarm").startswith("The network sagemaker-local exists")


def test_an_address_opens_an_empty_swarm_to_others(lone_engine: FurtherEngine) -> None:
    first = swarm_mode.init()
    second = swarm_mode.init(lone_engine.address)
    assert second.id != first.id and second.address == lone_engine.address
    line = swarm_mode.join_command()
    assert line.startswith("docker swarm join --token SWMTKN-1-")
    assert line.endswith(f" {lone_engine.address}:2377")
    as_manager = swarm_mode.join_command("manager")
    assert as_manager.split()[4] != line.split()[4] and as_manager.split()[-1] == line.split()[-1]


def test_a_swarm_in_use_is_neither_moved_nor_left(lone_engine: FurtherEngine) -> None:
    node = swarm_mode.init()
    lone_engine.client.services.create("none/such", name="guest")
    with pytest.raises(DrError, match="in use by guest"):
        swarm_mode.init(lone_engine.address)
    with pytest.raises(DrError, match="in use by guest"):
        swarm_mode.leave()
    assert swarm_state().node_id == node.id
    lone_engine.client.services.get("guest").remove()
    swarm_mode.leave()
    assert swarm_state().state == "inactive"
    with pytest.raises(DrError, match="not in a swarm"):
        swarm_mode.leave()


@pytest.mark.parametrize("address", ["nonsense", "no-such-interface:2377", "0.0.0.0"])
def test_an_address_that_is_none(lone_engine: FurtherEngine, address: str) -> None:
    with pytest.raises(DrError, match="The swarm cannot use") as caught:
        swarm_mode.init(address)
    assert "--advertise-addr" in caught.value.hint
    assert swarm_state().state == "inactive"


def test_a_locked_swarm_says_so(lone_engine: FurtherEngine) -> None:
    swarm_mode.init()
    lone_engine.docker("swarm", "update", "--autolock")
    lone_engine.restart()
    assert swarm_state().state == "locked"
    for call in (swarm_mode.init, swarm_mode.join_command, swarm_nodes.nodes):
        with pytest.raises(DrError, match="locked") as caught:
            call()
        assert "docker swarm unlock" in caught.value.hint
    with pytest.raises(DrError, match="locked"):
        stack_network.ensure_network("swarm")


@pytest.mark.parametrize(
    ("address", "listen"),
    [
        ("127.0.0.1", "127.0.0.1:2377"),
        ("127.0.0.1:4000", "127.0.0.1:2377"),
        ("lo", "lo:2377"),
        ("::1", "[::1]:2377"),
        ("203.0.113.7", "0.0.0.0:2377"),
    ],
)
def test_listens_no_wider_than_it_must(address: str, listen: str) -> None:
    if address == "::1" and not any(a.address == "::1" for a in psutil.net_if_addrs().get("lo", ())):
        pytest.skip("no IPv6 here")
    assert swarm_mode.listen_address(address) == listen


def test_addresses_are_those_that_others_can_reach() -> None:
    found = swarm_mode.addresses()
    assert "127.0.0.1" not in found and len(set(found)) == len(found)
    everything = {a.address for known in psutil.net_if_addrs().values() for a in known}
    assert set(found) <= everything


def test_a_service_that_was_removed_meanwhile_has_no_tasks(lone_engine: FurtherEngine) -> None:
    swarm_mode.init()
    service = lone_engine.client.services.create("none/such", name="guest")
    service.remove()
    assert swarm_services.tasks(service) == [] == swarm_services.newest(service)
