from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from polling import until
from second_node import FurtherEngine

from drcli.errors import DrError
from drcli.launch.docker import stack_network, swarm_mode
from drcli.launch.docker.stack_network import LABELS, NAME, ensure_network

pytestmark = pytest.mark.docker


def ours(engine: FurtherEngine) -> list[dict[str, Any]]:
    """What Docker says about the networks of our name."""
    return [n.attrs for n in engine.client.networks.list(names=[NAME], greedy=True) if n.name == NAME]


def make(engine: FurtherEngine, **options: Any) -> str:
    made: dict[str, Any] = engine.client.api.create_network(NAME, **options)
    return str(made["Id"])


def service(engine: FurtherEngine, name: str, *networks: str) -> None:
    """A service that keeps waiting for its image: enough to be attached."""
    engine.client.services.create("none/such", name=name, networks=list(networks))


def test_compose_gets_a_bridge_once(lone_engine: FurtherEngine) -> None:
    assert (
        stack_network.check_network("compose")
        == "The network sagemaker-local will be created when a run starts."
    )
    assert ours(lone_engine) == []
    ensure_network("compose")
    (made,) = ours(lone_engine)
    assert (made["Driver"], made["Labels"]) == ("bridge", LABELS)
    ensure_network("compose")
    assert [n["Id"] for n in ours(lone_engine)] == [made["Id"]]
    subnet = made["IPAM"]["Config"][0]["Subnet"]
    assert stack_network.check_network("compose") == f"The network sagemaker-local exists (bridge {subnet})."


def test_another_name_that_begins_alike_is_left_alone(lone_engine: FurtherEngine) -> None:
    other = lone_engine.client.networks.create(f"{NAME}-2")
    ensure_network("compose")
    assert len(ours(lone_engine)) == 1
    other.remove()


@pytest.mark.parametrize("call", [stack_network.ensure_network, stack_network.check_network])
def test_swarm_needs_a_swarm(lone_engine: FurtherEngine, call: Any) -> None:
    with pytest.raises(DrError, match="not in a swarm") as caught:
        call("swarm")
    assert "dr swarm init" in caught.value.hint
    assert ours(lone_engine) == []


def test_swarm_gets_an_overlay_that_serves_compose_too(lone_engine: FurtherEngine) -> None:
    ensure_network("compose")
    taken = make_other(lone_engine, "192.168.200.0/23")
    swarm_mode.init()  # replaces the bridge
    (made,) = ours(lone_engine)
    assert (made["Driver"], made["Attachable"], made["Labels"]) == ("overlay", True, LABELS)
    assert made["IPAM"]["Config"][0]["Subnet"] == "192.168.202.0/24"
    ensure_network("swarm")
    ensure_network("compose")
    assert [n["Id"] for n in ours(lone_engine)] == [made["Id"]]
    assert "overlay 192.168.202.0/24" in stack_network.check_network("compose")
    lone_engine.client.networks.get(made["Id"]).remove()
    ensure_network("compose")
    assert ours(lone_engine)[0]["Driver"] == "overlay"
    taken.remove()


def make_other(engine: FurtherEngine, subnet: str) -> Any:
    import docker

    pool = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=subnet)])
    return engine.client.networks.create("other", ipam=pool)


def test_addresses_run_out(lone_engine: FurtherEngine) -> None:
    taken = make_other(lone_engine, "192.168.192.0/18")
    swarm_mode.init()
    (made,) = ours(lone_engine)
    assert made["IPAM"]["Config"][0]["Subnet"].startswith("10.")
    taken.remove()


def test_a_bridge_in_use_stays(lone_engine: FurtherEngine, base_image: str) -> None:
    lone_engine.load(base_image)
    swarm_mode.init()
    lone_engine.client.networks.get(NAME).remove()
    network_id = make(lone_engine)
    run = {"command": ["sleep", "600"], "name": "guest", "network": NAME, "init": True, "detach": True}
    lone_engine.client.containers.run(base_image, **run)
    for call in (stack_network.ensure_network, stack_network.check_network, lambda _: swarm_mode.init()):
        with pytest.raises(DrError, match=r"is a bridge.*DR_DOCKER_STYLE=swarm.*in use by guest") as caught:
            call("swarm")
        assert "dr stop-all" in caught.value.hint
    assert [n["Id"] for n in ours(lone_engine)] == [network_id]
    assert stack_network.attached() == ("guest",)
    ensure_network("compose")
    assert [n["Id"] for n in ours(lone_engine)] == [network_id]
    assert stack_network.check_network("compose").endswith("1 attached).")


def test_an_overlay_for_services_alone_gives_way_unless_it_has_some(lone_engine: FurtherEngine) -> None:
    swarm_mode.init()
    lone_engine.client.networks.get(NAME).remove()
    make(lone_engine, driver="overlay")
    service(lone_engine, "guest", NAME)
    for style in ("compose", "swarm"):
        with pytest.raises(DrError, match=r"an? overlay that is not attachable.*in use by guest"):
            ensure_network(style)
    lone_engine.client.services.get("guest").remove()
    until(lambda: not stack_network.attached())  # what Docker tells lags a little behind
    ensure_network("compose")
    assert [n["Attachable"] for n in ours(lone_engine)] == [True]


@pytest.mark.parametrize("style", ["compose", "swarm"])
def test_many_at_once_make_one(lone_engine: FurtherEngine, style: stack_network.ContainerStyle) -> None:
    if style == "swarm":
        swarm_mode.init()
        lone_engine.client.networks.get(NAME).remove()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ensure_network, [style] * 8))
    assert len(ours(lone_engine)) == 1


def test_of_two_bridges_the_older_one_stays(lone_engine: FurtherEngine) -> None:
    first, _ = make(lone_engine), make(lone_engine)
    assert len(ours(lone_engine)) == 2
    ensure_network("compose")
    assert [n["Id"] for n in ours(lone_engine)] == [first]
