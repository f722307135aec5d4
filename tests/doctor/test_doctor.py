from __future__ import annotations

import platform
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from drcli.config.load import settings_of
from drcli.doctor import docker_checks, examination, file_checks, machine_checks, storage_checks
from drcli.doctor.examination import CHECKS, Check, examine
from drcli.doctor.finding import Finding, Needs, Subject, ok
from drcli.errors import DrError
from drcli.launch.docker import docker_engine
from drcli.paths import Workspace
from drcli.store.server import ensure_server, server_status
from drcli.workspace.scaffold import plan_workspace

Look = Callable[..., list[Finding]]


@pytest.fixture
def racer(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace as `dr init` makes it, and a shell in it."""
    for file in plan_workspace(workspace):
        file.write()
    with workspace.system_env.open("a") as system_env:
        system_env.write(f"DR_STORE_PORT={free_port}\n")
    monkeypatch.chdir(workspace.root)
    return workspace


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Examine, with the checks of these areas alone."""

    def run(*areas: str, needs: Needs | None = None, **settings: object) -> list[Finding]:
        chosen = tuple(check for check in CHECKS if not areas or check.area in areas)
        monkeypatch.setattr(examination, "CHECKS", chosen)
        return list(examine(None, [f"{name}={value}" for name, value in settings.items()], needs=needs))

    return run


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free_port: int) -> Iterator[None]:
    """No `docker` to be found, no engine that answers."""
    docker_engine.client.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{free_port}")
    yield
    docker_engine.client.cache_clear()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]


def content(root: Path) -> dict[str, tuple[float, int]]:
    return {str(path): (path.stat().st_mtime, path.stat().st_size) for path in root.rglob("*")}


def test_a_new_workspace_is_in_order_and_stays_as_it_was(
    racer: Workspace, no_docker: None, look: Look
) -> None:
    before = content(racer.root)
    findings = look()
    assert errors(findings) == []
    areas = {finding.area for finding in findings}
    assert areas >= {
        "settings",
        "python",
        "memory",
        "disk",
        "docker",
        "ports",
        "bucket",
        "files",
        "track",
        "torch",
    }
    assert content(racer.root) == before
    assert not server_status(racer).running


def test_findings_come_one_by_one(racer: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def last(subject: Subject) -> Iterator[object]:
        done.append(subject)
        yield ok("the end")

    monkeypatch.setattr(examination, "CHECKS", (CHECKS[1], Check("last", last)))  # type: ignore[arg-type]
    findings = examine()
    assert next(findings).area == "python"
    assert not done
    assert next(findings) == Finding("last", "ok", "the end")


def test_outside_of_a_workspace_the_machine_is_checked(
    tmp_path: Path, no_docker: None, monkeypatch: pytest.MonkeyPatch, look: Look
) -> None:
    monkeypatch.chdir(tmp_path)
    first, *others = look()
    assert (first.area, first.level) == ("workspace", "warning")
    assert "dr init" in first.fix
    assert errors(others) == []
    assert {finding.area for finding in others} >= {"python", "memory", "disk", "docker", "torch"}
    assert not {finding.area for finding in others} & {"settings", "files", "track", "bucket"}
    docker = next(finding for finding in others if finding.area == "docker")
    assert docker.level == "ok" and "compose and swarm need it" in docker.message


def test_outside_a_setting_tells_what_the_machine_is_for(
    tmp_path: Path, no_docker: None, monkeypatch: pytest.MonkeyPatch, look: Look
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [finding.area for finding in errors(look(DR_DOCKER_STYLE="swarm"))] == ["docker"]
    assert [finding.area for finding in errors(look(DR_DOCKER_STYLE="raft"))] == ["settings"]


def test_a_missing_experiment_is_an_error(racer: Workspace) -> None:
    first = next(examine("nope"))
    assert first.level == "error" and "nope" in first.message and "dr -e nope init" in first.fix


def test_an_env_file_without_its_brother_is_an_error(racer: Workspace) -> None:
    racer.system_env.unlink()
    first = next(examine())
    assert first.level == "error" and "system.env is missing" in first.message and "dr init" in first.fix


def test_broken_settings_are_told_by_line(racer: Workspace, no_docker: None, look: Look) -> None:
    racer.run_env.write_text('DR_WORKERS=many\nDR_LOCAL_SECRET_ACCESS_KEY="hunter2\n')
    findings = look()
    (broken,) = errors(findings)
    assert broken.area == "settings" and broken.fix
    assert "run.env:1: DR_WORKERS=many" in broken.message and "run.env:2:" in broken.message
    assert "hunter2" not in str(findings)


def test_old_and_unknown_names_are_warnings(racer: Workspace, look: Look) -> None:
    racer.run_env.write_text("DR_CHANGE_START_POSITION=True\nDR_WORKRES=2\n")
    old, unknown, fine = look("settings")
    assert old.level == unknown.level == "warning" and fine.level == "ok"
    assert "run.env:1" in old.message and "did you mean DR_WORKERS" in unknown.message


def test_what_cannot_be_started_is_an_error(racer: Workspace, look: Look) -> None:
    (fault,) = errors(look("settings", DR_TRAIN_MULTI_CONFIG="True", DR_WORKERS=2))
    assert "DR_TRAIN_MULTI_CONFIG" in fault.message or "worker-2.env" in fault.message


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("hyperparameters.json", '{"batch_size": }', ":1"),
        ("hyperparameters.json", '{"lr": 0.001,\n "exploration_type": "additive_noise"}', ":2"),
        ("hyperparameters.json", None, "cannot be read"),
        ("model_metadata.json", '{"sensor": ["LIDAR"]}', "model_metadata.json"),
        (
            "reward_function.py",
            "def reward_function(params):\n    return params['sped']\n",
            "reward_function.py:2",
        ),
        ("reward_function.py", "def reward_function(params:\n", "reward_function.py:1"),
    ],
)
def test_broken_custom_files(racer: Workspace, look: Look, name: str, text: str | None, words: str) -> None:
    path = racer.custom_files / name
    path.unlink() if text is None else path.write_text(text)
    (fault,) = errors(look("files"))
    assert words in fault.message and fault.fix


