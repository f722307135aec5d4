"""The stacks of our own engine in containers: which compose files, and what their variables stand for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

from drcli import env
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.plan import evaluation_environment, trainer_environment, trainer_threads

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.paths import Workspace
    from drcli.store.client import StoreConfig

Keys = Mapping[str, str] | None  # AWS_… variables; None where the machines have a role


def training_spec(
    settings: Settings,
    workspace: Workspace,
    store: StoreConfig,
    keys: Keys,
    image: str,
    *,
    cores: int,
    nodes: int = 1,
) -> StackSpec:
    """A training: one trainer and DR_WORKERS workers, on so many nodes of a swarm.

    The key of the wire comes with the secrets at the start.
    """
    project = f"deepracer-{settings.run_id}"
    variables = trainer_environment(settings, store) | {
        **_ours(workspace, project, image),
        "DRCLI_MAX_PER_NODE": max_per_node(settings.workers, nodes),
        "DRCLI_TRAINER_THREADS": trainer_threads(settings, cores),
        "DR_SAGEMAKER_CUDA_DEVICES": settings.sagemaker_cuda_devices,
    }
    files = ["training.yml"]
    if image.endswith("-gpu"):
        files += ["gpu.yml"] if settings.docker_style == "swarm" else ["gpu.yml", "gpu-compose.yml"]
    files += _overlays(settings, keys, "training")
    return _spec(settings, project, files, variables, keys, settings.workers)


def max_per_node(workers: int, nodes: int) -> str:
    """How many workers a node gets at most; 0, for no limit, where there is one node only."""
    return str(ceil(workers / nodes) if nodes > 1 else 0)


def evaluation_spec(
    settings: Settings, workspace: Workspace, store: StoreConfig, keys: Keys, image: str, prefix: str
) -> StackSpec:
    """An evaluation: one worker."""
    project = f"deepracer-eval-{settings.run_id}"
    variables = evaluation_environment(settings, store, prefix) | _ours(workspace, project, image)
    files = ["evaluation.yml", *_overlays(settings, keys, "evaluation")]
    return _spec(settings, project, files, variables, keys, 1)


def _ours(workspace: Workspace, project: str, image: str) -> dict[str, str]:
    return {
        "DRCLI_PROJECT": project,
        "DRCLI_IMAGE": image,
        "DRCLI_WORKSPACE": str(workspace.root),
    }


def _overlays(settings: Settings, keys: Keys, kind: str) -> list[str]:
    files = [f"keys-{kind}.yml"] if keys is not None else []
    if settings.docker_style == "swarm":
        files.append(f"swarm-{kind}.yml")
    if settings.cloud_watch_enable:
        files.append(f"cloudwatch-{kind}.yml")
    return files


def _spec(
    settings: Settings, project: str, files: list[str], variables: dict[str, str], keys: Keys, workers: int
) -> StackSpec:
    if settings.cloud_watch_enable:
        variables |= {
            "DR_AWS_APP_REGION": settings.aws_app_region,
            "DR_CLOUD_WATCH_LOG_STREAM_PREFIX": settings.cloud_watch_log_stream_prefix,
        }
    return StackSpec(
        project=project,
        style="swarm" if settings.docker_style == "swarm" else "compose",
        files=tuple(f"drcli/{name}" for name in files),
        variables=variables,
        replicas={"robomaker": workers},
        # A token of the user's shell must not get in beside another key.
        secrets={env.AWS_SESSION_TOKEN: "", **keys} if keys is not None else {},
    )
