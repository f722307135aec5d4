from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from second_node import FurtherEngine, TwoNodes, further_engine

from drcli.errors import DrError
from drcli.launch.docker import docker_engine, stack_network, swarm_nodes
from drcli.launch.docker.swarm_nodes import (
    ROBOMAKER,
    SAGEMAKER,
    check_placement,
    find_node,
    has_ip_vs,
    swarm_state,
)

pytestmark = pytest.mark.docker
MANAGER = "10.99.0.16"


@pytest.fixture
def as_second(two_lone_nodes: TwoNodes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """drcli sits at the second node."""
    monkeypatch.setenv("DOCKER_HOST", two_lone_nodes.second.host)
    docker_engine.client.cache_clear()
    yield
    docker_engine.client().close()
    docker_engine.client.cache_clear()


@pytest.fixture
def start(two_lone_nodes: TwoNodes, base_image: str) -> Iterator[Callable[..., None]]:
    """Start a service on the nodes with a label, on our network, found by name without virtual addresses."""
    names = []

    def make(name: str, label: str, *command: str, replicas: int = 1, **labels: str) -> None:
        names.append(name)
        two_lone_nodes.main.services.create(
            base_image,
            command=list(command),
            name=name,
            labels=labels,
            init=True,
            networks=[stack_network.NAME],
            constraints=[f"node.labels.{label}==true"],
            endpoint_spec=docker.types.EndpointSpec(mode="dnsrr"),
            mode=docker.types.ServiceMode("replicated", replicas),
            restart_policy=docker.types.RestartPolicy("any", delay=100_000_000),
            stop_grace_period=1_000_000_000,
        )

    yield make
    for name in names:
        two_lone_nodes.main.services.get(name).remove()


def test_in_no_swarm(lone_engine: FurtherEngine) -> None:
    assert swarm_state() == swarm_nodes.SwarmState("inactive")
    for call in (
        swarm_nodes.require_manager,
        swarm_nodes.nodes,
        lambda: find_node("x"),
        lambda: swarm_nodes.label("x"),
    ):
        with pytest.raises(DrError, match="not in a swarm") as caught:
            call()
        assert "dr swarm init" in caught.value.hint


def test_a_node_that_joins_is_seen_and_labelled(two_lone_nodes: TwoNodes) -> None:
    main, second = swarm_nodes.nodes()
    assert (main.role, main.is_leader, main.address, main.may_run) == (
        "manager",
        True,
        MANAGER,
        (SAGEMAKER, ROBOMAKER),
    )
    assert (second.hostname, second.role, second.address) == ("node2", "worker", "10.99.0.12")
    assert second.is_ready and second.may_run == (ROBOMAKER,)
    assert second.engine_version == two_lone_nodes.second.client.version()["Version"]
    by_id = swarm_nodes.label(second.id[:8], sagemaker=True, robomaker=False)
    assert by_id.may_run == (SAGEMAKER,)
    assert swarm_nodes.label("node2", sagemaker=False, robomaker=True) == second
    with pytest.raises(DrError, match="no node node7") as caught:
        swarm_nodes.label("node7", robomaker=True)
    assert "node2" in caught.value.hint


def test_labels_of_others_stay(two_lone_nodes: TwoNodes) -> None:
    two_lone_nodes.main.api.update_node(
        *(
            lambda n: (
                n["ID"],
                n["Version"]["Index"],
                n["Spec"] | {"Labels": {"rack": "7", ROBOMAKER: "True"}},
            )
        )(two_lone_nodes.main.api.inspect_node(find_node("node2").id))
    )
    assert find_node("node2").may_run == (ROBOMAKER,)
    assert swarm_nodes.label("node2", robomaker=False).labels == {"rack": "7"}
    assert swarm_nodes.label("node2", robomaker=True).labels == {"rack": "7", ROBOMAKER: "true"}


def test_a_worker_cannot_start_stacks(two_lone_nodes: TwoNodes, as_second: None) -> None:
    state = swarm_state()
    assert state.is_active and not state.is_manager and state.managers == (f"{MANAGER}:2377",)
    for call in (swarm_nodes.require_manager, lambda: stack_network.ensure_network("swarm")):
        with pytest.raises(DrError, match="worker of a swarm") as caught:
            call()
        assert MANAGER in caught.value.hint
    stack_network.ensure_network("compose")  # on its own it can
    (made,) = two_lone_nodes.second.client.networks.list(names=[stack_network.NAME])
    assert made.attrs["Driver"] == "bridge"
    made.remove()


def test_placement(two_lone_nodes: TwoNodes) -> None:
    main = swarm_state().node_id
    check_placement(needs_sagemaker=True, needs_robomaker=True)
    swarm_nodes.label(main, sagemaker=False, robomaker=False)
    try:
        with pytest.raises(DrError, match="Sagemaker=true, so the trainer cannot run") as caught:
            check_placement(needs_sagemaker=True, needs_robomaker=True)
        assert " --sagemaker`" in caught.value.hint
        check_placement(needs_sagemaker=False, needs_robomaker=True)
        two_lone_nodes.main.api.update_node(*drained("node2", "drain"))
        with pytest.raises(
            DrError, match="Robomaker=true, which the workers need: node2 is drained"
        ) as caught:
            check_placement(needs_sagemaker=False, needs_robomaker=True)
        assert " --robomaker`" in caught.value.hint
        check_placement(needs_sagemaker=False, needs_robomaker=False)
    finally:
        two_lone_nodes.main.api.update_node(*drained("node2", "active"))
        swarm_nodes.label(main, sagemaker=True, robomaker=True)


def drained(hostname: str, availability: str) -> tuple[str, int, dict[str, Any]]:
    seen = docker_engine.client().api.inspect_node(find_node(hostname).id)
    return seen["ID"], seen["Version"]["Index"], {**seen["Spec"], "Availability": availability}


def test_tasks_run_on_both_and_find_each_other_by_name(
    two_lone_nodes: TwoNodes, start: Callable[..., None], until: Callable[..., Any], base_image: str
) -> None:
    start(
        "web",
        ROBOMAKER,
        "python3",
        "-m",
        "http.server",
        "8000",
        replicas=2,
        **{docker_engine.KIND: "training"},
    )
    start("other", ROBOMAKER, "sleep", "600")
    until(lambda: sum(len(node.tasks) for node in swarm_nodes.nodes()) == 2)
    assert sorted(task for node in swarm_nodes.nodes() for task in node.tasks) == ["web.1", "web.2"]
    assert [node.services for node in swarm_nodes.nodes()] == [
        {"web": 1},
        {"web": 1},
    ]  # those of others are not ours
    ask = (
        "import socket, urllib.request as r\n"
        "found = sorted({a[4][0] for a in socket.getaddrinfo('tasks.web', 8000)})\n"
        "print(found, [r.urlopen(f'http://{a}:8000', timeout=5).status for a in found])"
    )
    store = two_lone_nodes.main.containers.create(base_image, ["sleep", "600"], init=True)
    try:
        two_lone_nodes.main.networks.get(stack_network.NAME).connect(store, aliases=["store-of-main"])
        store.start()
        words = ["getent", "hosts", "store-of-main"]  # a plain container of the manager, as the store is one
        found = two_lone_nodes.second.client.containers.run(
            base_image, words, network=stack_network.NAME, remove=True
        )
        assert found.startswith(b"192.168.")
    finally:
        store.remove(force=True)
    for client in (two_lone_nodes.main, two_lone_nodes.second.client):
        run = client.containers.run
        # a name is known everywhere a moment after its task runs
        until(
            lambda run=run: (
                run(base_image, ["python3", "-c", ask], network=stack_network.NAME, remove=True)
                .decode()
                .endswith("[200, 200]\n")
            )
        )


def test_a_node_that_dies_is_seen_and_comes_back(
    two_lone_nodes: TwoNodes, start: Callable[..., None], until: Callable[..., Any]
) -> None:
    start("crew", ROBOMAKER, "sleep", "600", replicas=2, **{docker_engine.KIND: "training"})
    until(lambda: [node.services for node in swarm_nodes.nodes()] == [{"crew": 1}, {"crew": 1}])
    two_lone_nodes.second.kill()
    until(lambda: find_node("node2").state == "down")
    until(lambda: swarm_nodes.nodes()[0].services == {"crew": 2})
    assert find_node("node2").tasks == ()
    swarm_nodes.label(swarm_state().node_id, robomaker=False)
    try:
        with pytest.raises(DrError, match="node2 is down"):
            check_placement(needs_sagemaker=True, needs_robomaker=True)
    finally:
        swarm_nodes.label(swarm_state().node_id, robomaker=True)
        two_lone_nodes.second.restart()
    until(lambda: find_node("node2").is_ready)


def test_a_node_that_leaves_and_joins_again(two_lone_nodes: TwoNodes, until: Callable[..., Any]) -> None:
    before = find_node("node2")
    two_lone_nodes.second.docker("swarm", "leave")
    until(lambda: find_node("node2").state == "down")
    two_lone_nodes.second.join()
    until(lambda: find_node("node2").is_ready)
    after = swarm_nodes.label("node2", robomaker=True)
    assert after.id != before.id and len(swarm_nodes.nodes()) == 3
    two_lone_nodes.main.api.remove_node(before.id)
    assert len(swarm_nodes.nodes()) == 2


def test_two_nodes_of_one_name(two_lone_nodes: TwoNodes, until: Callable[..., Any]) -> None:
    with further_engine(5) as third:
        third.hostname = "node2"
        third.restart()
        third.join()
        try:
            until(lambda: len([n for n in swarm_nodes.nodes() if n.is_ready]) == 3)
            with pytest.raises(
                DrError, match=r"2 nodes match node2: .*10\.99\.0\.1[25].*10\.99\.0\.1[25]"
            ) as caught:
                find_node("node2")
            assert "Use an id" in caught.value.hint
        finally:
            node_id = third.client.info()["Swarm"]["NodeID"]
            two_lone_nodes.main.api.remove_node(node_id, force=True)
    assert find_node("node2").address == two_lone_nodes.second.address


def test_a_cut_cable(two_lone_nodes: TwoNodes, until: Callable[..., Any]) -> None:
    two_lone_nodes.second.cut()
    until(lambda: find_node("node2").state == "down")
    two_lone_nodes.second.mend()
    until(lambda: find_node("node2").is_ready)


def test_ip_vs_of_a_kernel(tmp_path: Path) -> None:
    has = swarm_nodes.kernel_has_ip_vs
    assert not has(tmp_path, "6.1")
    modules = tmp_path / "lib/modules/6.1"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/net/ipv4/ip_gre.ko.xz:\n")
    assert not has(tmp_path, "6.1")
    (modules / "modules.dep").write_text("kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/lib/libcrc32c.ko\n")
    assert has(tmp_path, "6.1") and not has(tmp_path, "6.2")
    (modules / "modules.dep").unlink()
    (modules / "modules.builtin").write_text("kernel/net/netfilter/ipvs/ip_vs.ko\n")
    assert has(tmp_path, "6.1")
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/ip_vs").touch()
    assert has(tmp_path, "6.2")


def test_ip_vs_of_this_engine() -> None:
    if docker_engine.client().info()["KernelVersion"] != platform.release():
        pytest.skip("this engine runs on another kernel")
    assert has_ip_vs() == swarm_nodes.kernel_has_ip_vs(Path("/"), platform.release())
