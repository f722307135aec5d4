"""Outdated names in existing env files: renamed settings, common wrong values, and settings that drcli ignores."""

from __future__ import annotations

from collections.abc import Mapping

# Old name → the setting that replaced it. The old name still counts if the new one is not set.
RENAMED: Mapping[str, str] = {
    "DR_CHANGE_START_POSITION": "DR_TRAIN_CHANGE_START_POSITION",
    "DR_ALTERNATE_DRIVING_DIRECTION": "DR_TRAIN_ALTERNATE_DRIVING_DIRECTION",
    "DR_TRAIN_ROUND_ROBIN_ADVANCE_DISTANCE": "DR_TRAIN_ROUND_ROBIN_ADVANCE_DIST",
    "DR_NUMBER_OF_TRIALS": "DR_EVAL_NUMBER_OF_TRIALS",
    "DR_EVAL_NUMBER_OF_RESETS": "DR_EVAL_MAX_RESETS",
    "DR_COLLISION_PENALTY": "DR_EVAL_COLLISION_PENALTY",
    "DR_EVAL_OPP_MODEL_PREFIX": "DR_EVAL_OPP_S3_MODEL_PREFIX",
    "DR_LOCAL_S3_PARAMS_FILE": "DR_LOCAL_S3_TRAINING_PARAMS_FILE",
    "DR_KINESIS_STREAM_ENABLE": "DR_CAMERA_KVS_ENABLE",
    "DR_USE_GUI": "DR_GUI_ENABLE",
}

# A common invalid value of a setting → what its author may mean.
MISTAKEN: Mapping[tuple[str, str], str] = {
    (
        "DR_RACE_TYPE",
        "HEAD_TO_HEAD",
    ): "HEAD_TO_BOT races against bot cars; HEAD_TO_MODEL, in evaluations, against another model",
}

_ONE_IMAGE = "has no effect: all services use one image, see DR_SIMAPP_SOURCE and DR_SIMAPP_VERSION"
_COMPUTED = "has no effect: drcli determines it"
_ON_THE_SPOT = "has no effect: it belongs to DeepRacer-on-the-Spot"

# A name without effect → the reason.
IGNORED: Mapping[str, str] = {
    "DR_TRACK_DIRECTION_CLOCKWISE": "has no effect: add _cw or _ccw to DR_WORLD_NAME",
    "DR_TARGET_REWARD_SCORE": "has no effect: see term_cond_avg_score of hyperparameters.json",
    "DR_LOCAL_S3_METRICS_KEY": "has no effect: see DR_LOCAL_S3_METRICS_PREFIX",
    "DR_UPLOAD_MODEL_NAME": "has no effect: see DR_UPLOAD_S3_PREFIX",
    "DR_GPU_AVAILABLE": "has no effect: drcli detects GPUs itself, see `dr doctor`",
    "DR_DOCKER_IMAGE_TYPE": "has no effect: it follows from the image's name, see DR_SIMAPP_VERSION",
    "DR_UPLOAD_S3_ROLE": "has no effect: the profile names the role to assume, see DR_UPLOAD_S3_PROFILE",
    **dict.fromkeys(("DR_COACH_IMAGE", "DR_SAGEMAKER_IMAGE", "DR_ROBOMAKER_IMAGE"), _ONE_IMAGE),
    **dict.fromkeys(
        (
            "DR_DIR",
            "DR_CONFIG",
            "DR_DOCKER_FILE_SEP",
            "DR_DOCKER_MAJOR_VERSION",
            "DR_TRAIN_COMPOSE_FILE",
            "DR_EVAL_COMPOSE_FILE",
            "DR_MINIO_COMPOSE_FILE",
            "DR_LOCAL_S3_ENDPOINT_URL",
            "DR_LOCAL_PROFILE_ENDPOINT_URL",
            "DR_LOCAL_S3_AUTH_MODE",
            "DR_UPLOAD_PROFILE",
            "DR_ROBOMAKER_TRAIN_PORT",
            "DR_ROBOMAKER_EVAL_PORT",
            "DR_ROBOMAKER_GUI_PORT",
            "DR_CURRENT_PARAMS_FILE",
            "DR_MOUNT_DIR",
            "DR_VIEWER_HTML",
            "DR_NGINX_CONF",
        ),
        _COMPUTED,
    ),
    **dict.fromkeys(
        (
            "DR_REGULAR_UPLOAD",
            "DR_REGULAR_PHYSICAL_MODEL_UPLOAD",
            "DR_CONTINUE_ON_SPOT_INTERRUPTION",
            "DR_IMPORT_MODEL_ON_COMPLETION",
            "DR_IMPORT_MODEL_REGULAR_UPLOAD",
            "DR_LOGS_COPY_S3_BUCKET",
            "DR_S3_URI",
        ),
        _ON_THE_SPOT,
    ),
}
