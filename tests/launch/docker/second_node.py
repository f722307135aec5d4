"""More Docker engines on this machine: each a dockerd of its own, in its own network namespace, so that it is a
machine of its own to Docker.

`lone_engine` is one to try things on that would disturb the real engine; `two_nodes` is the real engine as the manager
of a swarm and one more that has joined it. As root on Linux, with iproute2; elsewhere these fixtures skip.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import docker
import psutil
import pytest
from polling import DEADLINE_S, until

from drcli.errors import DrError
from drcli.launch.docker import docker_engine, swarm_mode, swarm_nodes
from drcli.launch.docker.stack_network import NAME as NETWORK
from drcli.local import lock

BRIDGE = "drbr0"
MANAGER = "10.99.0.1"  # the real engine, on the bridge
_PREFIX = 24
_GATEWAY = "docker_gwbridge"
_REAL = {"DOCKER_HOST": os.environ["DOCKER_HOST"]} if "DOCKER_HOST" in os.environ else {}
_PROGRAMS = ("ip", "nsenter", "unshare", "dockerd", "umount")


def why_not() -> str:
    """Why no further engine can be started here; empty when one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "further Docker engines need root on Linux"
    missing = [program for program in _PROGRAMS if not shutil.which(program)]
    return f"further Docker engines need {', '.join(missing)} (iproute2, util-linux)" if missing else ""