def test_settings_that_our_engine_ignores(racer: Workspace, look: Look) -> None:
    findings = look("settings", DR_TRAIN_RTF="1.0", DR_EVAL_RTF="2.0")
    said = [finding.message for finding in findings if finding.level == "warning"]
    assert said == [
        "--set: DR_TRAIN_RTF=1.0 has no effect: it is only for the community's engine.",
        "--set: DR_EVAL_RTF=2.0 has no effect: it is only for the community's engine.",
    ]


def test_a_module_that_the_reward_function_lacks(racer: Workspace, look: Look) -> None:
    (racer.custom_files / "reward_function.py").write_text("import no_such_module\n")
    (fault,) = errors(look("files"))
    assert "reward_function.py:1:" in fault.message and "-m pip install no_such_module`" in fault.fix


def test_files_for_another_engine_are_its_own_business(racer: Workspace, look: Look) -> None:
    (racer.custom_files / "hyperparameters.json").write_text('{"batch_size": "many"}')
    (racer.custom_files / "model_metadata.json").write_text('{"sensor": ["SONAR"], "action_space": []}')
    assert len(errors(look("files"))) == 2
    theirs = {"DR_DOCKER_STYLE": "compose", "DR_SIMAPP_SOURCE": "example/simapp", "DR_SIMAPP_VERSION": "1"}
    findings = look("files", **theirs)
    assert errors(findings) == []
    said = [finding.message for finding in findings if finding.level == "warning"]
    assert len(said) == 2 and all(text.endswith("(for drcli's own engine)") for text in said)


def test_an_unknown_track(racer: Workspace, look: Look, free_port: int) -> None:
    (fault,) = errors(
        look("track", "files", DR_WORLD_NAME="drcli_harbor", DR_TRACKS_URL=f"http://127.0.0.1:{free_port}")
    )
    assert fault.area == "track" and "drcli_harbour" in fault.fix


def test_several_tracks(racer: Workspace, look: Look, free_port: int) -> None:
    names = "drcli_oval, drcli_grant, drcli_wide"
    findings = look("track", "files", DR_WORLD_NAME=names, DR_TRACKS_URL=f"http://127.0.0.1:{free_port}")
    (fault,) = errors(findings)
    assert "'drcli_grant'" in fault.message and "drcli_grand" in fault.fix
    said = [finding.message for finding in findings if finding.level == "ok"]
    assert sum(text.startswith(("drcli_oval: ", "drcli_wide: ")) for text in said) == 2


def test_the_user_s_own_track_is_known(racer: Workspace, look: Look) -> None:
    racer.tracks.mkdir(parents=True)
    text = "width_m: 0.6\npath:\n" + 2 * "  - {straight_m: 2.0}\n  - {left_deg: 180, radius_m: 0.8}\n"
    (racer.tracks / "mine.yaml").write_text(text)
    assert errors(look("track", "files", DR_WORLD_NAME="mine_cw")) == []


def test_a_port_in_use(racer: Workspace, look: Look, taken_port: int) -> None:
    (fault,) = errors(look("ports", "bucket", DR_STORE_PORT=taken_port))
    assert f"Port {taken_port}" in fault.message
    assert f"pid {psutil.Process().pid}" in fault.message
    assert "DR_STORE_PORT" in fault.fix


