"""A workspace on the session's store, and a second bucket there that stands for AWS, behind a profile."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from model_samples import make_profile

from drcli.cli import main
from drcli.launch.plan import Plan
from drcli.launch.processes.process_folder import ProcessFolder, SupervisedRun
from drcli.local import ProcessRef
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig

_numbers = count(1)


@dataclass(frozen=True)
class UploadTargets:
    workspace: Workspace
    own: Bucket
    aws: Bucket

    def dr(self, *words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(main, words, input=answer)

    def done(self, *words: str, answer: str | None = None) -> Result:
        result = self.dr(*words, answer=answer)
        assert result.exit_code == 0, result.output
        return result


def pretend_to_train(upload_targets: UploadTargets, prefix: str) -> ProcessFolder:
    """A run whose supervisor is alive: this process."""
    folder = ProcessFolder.of(upload_targets.workspace, "training", 3)
    folder.write_plan(Plan(kind="training", run_id=3, prefix=prefix, world_name="tiny", style="process"))
    folder.write_state(SupervisedRun("running", ProcessRef.of(os.getpid()), 0.0))
    return folder


@pytest.fixture
def upload_targets(
    store: StoreConfig, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> UploadTargets:
    number = next(_numbers)
    own = Bucket(replace(store, bucket=f"upload-targets-{number}"))
    aws = Bucket(replace(store, bucket=f"aws-{number}"))
    own.ensure_bucket()
    aws.ensure_bucket()
    profile = make_profile(tmp_path, store, f"racer-{number}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile.config_file))
    workspace.system_env.write_text(
        f"DR_CLOUD=remote\nDR_REMOTE_MINIO_URL={store.endpoint_url}\nDR_LOCAL_S3_BUCKET={own.config.bucket}\n"
        f"DR_LOCAL_ACCESS_KEY_ID={store.access_key}\nDR_LOCAL_SECRET_ACCESS_KEY={store.secret_key}\n"
        f"DR_UPLOAD_S3_BUCKET={aws.config.bucket}\nDR_UPLOAD_S3_PROFILE={profile.name}\n"
    )
    workspace.run_env.write_text(
        "# my run\nDR_LOCAL_S3_MODEL_PREFIX=model\nDR_WORLD_NAME=reInvent2019_track\n"
        "DR_UPLOAD_S3_PREFIX=$DR_LOCAL_S3_MODEL_PREFIX-1  # there\n"
    )
    monkeypatch.chdir(workspace.root)
    return UploadTargets(workspace, own, aws)