@dataclass
class FurtherEngine:
    """A dockerd in a network namespace. `number` (2 to 99) makes names and addresses: `drn2`, 10.99.0.12."""

    number: int
    root: Path
    hostname: str
    node_id: str = ""  # since it has joined
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _client: docker.DockerClient | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """What `docker -H` and DOCKER_HOST take."""
        return f"unix://{self.root}/d.sock"

    @property
    def address(self) -> str:
        """Under which the real engine reaches it, and it that one."""
        return f"10.99.0.{10 + self.number}"

    @property
    def namespace(self) -> str:
        """Of the network, and of containerd."""
        return f"drn{self.number}"

    @property
    def client(self) -> docker.DockerClient:
        if self._client is None:
            self._client = docker.DockerClient(base_url=self.host, timeout=60)
        return self._client

    def pids(self) -> list[int]:
        """The engine itself."""
        return [p.pid for p in self._processes() if "shim" not in p.info["cmdline"][0]]

    def docker(self, *words: str) -> str:
        """What `docker -H … WORDS` prints."""
        return _run("docker", "-H", self.host, *words)

    def load(self, image: str) -> None:
        """Copy an image of the real engine to this one, unless it has it."""
        if self.docker("images", "-q", image).strip():
            return
        save = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE, env=_real())
        try:
            subprocess.run(
                ["docker", "-H", self.host, "load"], stdin=save.stdout, check=True, capture_output=True
            )
        finally:
            assert save.stdout is not None
            save.stdout.close()
            assert save.wait() == 0, f"docker save {image} failed"

    def start(self) -> None:
        """Start the engine; returns once it answers. Also after `kill`: what it was part of, it is again."""
        (self.root / "d.pid").unlink(missing_ok=True)
        run = (
            f"hostname {self.hostname}; exec dockerd -H {self.host} --data-root {self.root}/data"
            f" --exec-root {self.root}/exec --pidfile {self.root}/d.pid --bip 172.{20 + self.number}.0.1/16"
            f" --containerd-namespace {self.namespace} --containerd-plugins-namespace {self.namespace}p"
        )
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                # not `ip netns exec`, which hides the cgroups
                ["nsenter", f"--net=/run/netns/{self.namespace}", "unshare", "--uts", "sh", "-c", run],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + DEADLINE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = (self.root / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.hostname} does not come up:\n{words}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(self.host.removeprefix("unix://"))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b"200 OK" in probe.recv(100)
        return False

    def kill(self) -> None:
        """As if the machine lost power: engine and containers end at once."""
        gone = [process for top in self._processes() for process in _tree(top)]
        for process in gone:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self._process is not None:
            self._process.wait()
            self._process = None
        if self._client is not None:
            self._client.close()
            self._client = None
        psutil.wait_procs(gone, timeout=10)

    def restart(self) -> None:
        """The power comes back."""
        self.kill()
        self.start()

    def join(self) -> None:
        """Join the real engine's swarm as a worker, by what `dr swarm join-command` says."""
        words = swarm_mode.join_command().split()
        where = ("--advertise-addr", self.address, "--listen-addr", f"{self.address}:2377")
        self.docker(*words[1:-1], *where, words[-1])
        self.node_id = str(self.client.info()["Swarm"]["NodeID"])

    def reset(self) -> None:
        """Make it as good as new, except for its images."""
        self.kill()
        self._unmount()
        for part in ("swarm", "network", "containers"):
            shutil.rmtree(self.root / "data" / part, ignore_errors=True)
        self.start()

    def forget(self) -> None:
        """Delete all that it has kept."""
        self._unmount()
        shutil.rmtree(self.root)

    def _unmount(self) -> None:
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(f"{self.root}/")), key=len, reverse=True):
            _try("umount", "--lazy", mount)

    def cut(self) -> None:
        """Pull the network cable."""
        _run("ip", "link", "set", _cable(self.number), "down")

    def mend(self) -> None:
        """Put the cable back."""
        _run("ip", "link", "set", _cable(self.number), "up")

    def _processes(self) -> list[psutil.Process]:
        """The engine, then what keeps its containers alive without it."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or [""]
            if Path(words[0]).name.startswith(("dockerd", "containerd-shim")) and self.namespace in words:
                found.append(process)
        return sorted(found, key=lambda process: "shim" in process.info["cmdline"][0])


@contextmanager
def further_engine(number: int = 2) -> Iterator[FurtherEngine]:
    """An engine of its own, in no swarm; all of it is gone afterwards."""
    made = FurtherEngine(number, Path(tempfile.mkdtemp(prefix=f"drn{number}-")), f"node{number}")
    with ExitStack() as after:
        after.enter_context(lock(Path(tempfile.gettempdir(), f"drn{number}.lock")))
        made.kill()  # and more that a test run has left which was killed itself
        for left in made.root.parent.glob(f"drn{number}-*"):
            FurtherEngine(number, left, "").forget()
        made.root.mkdir(mode=0o700)
        after.callback(made.forget)
        after.enter_context(_bridge())
        after.callback(_try, "ip", "netns", "del", made.namespace)
        _try("ip", "netns", "del", made.namespace)  # left by a run that was killed
        _try("ip", "link", "del", _cable(number))
        _run("ip", "netns", "add", made.namespace)
        _run(
            "ip",
            "link",
            "add",
            _cable(number),
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            made.namespace,
        )
        after.callback(_try, "ip", "link", "del", _cable(number))
        _run("ip", "link", "set", _cable(number), "master", BRIDGE, "up")
        # No default route: with one, each local image waits long for a registry that it cannot reach.
        _run("ip", "-n", made.namespace, "addr", "add", f"{made.address}/{_PREFIX}", "dev", "eth0")
        _run("ip", "-n", made.namespace, "link", "set", "lo", "up")
        _run("ip", "-n", made.namespace, "link", "set", "eth0", "up")
        after.callback(made.kill)
        made.start()
        yield made


@contextmanager
def swarm_of_main() -> Iterator[None]:
    """The real engine as a manager, which others can join where we are root; as it was before afterwards.

    Inside another one it does nothing. Skips when the engine is in a swarm that is none of ours.
    """
    is_open = not why_not()
    address = MANAGER if is_open else swarm_mode.LOOPBACK
    with _bridge() if is_open else nullcontext():
        state = swarm_nodes.swarm_state()
        if state.is_active and state.address == MANAGER:
            yield
            return
        if state.state != "inactive":
            pytest.skip(f"this engine is in a swarm already, at {state.address or 'an unknown address'}")
        had_gateway = bool(docker_engine.client().networks.list(names=[_GATEWAY]))
        try:
            swarm_mode.init(address)
            _run("docker", "swarm", "update", "--dispatcher-heartbeat", "1s")  # a dead node is noticed soon
            yield
        finally:
            _try("docker", "swarm", "leave", "--force")
            if not had_gateway:
                _try("docker", "network", "rm", _GATEWAY)


@contextmanager
def second_node(number: int = 2) -> Iterator[FurtherEngine]:
    """A further engine that has joined the real one's swarm (`swarm_of_main`) as a worker. It has no labels yet."""
    with further_engine(number) as made:
        for node in swarm_nodes.nodes():  # of tests that broke off
            if node.hostname == made.hostname:
                _run("docker", "node", "rm", "--force", node.id)
        words = swarm_mode.join_command().split()
        made.docker(
            *words[1:-1], "--advertise-addr", made.address, "--listen-addr", f"{made.address}:2377", words[-1]
        )
        node_id = str(made.client.info()["Swarm"]["NodeID"])
        try:
            until(lambda: swarm_nodes.find_node(node_id).is_ready)
            yield made
        finally:
            made.kill()
            with suppress(RuntimeError):
                _run("docker", "node", "rm", "--force", node_id)