def test_the_running_store_is_known_and_used(racer: Workspace, look: Look, free_port: int) -> None:
    ensure_server(racer, free_port, "bucket")
    findings = look("ports", "bucket", "credentials", "secrets")
    assert errors(findings) == []
    assert any(f"Port {free_port}: the store of this workspace" in finding.message for finding in findings)
    assert any("can be read and written" in finding.message for finding in findings)
    assert list((racer.store / "bucket").iterdir()) == []
    (fault,) = errors(look("ports", "bucket", DR_STORE_PORT=free_port + 1))
    assert f"is running on port {free_port}" in fault.message and "dr store stop" in fault.fix
    secret = racer.store_key.read_text()
    assert all(word not in str(findings) for word in secret.split('"')[3::4])


def test_a_bucket_that_is_not_there(racer: Workspace, look: Look, free_port: int) -> None:
    remote = {"DR_CLOUD": "remote", "DR_REMOTE_MINIO_URL": f"http://127.0.0.1:{free_port}"}
    keys = {"DR_LOCAL_ACCESS_KEY_ID": "somebody", "DR_LOCAL_SECRET_ACCESS_KEY": "hunter2"}
    findings = look("bucket", "credentials", **remote, **keys)
    assert [finding.area for finding in errors(findings)] == ["bucket"]
    assert "hunter2" not in str(findings)
    remote["DR_REMOTE_MINIO_URL"] = f"http://me:hunter3@127.0.0.1:{free_port}"
    findings = look("bucket", "credentials", "settings", **remote, **keys)
    assert "hunter" not in str(findings) and "me:" not in str(findings)
    assert [finding.area for finding in errors(findings)] == ["bucket"]
    (fault,) = errors(look("bucket", "credentials", **remote, DR_LOCAL_ACCESS_KEY_ID="somebody"))
    assert "secret" in fault.message


def test_no_credentials(racer: Workspace, look: Look) -> None:
    (fault,) = errors(look("credentials", "bucket", DR_CLOUD="aws"))
    assert fault.area == "credentials" and "aws" in fault.fix
    (fault,) = errors(look("credentials", "bucket", DR_CLOUD="aws", DR_LOCAL_S3_PROFILE="nobody"))
    assert "nobody" in fault.message


@pytest.mark.skipif(platform.system() == "Windows", reason="no modes there")
def test_secrets_that_others_can_read(racer: Workspace, look: Look) -> None:
    racer.data.mkdir()
    racer.store_key.write_text('{"access_key": "us", "secret_key": "hunter2"}')
    racer.store_key.chmod(0o640)
    with racer.system_env.open("a") as file:
        file.write("DR_LOCAL_SECRET_ACCESS_KEY=hunter3\n")
    racer.system_env.chmod(0o644)
    key, settings = look("secrets")
    assert (key.level, key.fix) == ("error", f"`chmod 600 {racer.store_key}`")
    assert (settings.level, settings.fix) == ("warning", f"`chmod 600 {racer.system_env}`")
    assert "hunter" not in str([key, settings, *look("credentials", "secrets", "settings")])
    for path in (racer.store_key, racer.system_env):
        path.chmod(0o600)
    assert [finding.level for finding in look("secrets")] == ["ok"]


def test_a_broken_key_file(racer: Workspace, look: Look) -> None:
    racer.data.mkdir()
    racer.store_key.write_text("{")
    (fault,) = errors(look("credentials", "bucket"))
    assert "broken" in fault.message and fault.fix


def test_too_little_disk_and_memory(racer: Workspace, look: Look) -> None:
    assert [f.level for f in look("disk", "memory", needs=Needs(run_disk=1e6, own_memory=1e6))] == [
        "error"
    ] * 2
    tight = Needs(comfortable_disk=1e6)
    assert [f.level for f in look("disk", needs=tight)] == ["warning"]
    free_gb = psutil.virtual_memory().total / 1e9 - 0.001
    assert [f.level for f in look("memory", needs=Needs(own_memory=free_gb, own_worker_memory=0.0))] == [
        "warning"
    ]


def test_more_workers_take_more_memory() -> None:
    one, three = (Subject(settings_of({"DR_WORKERS": number})) for number in ("1", "3"))
    assert three.memory_gb == pytest.approx(one.memory_gb + 2 * one.needs.own_worker_memory)
    theirs = settings_of({"DR_SIMAPP_SOURCE": "awsdeepracercommunity/deepracer-simapp"})
    assert Subject(theirs).memory_gb > 2 * one.memory_gb


def test_without_docker_a_container_stack_cannot_start(racer: Workspace, no_docker: None, look: Look) -> None:
    for style in ("compose", "swarm"):
        (fault,) = errors(
            look("docker", "compose", "swarm", "network", "image", "gpu", "bucket", DR_DOCKER_STYLE=style)
        )
        assert fault.area == "docker" and "not installed" in fault.message and fault.fix
    (fine,) = look("docker")
    assert fine.level == "ok" and "DR_DOCKER_STYLE=process" in fine.message


