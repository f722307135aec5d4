"""The only table of `DR_` variables: type, range, default, description, file. Everything else derives from it:
the loader's checks, `dr config`, the templates of the env files, the reference page.

Defaults are those of DeepRacer-for-Cloud's templates (github.com/aws-deepracer-community/deepracer-for-cloud)
except where this project differs: process style, our engine, our track, the embedded store.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Literal

from drcli.config.car_looks import AWS_SHELLS, COLOUR_WORDS, COLOURS, SHELL_WORDS, SIMAPP_SHELLS
from drcli.config.race_settings import BY_VERSION
from drcli.config.randomised_parts import ALL_PARTS
from drcli.config.sourced_values import SourcedValues
from drcli.config.variable import (
    COMMUNITY,
    OURS,
    RUN,
    SYSTEM,
    Bucket,
    FileName,
    Key,
    Member,
    Named,
    Names,
    Parts,
    Positions,
    Section,
    Url,
    Variable,
)
from drcli.config.world_names import world_names
from drcli.tables import CARS, LAUNCHERS, METHODS, RACES

RaceType = Annotated[str, Member(("TIME_TRIAL", "OBJECT_AVOIDANCE", "HEAD_TO_BOT", "HEAD_TO_MODEL"), RACES)]
CarColor = Annotated[str, Named(tuple(COLOURS), COLOUR_WORDS)]
BodyShell = Annotated[str, Named((*SIMAPP_SHELLS, *AWS_SHELLS), SHELL_WORDS)]
CarDynamics = Annotated[str, Member((BY_VERSION, *CARS.members), CARS)]
Checkpoint = Literal["last", "best", "fastest"]
Method = Annotated[str, Member(("pixels", "guided"), METHODS)]
Fallback = Literal["pixels", "stop"]
Style = Annotated[str, Member(("process", "compose", "swarm"), LAUNCHERS)]

_RUN = Section(RUN, "The run")
_CAR = Section(RUN, "The car")
_MODEL = Section(RUN, "The model and its files in the bucket")
_TRAIN = Section(RUN, "Training")
_EVAL = Section(RUN, "Evaluation")
_OPPONENT = Section(RUN, "The opponent (HEAD_TO_MODEL)")
_OA = Section(RUN, "Obstacles (OBJECT_AVOIDANCE)")
_H2B = Section(RUN, "Bot cars (HEAD_TO_BOT)")
_STORE = Section(SYSTEM, "The bucket")
_STACK = Section(SYSTEM, "The stack")
_IMAGES = Section(SYSTEM, "Images (compose, swarm)")
_MOUNTS = Section(SYSTEM, "Logs and mounts (compose, swarm)")
_VIEW = Section(SYSTEM, "Cameras and displays")
_AWS = Section(SYSTEM, "AWS and DeepRacer on AWS")


class Settings(SourcedValues):
    """All settings of one run, typed and checked; created by `drcli.config.load`.

    An attribute is the variable without `DR_`, in lower case; `text` and `source` take the full name.
    """

    run_id: int = _RUN(0, "Number of the run; concurrent runs need different numbers.", ge=0, le=99)
    world_name: Names = _RUN(
        "drcli_harbour", "The track, or several to train on at once; `dr tracks` lists them.", worker=True
    )
    race_type: RaceType = _RUN("TIME_TRIAL", "Kind of race.", worker=True)
    enable_domain_randomization: bool = _RUN(
        False, "Vary what cars see, by episode, see docs/simulator.md.", worker=True
    )
    randomize: Parts = _RUN(ALL_PARTS, "What it varies, see docs/simulator.md.", worker=True, only_for=OURS)
    randomize_latency: int = _RUN(
        0,
        "With it, also act up to so many steps late, differently in each episode.",
        worker=True,
        only_for=OURS,
        ge=0,
        le=8,
    )
    randomize_steering: float = _RUN(
        0.0,
        "With it, also steer with noise of up to this share of full lock.",
        worker=True,
        only_for=OURS,
        ge=0,
        le=0.5,
    )
    randomize_speed: float = _RUN(
        0.0,
        "With it, also drive with noise of up to this share of the speed.",
        worker=True,
        only_for=OURS,
        ge=0,
        le=0.5,
    )
    step_jitter: float = _RUN(
        0.0,
        "How far the lengths of steps vary, as a share of a step; in Gazebo 0.2.",
        worker=True,
        only_for=OURS,
        ge=0,
        le=0.5,
    )
    seed: int | None = _RUN(None, "Random seed; empty: a new one for each run.", ge=0, le=2**32 - 1)

    car_name: str = _CAR("FastCar", "Name of the car.")
    car_body_shell_type: BodyShell = _CAR(
        "deepracer", "Body shell of the car in pictures and videos.", worker=True
    )
    car_color: CarColor = _CAR("Red", "Colour of the car in pictures and videos.", worker=True)
    car_dynamics: CarDynamics = _CAR(
        BY_VERSION,
        "How the car moves; auto: as the version in model_metadata.json says, see docs/simulator.md.",
        worker=True,
        rare=True,
        only_for=OURS,
    )
    display_name: str = _CAR("$DR_CAR_NAME", "Name shown on videos.")
    racer_name: str = _CAR("$DR_CAR_NAME", "Name of the racer shown on videos.")

    local_s3_model_prefix: Key = _MODEL("rl-deepracer-sagemaker", "Prefix of the model: where a run writes.")
    local_s3_pretrained: bool = _MODEL(False, "Start from a trained model instead of from scratch.")
    local_s3_pretrained_prefix: Key = _MODEL("rl-sagemaker-pretrained", "Prefix of that trained model.")
    local_s3_pretrained_checkpoint: Checkpoint = _MODEL("last", "Which of its checkpoints to start from.")
    local_s3_custom_files_prefix: Key = _MODEL("custom_files", "Prefix that custom files are uploaded to.")
    local_s3_training_params_file: FileName = _MODEL("training_params.yaml", "Name of the training document.")
    local_s3_eval_params_file: FileName = _MODEL("evaluation_params.yaml", "Name of the evaluation document.")
    local_s3_model_metadata_key: Key = _MODEL(
        "$DR_LOCAL_S3_CUSTOM_FILES_PREFIX/model_metadata.json", "Key of the action space and sensors."
    )
    local_s3_hyperparameters_key: Key = _MODEL(
        "$DR_LOCAL_S3_CUSTOM_FILES_PREFIX/hyperparameters.json", "Key of the hyperparameters."
    )
    local_s3_reward_key: Key = _MODEL(
        "$DR_LOCAL_S3_CUSTOM_FILES_PREFIX/reward_function.py", "Key of the reward function."
    )
    local_s3_metrics_prefix: Key = _MODEL("$DR_LOCAL_S3_MODEL_PREFIX/metrics", "Prefix of the metrics.")
    upload_s3_prefix: Key = _MODEL("$DR_LOCAL_S3_MODEL_PREFIX-1", "Prefix of the model in the upload bucket.")

    train_method: Method = _TRAIN(
        "pixels", "Learn from pixels, or guided by a teacher, see docs/guided.md.", example="guided"
    )
    train_teacher_steps: int = _TRAIN(200_000, "Steps within which that teacher must pass.", ge=1)
    train_teacher_fallback: Fallback = _TRAIN("pixels", "What follows if it does not.")
    train_tf_checkpoints: bool = _TRAIN(False, "Also write checkpoints for TensorFlow.", rare=True)
    train_change_start_position: bool = _TRAIN(
        True, "Start each episode further along the track.", worker=True
    )
    train_reverse_direction: bool = _TRAIN(False, "Drive the track in the opposite direction.", worker=True)
    train_alternate_driving_direction: bool = _TRAIN(False, "Switch direction each episode.", worker=True)
    train_start_position_offset: float = _TRAIN(
        0.0, "Where the first episode starts, as a fraction of the track.", worker=True, ge=0, le=1
    )
    train_round_robin_advance_dist: float = _TRAIN(
        0.05, "How far the start moves after an episode, as a fraction of the track.", worker=True, ge=0, le=1
    )
    train_multi_config: bool = _TRAIN(
        False, "Workers 2, 3, … have their own settings, in worker-2.env, worker-3.env, and so on."
    )
    train_min_eval_trials: int = _TRAIN(5, "Evaluation episodes after each iteration.", ge=1)
    train_best_model_metric: Literal["progress", "reward", "laptime"] = _TRAIN(
        "progress", "Metric that decides which checkpoint is the best."
    )
    train_stop_progress: float | None = _TRAIN(
        100.0,
        "Stop when mean evaluation progress (%) has reached this (pixels: three times in a row); empty: never.",
        ge=0,
        le=100,
    )
    train_max_minutes: float | None = _TRAIN(None, "Maximum minutes of training; empty: no limit.", gt=0)
    train_eval_interval: int | None = _TRAIN(
        None,
        "Evaluate after every N-th iteration; empty: each, or about every 512 steps if steps are counted.",
        ge=1,
    )
    train_rtf: float | None = _TRAIN(
        None,
        "Speed limit of the simulator, as a multiple of real time.",
        rare=True,
        example="1.0",
        gt=0,
        only_for=COMMUNITY,
    )
    train_max_steps_per_iteration: int | None = _TRAIN(
        None, "Maximum number of steps per iteration to learn from.", rare=True, example="10000", ge=1
    )

    eval_number_of_trials: int = _EVAL(5, "Number of laps to drive.", ge=1)
    eval_is_continuous: bool = _EVAL(True, "Drive the laps without stopping in between.")
    eval_max_resets: int = _EVAL(
        100, "Resets allowed in an evaluation (not 1 with the community's engine).", ge=0
    )
    eval_off_track_penalty: float = _EVAL(5.0, "Penalty for leaving the track, in seconds.", ge=0)
    eval_collision_penalty: float = _EVAL(5.0, "Penalty for a crash, in seconds.", ge=0)
    eval_save_mp4: bool = _EVAL(False, "Record three videos of an evaluation, under <model>/mp4.")
    eval_checkpoint: Checkpoint = _EVAL("last", "Which checkpoint to evaluate.")
    eval_reset_behind_dist: float = _EVAL(1.0, "How far behind an obstacle a car is reset, in metres.", ge=0)
    eval_reverse_direction: bool = _EVAL(False, "Drive the track in the opposite direction.")
    eval_debug_reward: bool = _EVAL(
        False, "Print the reward function's timing in evaluations.", rare=True, only_for=COMMUNITY
    )
    eval_rtf: float | None = _EVAL(
        None,
        "Speed limit of the simulator, as a multiple of real time.",
        rare=True,
        example="1.0",
        gt=0,
        only_for=COMMUNITY,
    )

    eval_opp_s3_model_prefix: Key = _OPPONENT("rl-deepracer-sagemaker", "Prefix of its model.")
    eval_opp_s3_metrics_prefix: Key = _OPPONENT(
        "$DR_EVAL_OPP_S3_MODEL_PREFIX/metrics", "Prefix of its metrics.", rare=True
    )
    eval_opp_car_body_shell_type: BodyShell = _OPPONENT(
        "deepracer", "Body shell of its car in pictures and videos."
    )
    eval_opp_car_name: str = _OPPONENT("FasterCar", "Name of its car.")
    eval_opp_display_name: str = _OPPONENT("$DR_EVAL_OPP_CAR_NAME", "Name shown on videos.")
    eval_opp_racer_name: str = _OPPONENT("$DR_EVAL_OPP_CAR_NAME", "Name of its racer shown on videos.")

    oa_number_of_obstacles: int = _OA(6, "Number of obstacles.", worker=True, ge=0)
    oa_min_distance_between_obstacles: float = _OA(
        2.0, "Minimum distance between obstacles, in metres.", worker=True, ge=0
    )
    oa_randomize_obstacle_locations: bool = _OA(False, "New locations in each episode.", worker=True)
    oa_is_obstacle_bot_car: bool = _OA(False, "Parked cars instead of boxes.", worker=True)
    oa_obstacle_type: str = _OA("box_obstacle", "Model of the obstacles: docs/simulator.md.", worker=True)
    oa_object_positions: Positions = _OA(
        "", "Fixed locations instead of a number; empty: spread out.", worker=True
    )

    h2b_is_lane_change: bool = _H2B(False, "Bot cars change lanes.", worker=True)
    h2b_lower_lane_change_time: float = _H2B(
        3.0, "Minimum time between lane changes, in seconds.", worker=True, ge=0
    )
    h2b_upper_lane_change_time: float = _H2B(
        5.0, "Maximum time between lane changes, in seconds.", worker=True, ge=0
    )
    h2b_lane_change_distance: float = _H2B(1.0, "Length of a lane change, in metres.", worker=True, ge=0)
    h2b_number_of_bot_cars: int = _H2B(3, "Number of bot cars.", worker=True, ge=0)
    h2b_min_distance_between_bot_cars: float = _H2B(
        2.0, "Minimum distance between bot cars, in metres.", worker=True, ge=0
    )
    h2b_randomize_bot_car_locations: bool = _H2B(False, "New locations in each episode.", worker=True)
    h2b_bot_car_speed: float = _H2B(0.2, "Speed of bot cars in m/s, at most 4.", worker=True, ge=0)
    h2b_bot_car_penalty: float = _H2B(5.0, "Wait of a bot car that hits a car (s).", worker=True, ge=0)

    cloud: Literal["local", "aws", "azure", "remote"] = _STORE(
        "local", "Where the bucket is: this machine, AWS, Azure through a local gateway, or any S3 server."
    )
    local_s3_bucket: Bucket = _STORE("bucket", "The bucket that runs read and write.")
    store_port: int | None = _STORE(
        None, "Port of the store; empty: a free one, or 9000 with MinIO.", ge=1, le=65535
    )
    local_s3_profile: str = _STORE("default", "AWS profile with the key for the bucket (aws, remote).")
    remote_minio_url: Url = _STORE(
        "", "Address of the S3 server (remote).", rare=True, example="http://nas.local:9000"
    )
    minio_url: Url = _STORE("", "Address at which services reach the store, if not the usual one.", rare=True)
    local_access_key_id: str = _STORE(
        "", "Access key for the bucket; empty: from the profile.", rare=True, secret=True
    )
    local_secret_access_key: str = _STORE("", "Secret of that access key.", rare=True, secret=True)
    upload_s3_profile: str = _STORE("default", "AWS profile for the upload bucket.")
    upload_s3_bucket: Bucket = _STORE("not-defined", "The bucket that finished models are uploaded to.")

    docker_style: Style = _STACK(
        "process", "How services run: local processes (no Docker), Docker Compose or Docker Swarm."
    )
    workers: int = _STACK(1, "Number of workers that drive at the same time.", ge=1)
    cars_per_worker: int = _STACK(16, "Cars that one worker drives in lockstep.", ge=1, le=256)
    reward_processes: int | None = _STACK(None, "Processes for slow rewards; empty: one per core.", ge=1)
    tracks_url: Url = _STACK(
        "https://raw.githubusercontent.com/aws-deepracer-community/deepracer-race-data/main/raw_data/tracks/npy",
        "Where tracks that drcli does not have yet are downloaded from.",
        rare=True,
    )
    experiment_name: FileName = _STACK(
        "", "Use experiments/NAME instead of the workspace's own run.env.", rare=True, example="one"
    )
    robomaker_cuda_devices: str = _STACK(
        "", "GPUs of the workers.", rare=True, example="0", only_for=COMMUNITY
    )
    sagemaker_cuda_devices: str = _STACK("", "GPUs of the trainer.", rare=True, example="0")
    telegraf_host: str = _STACK(
        "",
        "Host that results of episodes are sent to, see docs/other-tools.md.",
        rare=True,
        example="127.0.0.1",
    )
    telegraf_port: int = _STACK(8092, "Its UDP port.", rare=True, ge=1, le=65535)
    metrics_port: int | None = _STACK(
        None,
        "First port with metrics for Prometheus; empty: none.",
        rare=True,
        example="9200",
        only_for=OURS,
        ge=1,
        le=55000,
    )
    tensorboard: bool = _STACK(False, "Write event files for TensorBoard into the bucket.", only_for=OURS)
    gazebo_args: str = _STACK("", "Additional arguments for Gazebo.", rare=True, only_for=COMMUNITY)
    gazebo_render_engine: Literal["ogre2", "ogre"] = _STACK(
        "ogre2", "Renderer of Gazebo.", rare=True, only_for=COMMUNITY
    )
    quiet_activate: bool = _STACK(False, "DeepRacer-for-Cloud: no summary on activation.", rare=True)

    simapp_source: str = _IMAGES("drcli/simapp", "The engine: ours, or another image.")
    simapp_version: str = _IMAGES("", "Tag of the engine's image; empty: the version of drcli.")
    minio_image: str = _IMAGES("", "Tag or full name of the S3 server's image; empty: the pinned one.")
    analysis_image: str = _IMAGES(
        "cpu", "Log analysis in the Docker styles: tag or full name of its image.", rare=True
    )

    robomaker_mount_logs: bool = _MOUNTS(
        False, "Keep the workers' own logs under data/logs.", rare=True, only_for=COMMUNITY
    )
    robomaker_mount_simapp_dir: str = _MOUNTS(
        "", "Folder mounted over the engine's code.", rare=True, only_for=COMMUNITY
    )
    robomaker_mount_scripts_dir: str = _MOUNTS(
        "", "Folder of start-up scripts.", rare=True, example="${DR_DIR}/data/scripts", only_for=COMMUNITY
    )
    cloud_watch_enable: bool = _MOUNTS(False, "Send logs to CloudWatch.", rare=True)
    cloud_watch_log_stream_prefix: str = _MOUNTS("", "Prefix of the log streams' names.", rare=True)

    camera_main_enable: bool = _VIEW(True, "Camera that follows the car.", worker=True, only_for=COMMUNITY)
    camera_sub_enable: bool = _VIEW(False, "Camera above the track.", worker=True, only_for=COMMUNITY)
    camera_kvs_enable: bool = _VIEW(True, "The stream that viewers show.")
    enable_extra_kvs_overlay: bool = _VIEW(
        False, "Additional figures on the stream.", worker=True, only_for=COMMUNITY
    )
    gui_enable: bool = _VIEW(False, "Open the simulator's window.", rare=True, only_for=COMMUNITY)
    host_x: bool = _VIEW(False, "Render on the X server of the host.", rare=True, only_for=COMMUNITY)
    display: str = _VIEW("", "The X display to render on.", rare=True, example=":99", only_for=COMMUNITY)
    webviewer_port: int = _VIEW(8100, "Port of the viewer.", ge=1, le=65535)

    aws_app_region: str = _AWS("us-east-1", "AWS region.")
    kinesis_stream_name: str = _AWS("", "Kinesis video stream.", rare=True, only_for=COMMUNITY)
    droa_url: Url = _AWS("", "Address of a DeepRacer on AWS.", rare=True, example="https://dr.example.com")
    droa_username: str = _AWS("", "User name there.", rare=True, example="me")
    droa_debug: str = _AWS("", "Any text: show the requests sent to it.", rare=True, example="1")

    @property
    def world_names(self) -> tuple[str, ...]:
        """The tracks that `world_name` names."""
        return world_names(self.world_name)

    def __repr__(self) -> str:
        return f"Settings({self.local_s3_model_prefix!r} on {self.world_name!r})"  # never a secret

    __str__ = __repr__


@cache
def variables() -> Mapping[str, Variable]:
    """The table: `DR_` name → variable, in the order of the templates."""
    rows = (Variable.of(attribute, info) for attribute, info in Settings.model_fields.items())
    return MappingProxyType({row.name: row for row in rows})
