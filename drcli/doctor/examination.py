"""The table of checks, and running them. A new check is a function that yields results, and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drcli import env
from drcli.config.load import find_workspace, load_settings, settings_of
from drcli.config.report import masked
from drcli.config.settings import Settings
from drcli.doctor import docker_checks, file_checks, machine_checks, storage_checks
from drcli.doctor.finding import CheckResult, Finding, Level, Needs, Subject
from drcli.errors import DrError
from drcli.launch.store_access import is_embedded, is_minio
from drcli.paths import Workspace


def _always(subject: Subject) -> bool:
    return True


def _in_workspace(subject: Subject) -> bool:
    return subject.workspace is not None


def _embedded(subject: Subject) -> bool:
    return is_embedded(subject.settings)


def _own_store(subject: Subject) -> bool:
    return storage_checks.is_local(subject.settings)


def _minio(subject: Subject) -> bool:
    return is_minio(subject.settings) and subject.workspace is not None


def _docker(subject: Subject) -> bool:
    return subject.uses_docker


def _swarm(subject: Subject) -> bool:
    return subject.is_swarm


def _compose(subject: Subject) -> bool:
    return (subject.uses_docker and not subject.is_swarm) or is_minio(subject.settings)


def _community(subject: Subject) -> bool:
    return subject.uses_docker and not subject.is_ours


_MACHINE_ONLY = "Only the machine was checked."
_CORRECT = "Fix that, then run `dr doctor` again."


@dataclass(frozen=True)
class Check:
    """One line of the table. `when`: whether it applies; `after`: areas that must have no errors before it."""

    area: str
    run: Callable[[Subject], Iterator[CheckResult]]
    when: Callable[[Subject], bool] = _always
    after: tuple[str, ...] = ()


CHECKS = (
    Check("settings", file_checks.check_settings, _in_workspace),
    Check("python", machine_checks.check_python),
    Check("memory", machine_checks.check_memory),
    Check("disk", machine_checks.check_disk),
    Check("docker", docker_checks.check_engine),
    Check("compose", docker_checks.check_compose, _compose, after=("docker",)),
    Check("swarm", docker_checks.check_swarm, _swarm, after=("docker",)),
    Check("network", docker_checks.check_network, _docker, after=("docker", "swarm")),
    Check("image", docker_checks.check_image, _docker, after=("docker",)),
    Check("store", docker_checks.check_minio, _minio, after=("docker",)),
    Check("gpu", docker_checks.check_gpu, _docker, after=("docker",)),
    Check("memory", docker_checks.check_docker_memory, _docker, after=("docker", "memory")),
    Check("disk", docker_checks.check_docker_disk, _docker, after=("docker",)),
    Check("ports", storage_checks.check_store_port, _own_store, after=("docker",)),
    Check("ports", docker_checks.check_ports, _community, after=("docker",)),
    Check("store", storage_checks.check_minio_server, _minio, after=("docker",)),
    Check("secrets", file_checks.check_secrets, _in_workspace),
    Check("credentials", storage_checks.check_credentials, _in_workspace),
    Check("store", machine_checks.check_rclone, _embedded),
    Check("bucket", storage_checks.check_bucket, _in_workspace, after=("docker", "ports", "credentials")),
    Check("files", file_checks.check_hyperparameters, _in_workspace),
    Check("files", file_checks.check_metadata, _in_workspace),
    Check("track", file_checks.check_track, _in_workspace),
    Check("files", file_checks.check_reward, _in_workspace),
    Check("torch", machine_checks.check_torch),
)


def examine(
    experiment: str | None = None, overrides: Sequence[str] = (), *, needs: Needs | None = None
) -> Iterator[Finding]:
    """Check the machine and the current workspace; yields each finding as soon as it is known.

    Starts and changes nothing. Without a workspace, or if its settings are invalid, only the machine is checked.
    """
    workspace, settings, findings = _begin(experiment, overrides)
    yield from findings
    subject = Subject(settings, workspace, needs or Needs())
    wrong: set[str] = set()
    for check in CHECKS:
        if not check.when(subject) or wrong.intersection(check.after):
            continue
        for finding in _run(check, subject):
            if finding.level == "error":
                wrong.add(finding.area)
            yield finding


def _run(check: Check, subject: Subject) -> Iterator[Finding]:
    try:
        for result in check.run(subject):
            yield _finding(check.area, *result)
    except DrError as fault:
        yield _finding(check.area, "error", fault.message, fault.hint or _CORRECT)


def _finding(area: str, level: Level, message: str, fix: str = "") -> Finding:
    """A finding; addresses in its texts may contain a password, which is masked."""
    return Finding(area, level, masked("", message), masked("", fix))


def _begin(
    experiment: str | None, overrides: Sequence[str]
) -> tuple[Workspace | None, Settings, list[Finding]]:
    """The workspace with its settings; None and the defaults if either is missing or invalid, with the reason."""
    found = []
    try:
        workspace = find_workspace(experiment=experiment)
    except DrError as fault:
        # Outside a workspace, users may want to check only the machine; anything else is an error.
        level: Level = "warning" if _is_outside() and not experiment else "error"
        found = [_finding("workspace", level, f"{fault.message} {_MACHINE_ONLY}", fault.hint)]
        workspace = None
    try:
        settings = load_settings(workspace, overrides) if workspace else settings_of(dict(_pairs(overrides)))
    except DrError as fault:
        message = f"{fault.message}\n{_MACHINE_ONLY}" if workspace else fault.message
        found.append(_finding("settings", "error", message, fault.hint or _CORRECT))
        return None, settings_of({}), found
    return workspace, settings, found


def _pairs(overrides: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in overrides:
        key, _, value = text.partition("=")
        yield key.strip(), value


def _is_outside() -> bool:
    folders = (Path.cwd(), *Path.cwd().parents)
    traces = any((folder / name).is_file() for folder in folders for name in ("system.env", "run.env"))
    return not traces and not env.read(env.DR_DIR)