def test_an_engine_that_is_not_running(racer: Workspace, look: Look, no_docker: None, tmp_path: Path) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    (fault,) = errors(look("docker", DR_DOCKER_STYLE="compose"))
    assert "does not respond" in fault.message and "systemctl start docker" in fault.fix


@pytest.mark.docker
def test_with_docker_what_is_missing_is_named(racer: Workspace, look: Look) -> None:
    style = {"DR_DOCKER_STYLE": "compose", "DR_SIMAPP_VERSION": "never-built-gpu"}
    findings = look("docker", "compose", "image", "gpu", "network", **style)
    by_area = {finding.area: finding for finding in findings if finding.area != "image"}
    assert by_area["docker"].level == "ok" and "API" in by_area["docker"].message
    assert by_area["compose"].level == "ok" and " 2." in by_area["compose"].message
    image = next(finding for finding in findings if "drcli/simapp:never-built-gpu" in finding.message)
    assert image.level == "error" and "dr images build --gpu --tag never-built-gpu" in image.fix
    with docker_engine.speaking() as client:
        has_runtime = "nvidia" in client.info()["Runtimes"]
    assert by_area["gpu"].level == ("ok" if has_runtime else "error")
    assert has_runtime or "nvidia-ctk" in by_area["gpu"].fix


@pytest.mark.docker
def test_the_community_s_image_has_to_be_pulled_and_named(racer: Workspace, look: Look) -> None:
    style = {"DR_DOCKER_STYLE": "compose", "DR_SIMAPP_SOURCE": "example/no-such-simapp"}
    assert any("DR_SIMAPP_VERSION" in fault.fix for fault in errors(look("image", **style)))
    full = look("image", "disk", needs=Needs(community_image_disk=1e6), DR_SIMAPP_VERSION="1", **style)
    assert any(fault.fix == "`docker pull example/no-such-simapp:1`" for fault in errors(full))
    assert any("docker system prune" in fault.fix for fault in errors(full))


@pytest.mark.docker
def test_an_engine_in_no_swarm(racer: Workspace, look: Look) -> None:
    with docker_engine.speaking() as client:
        if client.info()["Swarm"]["LocalNodeState"] != "inactive":
            pytest.skip("this engine is in a swarm")
    findings = look("swarm", "network", DR_DOCKER_STYLE="swarm", DR_CLOUD="aws")
    assert [(finding.area, finding.level) for finding in findings] == [("swarm", "error")]
    assert "dr swarm init" in findings[0].fix


@pytest.mark.docker
def test_ports_of_the_community_s_containers(racer: Workspace, look: Look) -> None:
    theirs = {"DR_SIMAPP_SOURCE": "example/simapp", "DR_SIMAPP_VERSION": "1", "DR_CLOUD": "aws"}
    with socket.socket() as other:
        other.bind(("127.0.0.1", 8080 + 97))
        other.listen()
        (fault,) = errors(look("ports", DR_DOCKER_STYLE="swarm", DR_RUN_ID=97, **theirs))
        assert "Port 8177" in fault.message and "DR_RUN_ID" in fault.fix
        (fault,) = errors(look("ports", DR_DOCKER_STYLE="compose", DR_WORKERS=98, **theirs))
        assert "8080 to 8177" in fault.message and "DR_WORKERS" in fault.fix


def test_a_check_that_fails_for_a_known_reason_is_a_finding(
    racer: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(subject: Subject) -> Iterator[object]:
        yield ok("so far")
        raise DrError("It broke.", "Mend it.")

    def depends(subject: Subject) -> Iterator[object]:
        yield ok("never said")

    table = (Check("one", fails), Check("two", depends, after=("one",)))
    monkeypatch.setattr(examination, "CHECKS", table)
    assert list(examine()) == [
        Finding("one", "ok", "so far"),
        Finding("one", "error", "It broke.", "Mend it."),
    ]


def test_every_check_has_its_line() -> None:
    checks = {
        function
        for module in (machine_checks, docker_checks, storage_checks, file_checks)
        for name, function in vars(module).items()
        if name.startswith("check_") and function.__module__ == module.__name__
    }
    assert checks - {storage_checks.check_port} == {check.run for check in CHECKS}


def test_without_a_port_any_free_one_will_do(racer: Workspace, look: Look) -> None:
    (before,) = look("ports", DR_STORE_PORT="")
    assert (before.level, before.message) == ("ok", "The store uses a free port.")
    config = ensure_server(racer, None, "bucket")
    (after,) = look("ports", DR_STORE_PORT="")
    assert after.level == "ok" and after.message.startswith(
        f"Port {(config.endpoint_url or '').rpartition(':')[2]}:"
    )
