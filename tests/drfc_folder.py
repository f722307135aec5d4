"""A folder as DeepRacer-for-Cloud's init leaves it, for tests of what happens when `dr` is started there."""

from __future__ import annotations

import shutil
from pathlib import Path

from drcli.paths import defaults_dir

SYSTEM = {
    "DR_CLOUD": "local",
    "DR_AWS_APP_REGION": "us-east-1",
    "DR_UPLOAD_S3_PROFILE": "default",
    "DR_UPLOAD_S3_BUCKET": "not-defined",
    "DR_LOCAL_S3_BUCKET": "bucket",
    "DR_LOCAL_S3_PROFILE": "minio",
    "DR_GUI_ENABLE": "False",
    "DR_KINESIS_STREAM_NAME": "",
    "DR_CAMERA_MAIN_ENABLE": "True",
    "DR_CAMERA_SUB_ENABLE": "False",
    "DR_CAMERA_KVS_ENABLE": "True",
    "DR_ENABLE_EXTRA_KVS_OVERLAY": "False",
    "DR_SIMAPP_SOURCE": "awsdeepracercommunity/deepracer-simapp",
    "DR_SIMAPP_VERSION": "6.0.4-cpu",
    "DR_MINIO_IMAGE": "latest",
    "DR_ANALYSIS_IMAGE": "cpu",
    "DR_WORKERS": "1",
    "DR_ROBOMAKER_MOUNT_LOGS": "False",
    "DR_CLOUD_WATCH_ENABLE": "False",
    "DR_CLOUD_WATCH_LOG_STREAM_PREFIX": "",
    "DR_DOCKER_STYLE": "swarm",
    "DR_HOST_X": "False",
    "DR_WEBVIEWER_PORT": "8100",
    "DR_QUIET_ACTIVATE": "False",
}
_SYSTEM_OFF = """\
# DR_DISPLAY=:99
# DR_REMOTE_MINIO_URL=http://nas.local:9000
# DR_ROBOMAKER_CUDA_DEVICES=0
# DR_ROBOMAKER_MOUNT_SIMAPP_DIR=
# DR_ROBOMAKER_MOUNT_SCRIPTS_DIR=${DR_DIR}/data/scripts
# DR_EXPERIMENT_NAME=wet
# DR_TELEGRAF_HOST=telegraf
"""
RUN = {
    "DR_RUN_ID": "0",
    "DR_WORLD_NAME": "reinvent_base",
    "DR_RACE_TYPE": "TIME_TRIAL",
    "DR_CAR_NAME": "FastCar",
    "DR_CAR_BODY_SHELL_TYPE": "deepracer",
    "DR_CAR_COLOR": "Red",
    "DR_DISPLAY_NAME": "$DR_CAR_NAME",
    "DR_RACER_NAME": "$DR_CAR_NAME",
    "DR_ENABLE_DOMAIN_RANDOMIZATION": "False",
    "DR_EVAL_NUMBER_OF_TRIALS": "3",
    "DR_EVAL_IS_CONTINUOUS": "True",
    "DR_EVAL_MAX_RESETS": "100",
    "DR_EVAL_OFF_TRACK_PENALTY": "5.0",
    "DR_EVAL_COLLISION_PENALTY": "5.0",
    "DR_EVAL_SAVE_MP4": "False",
    "DR_EVAL_CHECKPOINT": "last",
    "DR_EVAL_OPP_S3_MODEL_PREFIX": "rl-deepracer-sagemaker",
    "DR_EVAL_OPP_CAR_NAME": "FasterCar",
    "DR_EVAL_OPP_DISPLAY_NAME": "$DR_EVAL_OPP_CAR_NAME",
    "DR_TRAIN_CHANGE_START_POSITION": "True",
    "DR_TRAIN_ALTERNATE_DRIVING_DIRECTION": "False",
    "DR_TRAIN_ROUND_ROBIN_ADVANCE_DIST": "0.05",
    "DR_TRAIN_MULTI_CONFIG": "False",
    "DR_TRAIN_BEST_MODEL_METRIC": "progress",
    "DR_LOCAL_S3_MODEL_PREFIX": "rl-deepracer-sagemaker",
    "DR_LOCAL_S3_PRETRAINED": "False",
    "DR_LOCAL_S3_PRETRAINED_PREFIX": "rl-sagemaker-pretrained",
    "DR_LOCAL_S3_CUSTOM_FILES_PREFIX": "custom_files",
    "DR_LOCAL_S3_TRAINING_PARAMS_FILE": "training_params.yaml",
    "DR_LOCAL_S3_EVAL_PARAMS_FILE": "evaluation_params.yaml",
    "DR_LOCAL_S3_MODEL_METADATA_KEY": "$DR_LOCAL_S3_CUSTOM_FILES_PREFIX/model_metadata.json",
    "DR_LOCAL_S3_HYPERPARAMETERS_KEY": "$DR_LOCAL_S3_CUSTOM_FILES_PREFIX/hyperparameters.json",
    "DR_LOCAL_S3_REWARD_KEY": "$DR_LOCAL_S3_CUSTOM_FILES_PREFIX/reward_function.py",
    "DR_LOCAL_S3_METRICS_PREFIX": "$DR_LOCAL_S3_MODEL_PREFIX/metrics",
    "DR_UPLOAD_S3_PREFIX": "$DR_LOCAL_S3_MODEL_PREFIX-1",
    "DR_OA_OBJECT_POSITIONS": "",
    "DR_OA_OBSTACLE_TYPE": "box_obstacle",
    "DR_H2B_NUMBER_OF_BOT_CARS": "3",
    "DR_H2B_BOT_CAR_PENALTY": "5.0",
}
# What folders of some years' standing also hold.
OLD = {"DR_CHANGE_START_POSITION": "False", "DR_KINESIS_STREAM_ENABLE": "True", "DR_COACH_IMAGE": "5.2.1"}


def make_folder(
    root: Path, *, system: dict[str, str] | None = None, run: dict[str, str] | None = None
) -> Path:
    """The folder, with an experiment `wet`, settings for worker 2, and MinIO's data."""
    for folder in ("", "experiments/wet"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        text = "".join(f"{key}={value}\n" for key, value in (RUN | (run or {})).items())
        (root / folder / "run.env").write_text(f"# Settings of the run\n{text}")
        shutil.copytree(defaults_dir() / "custom_files", root / folder / "custom_files", dirs_exist_ok=True)
    lines = "".join(f"{key}={value}\n" for key, value in (SYSTEM | (system or {})).items())
    (root / "system.env").write_text(f"# Settings of the machine\n{lines}{_SYSTEM_OFF}")
    (root / "worker-2.env").write_text("DR_WORLD_NAME=reInvent2019_track\nDR_CAR_COLOR=Blue\n")
    for folder in (
        "bin",
        "tmp",
        "data/logs",
        "data/minio/.minio.sys",
        "data/minio/bucket/custom_files/xl.meta",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return root


def write_profile(home: Path, name: str, access_key: str | None, secret_key: str | None) -> None:
    """An AWS profile in the home folder, as init makes one for MinIO."""
    (home / ".aws").mkdir(exist_ok=True)
    text = f"[{name}]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"
    (home / ".aws" / "credentials").write_text(text)
