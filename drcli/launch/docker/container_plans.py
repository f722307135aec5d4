"""Plans of stacks of containers, of our engine and of the community's; and what `--dry-run` shows of them."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import Any

from drcli import env
from drcli.config.load import load_workers
from drcli.config.params_documents import multi_config, render_training
from drcli.config.settings import Settings
from drcli.launch.docker import community_stacks, images, minio, own_stacks, swarm_nodes
from drcli.launch.docker.resolve import describe
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.plan import Kind, Plan
from drcli.paths import Workspace
from drcli.store.access import is_minio, store_config
from drcli.store.credentials import credentials


def plan_training(settings: Settings, workspace: Workspace) -> Plan:
    """The stack of a training in containers; touches nothing."""
    store, image = store_config(settings, workspace), images.image_of(settings)
    keys = credentials(store)
    if images.is_ours(settings):
        several = swarm_nodes.worker_nodes() if settings.docker_style == "swarm" else 1
        spec = own_stacks.training_spec(
            settings, workspace, store, keys, image, cores=os.cpu_count() or 1, nodes=several
        )
        spec = replace(spec, secrets={**spec.secrets, env.DR_WIRE_SECRET: secrets.token_hex(32)})
        return _plan("training", settings, settings.local_s3_model_prefix, spec, "sagemaker")
    workers = load_workers(workspace, settings)
    documents = multi_config(render_training(settings, workers)) if workers else ""
    spec = community_stacks.training_spec(
        settings, workspace, keys, community_stacks.Machine.here(), documents
    )
    return _plan("training", settings, settings.local_s3_model_prefix, spec, "rl_coach")


def plan_evaluation(settings: Settings, workspace: Workspace, prefix: str) -> Plan:
    """The stack of an evaluation in containers; touches nothing."""
    store, image = store_config(settings, workspace), images.image_of(settings)
    keys = credentials(store)
    if images.is_ours(settings):
        spec = own_stacks.evaluation_spec(settings, workspace, store, keys, image, prefix)
    else:
        spec = community_stacks.evaluation_spec(
            settings, workspace, keys, community_stacks.Machine.here(), prefix
        )
    return _plan("evaluation", settings, prefix, spec, "robomaker")


def describe_stacks(plan: Plan, settings: Settings, workspace: Workspace) -> list[dict[str, Any]]:
    """What `--dry-run --json` shows: the stacks as Compose resolves them, secrets masked."""
    assert plan.spec is not None
    store = [describe(minio.spec(settings, workspace))] if is_minio(settings) else []
    return [*store, describe(plan.spec)]


def _plan(kind: Kind, settings: Settings, prefix: str, spec: StackSpec, main: str) -> Plan:
    return Plan(
        kind=kind,
        run_id=settings.run_id,
        prefix=prefix,
        world_name=settings.world_name,
        style=settings.docker_style,
        services=(),
        secrets=spec.secrets,
        spec=spec,
        main=main,
        uses_minio=is_minio(settings),
        image=images.image_of(settings),
        is_ours=images.is_ours(settings),
    )
