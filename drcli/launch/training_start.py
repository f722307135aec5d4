"""Start a training: check everything, then upload the custom files and the params document, then start the services."""

from __future__ import annotations

from dataclasses import dataclass

from drcli.config.params_documents import render_training, to_yaml
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.launch import planning, run_control
from drcli.launch.bucket import open_bucket
from drcli.launch.launcher import RunRequest
from drcli.launch.plan import Plan
from drcli.launch.pretrained import check_pretrained
from drcli.launch.start_checks import (
    METADATA,
    CustomFiles,
    check_settings,
    check_trainable,
    check_training_files,
    check_workers,
    publish_tracks,
)
from drcli.launch.store_access import services_endpoint
from drcli.paths import Workspace
from drcli.store.checkpoints import list_checkpoints
from drcli.store.client import Bucket


@dataclass(frozen=True)
class PreparedTraining:
    """A training that passed all checks. So far at most the store was started."""

    request: RunRequest
    plan: Plan
    bucket: Bucket
    files: CustomFiles
    existing: tuple[str, ...]  # keys under the model prefix
    origin: tuple[str, ...]  # about the pretrained model that it continues from, one line each

    @property
    def contents(self) -> str:
        """Description of what already exists."""
        return f"{len(self.existing)} objects, {self.existing_checkpoints} checkpoints"

    @property
    def existing_checkpoints(self) -> int:
        """How many checkpoints already exist."""
        keys = ModelKeys(self.request.prefix)
        return len(list_checkpoints(self.bucket, keys)) if self.existing else 0


def dry_run(settings: Settings, workspace: Workspace) -> planning.DryRun:
    """What would be started; changes nothing. Custom files and settings are checked as for a start."""
    check_settings(settings)
    check_trainable(settings)
    files = check_training_files(settings, workspace, keep=False)
    check_workers(settings, workspace, keep=False)
    return planning.dry_run(RunRequest.training(settings, workspace), files.warnings)


def prepare(settings: Settings, workspace: Workspace, cores: int | None = None) -> PreparedTraining:
    """Run all checks of a training. Starts the workspace's own store if it is used; changes nothing else.

    cores: how many of the machine's it may keep busy; None: all.
    """
    check_settings(settings)
    check_trainable(settings)
    run_control.check_not_running(workspace, "training", settings.run_id)
    files = check_training_files(settings, workspace)
    check_workers(settings, workspace)
    request = RunRequest.training(settings, workspace, cores)
    plan = planning.checked_plan(request)
    bucket = open_bucket(settings, workspace, write=True)
    origin: tuple[str, ...] = ()
    if settings.local_s3_pretrained:
        origin = check_pretrained(settings, bucket, files.contents[METADATA])
    existing = tuple(info.key for info in bucket.list(f"{request.prefix}/"))
    return PreparedTraining(request, plan, bucket, files, existing, origin)


def start(prepared: PreparedTraining, *, wipe: bool = False, resume: bool = False) -> Plan:
    """Write the documents and start the services. Raises DrError if the model exists and neither flag is set."""
    _check_prefix(prepared, wipe=wipe, resume=resume)
    request, bucket = prepared.request, prepared.bucket
    with run_control.claim(prepared.plan, request.workspace):
        plan = planning.final_plan(request)
        if wipe:
            bucket.delete_prefix(request.prefix)
        # The previous run's status must not be mistaken for this one's.
        bucket.delete([ModelKeys(request.prefix).status])
        _upload(prepared)
        try:
            run_control.start(plan, request.workspace)
        except DrError:
            take_back(prepared, wipe=wipe)
            raise
    return plan


def take_back(prepared: PreparedTraining, *, wipe: bool) -> None:
    """Delete what a failed start uploaded, so that the next start finds the bucket unchanged.

    A model that existed before stays, and so does one that already has a checkpoint.
    """
    prefix = prepared.request.prefix
    has_learned = any(".ckpt" in info.key for info in prepared.bucket.list(f"{prefix}/model/"))
    if (wipe or not prepared.existing) and not has_learned:
        prepared.bucket.delete_prefix(prefix)


def _check_prefix(prepared: PreparedTraining, *, wipe: bool, resume: bool) -> None:
    prefix = prepared.request.prefix
    if resume and not prepared.existing_checkpoints:
        way = "Start without --resume."
        if any(".ckpt." in key for key in prepared.existing):
            way = (
                "Another engine trained it: choose a new DR_LOCAL_S3_MODEL_PREFIX, and set DR_LOCAL_S3_PRETRAINED=True "
                f"and DR_LOCAL_S3_PRETRAINED_PREFIX={prefix}."
            )
        elif prepared.existing:
            way = "-w deletes what exists and starts from scratch."
        raise DrError(f"There is no checkpoint under {prefix} to resume from.", way)
    if prepared.existing and not (wipe or resume):
        raise DrError(
            f"The model {prefix} already exists ({prepared.contents}).",
            "--resume continues it, -w deletes it and starts from scratch; or choose another DR_LOCAL_S3_MODEL_PREFIX.",
        )


def _upload(prepared: PreparedTraining) -> None:
    """Upload the custom files twice: to the keys in the settings, and next to the model as this run's own copy."""
    request, bucket, contents = prepared.request, prepared.bucket, prepared.files.contents
    settings, own = request.settings, ModelKeys(request.prefix)
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
    for worker in (settings, *request.workers):
        publish_tracks(worker, request.workspace, bucket, request.prefix)
    endpoint = services_endpoint(settings, bucket.config)
    for document in render_training(settings, endpoint, request.workers):
        bucket.put(document.key, to_yaml(document.values).encode())