@dataclass(frozen=True)
class TwoNodes:
    """An engine that manages a swarm, with both labels, and a second one that may run workers."""

    main: docker.DockerClient
    second: FurtherEngine


@pytest.fixture(scope="module")
def one_node_swarm() -> Iterator[docker.DockerClient]:
    """The real engine as the manager of a swarm of its own, with labels and network. For the tests of a module."""
    _need_engine()
    with swarm_of_main():
        yield docker_engine.client()


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[TwoNodes]:
    """A swarm of two engines with the network; the second one has the label of workers. For the tests of a module."""
    if reason := why_not():
        pytest.skip(reason)
    _need_engine()
    with swarm_of_main(), second_node() as second:
        swarm_nodes.label(second.hostname, robomaker=True)
        yield TwoNodes(docker_engine.client(), second)


@pytest.fixture(scope="module")
def two_lone_nodes(base_image: str) -> Iterator[TwoNodes]:
    """As `two_nodes`, but of further engines alone, the first of which drcli takes for the real one (DOCKER_HOST).

    Nothing that runs on the real engine is in the way, or disturbed. Both have `base_image`.
    """
    if reason := why_not():
        pytest.skip(reason)
    with further_engine(6) as first, pytest.MonkeyPatch.context() as patch:
        first.load(base_image)
        patch.setenv("DOCKER_HOST", first.host)
        docker_engine.client.cache_clear()
        try:
            swarm_mode.init(first.address)
            first.docker("swarm", "update", "--dispatcher-heartbeat", "1s")
            with second_node() as second:
                second.load(base_image)
                swarm_nodes.label(second.hostname, robomaker=True)
                yield TwoNodes(docker_engine.client(), second)
        finally:
            docker_engine.client().close()
            docker_engine.client.cache_clear()


@pytest.fixture(scope="module")
def lone_engine_of_module() -> Iterator[FurtherEngine]:
    if reason := why_not():
        pytest.skip(reason)
    _need_engine()
    with further_engine(3) as made:
        yield made


@pytest.fixture
def lone_engine(
    lone_engine_of_module: FurtherEngine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FurtherEngine]:
    """An engine that drcli takes for the real one (DOCKER_HOST): in no swarm, without our network or containers."""
    made = lone_engine_of_module
    monkeypatch.setenv("DOCKER_HOST", made.host)
    docker_engine.client.cache_clear()
    yield made
    docker_engine.client().close()
    docker_engine.client.cache_clear()
    if made.client.info()["Swarm"]["LocalNodeState"] != "inactive":
        made.reset()  # to leave takes five seconds
    for container in made.client.containers.list(all=True):
        container.remove(force=True)
    for network in made.client.networks.list(names=[NETWORK]):
        network.remove()


@contextmanager
def _bridge() -> Iterator[None]:
    """What the engines are plugged into; whoever needs it last takes it away."""
    _try("ip", "link", "add", BRIDGE, "type", "bridge")
    _try("ip", "addr", "add", f"{MANAGER}/{_PREFIX}", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")
    # Docker's rules forbid what passes from one further engine to another, where the kernel filters bridges.
    rule = f"FORWARD -i {BRIDGE} -o {BRIDGE} -j ACCEPT".split()
    _try("iptables", "-w", "-I", *rule)
    try:
        yield
    finally:
        _try("iptables", "-w", "-D", *rule)
        is_used = any(Path(f"/sys/class/net/{BRIDGE}/brif").glob("*")) or _is_main_here()
        if not is_used:
            _try("ip", "link", "del", BRIDGE)


def _real() -> dict[str, str]:
    """The environment in which `docker` means the real engine, whatever DOCKER_HOST a test has set."""
    return {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"} | _REAL


def _is_main_here() -> bool:
    with suppress(DrError):
        return swarm_nodes.swarm_state().address == MANAGER
    return False  # what drcli takes for the real one has gone already


def _need_engine() -> None:
    try:
        docker_engine.client()
    except DrError as error:
        pytest.skip(error.message)


def _cable(number: int) -> str:
    return f"drv{number}"


def _tree(top: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [top, *top.children(recursive=True)]
    return []


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} … failed: {done.stderr}")
    return done.stdout


def _try(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=False)
