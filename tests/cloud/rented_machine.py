"""A job in a bucket, and what its machines leave there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner
from racing import Racer

from drcli.cli import main
from drcli.cloud.cloud_job import CloudJob, CloudState
from drcli.cloud.own_wheel import own_wheel
from drcli.cloud.workspace_archive import pack
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.paths import Workspace
from drcli.store.checkpoints import list_checkpoints
from drcli.store.client import Bucket
from drcli.store.run_status import RunStatus, read_status

PREFIX = "spot-model"
TRAINING = {
    "DR_WORLD_NAME": "circle",
    "DR_WORKERS": "1",
    "DR_CARS_PER_WORKER": "8",
    "DR_TRAIN_METHOD": "guided",
    "DR_TRAIN_STOP_PROGRESS": "100",
    "DR_TRAIN_EVAL_INTERVAL": "",
    "DR_TRAIN_MIN_EVAL_TRIALS": "1",
    "DR_LOCAL_S3_MODEL_PREFIX": PREFIX,
    "DR_CAMERA_KVS_ENABLE": "False",
}
CIRCLE = "width_m: 1.2\npath:\n  - {left_deg: 180, radius_m: 0.9}\n  - {left_deg: 180, radius_m: 0.9}\n"
ACTIONS = [{"steering_angle": angle, "speed": 1.5} for angle in (0.0, 10.0, 20.0)]


@dataclass(frozen=True)
class RentedJob:
    """A job, and the bucket that it is in."""

    job: CloudJob
    bucket: Bucket
    wheel_key: str = ""

    @property
    def state(self) -> CloudState | None:
        data = self.bucket.find(self.job.keys.state)
        return CloudState.from_json(data) if data is not None else None

    @property
    def status(self) -> RunStatus | None:
        return read_status(self.bucket, PREFIX)

    @property
    def checkpoints(self) -> list[CheckpointName]:
        """The checkpoints, the oldest first."""
        return list_checkpoints(self.bucket, ModelKeys(PREFIX))

    @property
    def has_taught(self) -> bool:
        """Whether its teacher is good enough, and a student learns from it."""
        status, state = self.status, self.state
        assert state is None or state.phase != "failed", state
        is_student = status is not None and status.state == "training" and status.phase == "student"
        return is_student and bool(self.checkpoints)

    def log(self, name: str) -> str:
        data = self.bucket.find(self.job.keys.logs + name)
        return "" if data is None else data.decode()

    def put(self, workspace: Workspace) -> None:
        self.bucket.put(self.job.keys.job, self.job.to_json())
        self.bucket.put(self.job.keys.workspace, pack(workspace).data)

    def put_wheel(self) -> str:
        wheel = own_wheel()
        key = self.job.keys.folder + wheel.name
        self.bucket.put(key, wheel.data)
        return key


def training_job(bucket: Bucket, command: tuple[str, ...] = ("start-training",)) -> RentedJob:
    config = bucket.config
    return RentedJob(
        CloudJob("night", config.bucket, config.region, command, (), 2.0, False, config.endpoint_url), bucket
    )


def guided_workspace(folder: Path) -> Workspace:
    """A workspace that trains within a minute: guided, on a circle."""
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    workspace = Workspace(folder)
    Racer(folder, 0, {}).write_run_env(**TRAINING)
    workspace.tracks.mkdir(parents=True)
    (workspace.tracks / "circle.yaml").write_text(CIRCLE)
    metadata = workspace.custom_files / "model_metadata.json"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"action_space": ACTIONS}))
    with workspace.system_env.open("a") as file:
        file.write("DR_LOCAL_ACCESS_KEY_ID=AKIAMINE\nDR_LOCAL_SECRET_ACCESS_KEY=hush\n")
    return workspace


def assert_nothing_was_lost(
    rented: RentedJob, checkpoints: list[CheckpointName], left: RunStatus, status: RunStatus
) -> None:
    """The second machine has continued what the first one had left, and taught its teacher nothing twice."""
    assert rented.checkpoints[-1].number > checkpoints[-1].number
    assert rented.checkpoints[-1].steps > checkpoints[-1].steps
    assert status.steps > left.steps and left.teacher_steps > 0
    counted = re.findall(r"Teacher> (\d+) steps", rented.log("0-training-sagemaker.2.log"))
    assert all(int(steps) > left.teacher_steps for steps in counted), (counted, left.teacher_steps)
