"""Start a training: check everything, then upload the custom files and the params document, then start the stack."""

from __future__ import annotations

import os
from dataclasses import dataclass

from drcli.config.load import load_workers
from drcli.config.params_documents import render_training, to_yaml
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.launch import run_control
from drcli.launch.bucket import open_bucket
from drcli.launch.plan import Place, Plan, plan_training
from drcli.launch.processes.run_folder import RunFolder
from drcli.launch.start_checks import (
    CustomFiles,
    check_style,
    check_training_files,
    check_workers,
    publish_track,
)
from drcli.local import free_port
from drcli.paths import Workspace
from drcli.store.access import store_config, with_store_port
from drcli.store.checkpoints import choose_checkpoint, list_checkpoints
from drcli.store.client import Bucket


@dataclass(frozen=True)
class Prepared:
    """A training that passed all checks and has touched nothing but the store's start."""

    settings: Settings
    workspace: Workspace
    bucket: Bucket
    files: CustomFiles
    existing: tuple[str, ...]  # keys under the model prefix

    @property
    def contents(self) -> str:
        """What is there already, in words."""
        return f"{len(self.existing)} objects, {self.existing_checkpoints} checkpoints"

    @property
    def existing_checkpoints(self) -> int:
        """How many checkpoints are there already."""
        keys = ModelKeys(self.settings.local_s3_model_prefix)
        return len(list_checkpoints(self.bucket, keys)) if self.existing else 0


def plan(settings: Settings, workspace: Workspace) -> Plan:
    """What would be started; touches nothing."""
    check_style(settings)
    if settings.docker_style != "process":
        from drcli.launch.docker import container_plans

        return container_plans.plan_training(settings, workspace)
    folder = RunFolder.of(workspace, "training", settings.run_id)
    place = Place(f"tcp://127.0.0.1:{free_port()}", str(folder.wire_keys), os.cpu_count() or 1)
    return plan_training(settings, workspace, store_config(settings, workspace), place)


def prepare(settings: Settings, workspace: Workspace) -> Prepared:
    """All checks of a training. Starts the store when it is the embedded one; changes nothing else."""
    check_style(settings)
    run_control.check_not_running(workspace, "training", settings.run_id)
    files = check_training_files(settings, workspace)
    check_workers(settings, workspace)
    run_control.launcher(settings.docker_style).check(plan(settings, workspace), workspace)
    bucket = open_bucket(settings, workspace, write=True)
    settings = with_store_port(settings, workspace)
    if settings.local_s3_pretrained:
        _check_pretrained(settings, bucket)
    prefix = settings.local_s3_model_prefix
    existing = tuple(info.key for info in bucket.list(f"{prefix}/"))
    return Prepared(settings, workspace, bucket, files, existing)


def start(prepared: Prepared, *, wipe: bool = False, resume: bool = False) -> Plan:
    """Write the documents and start the stack. DrError when the prefix is in use and neither is wanted."""
    settings, workspace, bucket = prepared.settings, prepared.workspace, prepared.bucket
    prefix = settings.local_s3_model_prefix
    if resume and not prepared.existing_checkpoints:
        way = "-w wipes what is there and starts anew." if prepared.existing else "Start without --resume."
        raise DrError(f"There is no checkpoint under {prefix} to resume from.", way)
    if prepared.existing and not (wipe or resume):
        raise DrError(
            f"The model {prefix} exists already ({prepared.contents}).",
            "--resume continues it, -w wipes it and starts anew, or choose another DR_LOCAL_S3_MODEL_PREFIX.",
        )
    with run_control.claim(workspace, "training", settings.run_id, prefix, settings.docker_style):
        planned = plan(settings, workspace)
        run_control.launcher(settings.docker_style).check(
            planned, workspace
        )  # somebody else may have been faster
        if wipe:
            bucket.delete_prefix(prefix)
        bucket.delete([ModelKeys(prefix).status])  # of the run before: nobody is to take it for this one's
        _upload(prepared)
        try:
            run_control.start(planned, workspace)
        except DrError:
            take_back(prepared, wipe=wipe)
            raise
    return planned


def take_back(prepared: Prepared, *, wipe: bool) -> None:
    """Delete what a start that has failed has uploaded, so that the next one finds what this one found.

    A model that was there before stays, and so does one of which a checkpoint was written.
    """
    prefix = prepared.settings.local_s3_model_prefix
    has_learned = any(".ckpt" in info.key for info in prepared.bucket.list(f"{prefix}/model/"))
    if (wipe or not prepared.existing) and not has_learned:
        prepared.bucket.delete_prefix(prefix)


def _upload(prepared: Prepared) -> None:
    """The custom files twice: where the settings want them, and for this run alone, next to the model."""
    settings, bucket, contents = prepared.settings, prepared.bucket, prepared.files.contents
    own = ModelKeys(settings.local_s3_model_prefix)
    keys = {
        settings.local_s3_hyperparameters_key: "hyperparameters.json",
        settings.local_s3_model_metadata_key: "model_metadata.json",
        settings.local_s3_reward_key: "reward_function.py",
        own.hyperparameters: "hyperparameters.json",
        own.model_metadata: "model_metadata.json",
        own.reward_function: "reward_function.py",
    }
    for key, name in keys.items():
        bucket.put(key, contents[name])
    workers = load_workers(prepared.workspace, settings)
    for worker in (settings, *workers):
        publish_track(worker, prepared.workspace, bucket, settings.local_s3_model_prefix)
    for document in render_training(settings, workers):
        bucket.put(document.key, to_yaml(document.values).encode())


def _check_pretrained(settings: Settings, bucket: Bucket) -> None:
    prefix, which = settings.local_s3_pretrained_prefix, settings.local_s3_pretrained_checkpoint
    if prefix == settings.local_s3_model_prefix:
        raise DrError(
            f"DR_LOCAL_S3_PRETRAINED_PREFIX and DR_LOCAL_S3_MODEL_PREFIX are both {prefix}.",
            "Give the new model another prefix; to continue the same model use --resume.",
        )
    choose_checkpoint(bucket, ModelKeys(prefix), which)
