"""model_metadata.json: the actions a car can choose from, its sensors, its network; typed and checked.

Rules follow the community's engine (github.com/aws-deepracer-community/deepracer-simapp,
`markov/boto/s3/files/model_metadata.py`), whose actuation clips steering to 30° and speed to 0.1–4 m/s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from drcli.config import jsonc
from drcli.config.hyperparameters import Count, Number, lower, no_bool
from drcli.config.jsonc import Fault, Parsed
from drcli.config.problems import did_you_mean
from drcli.tables import ALGORITHMS, NETWORKS, SENSORS, Table

STEERING_LIMITS_DEG = (-30.0, 30.0)
SPEED_LIMITS_MPS = (0.1, 4.0)

GREY_CAMERAS = ("observation", "FRONT_FACING_CAMERA", "LEFT_CAMERA")  # each sees one grey image
CAMERAS = (*GREY_CAMERAS, "STEREO_CAMERAS")
_LIDARS = ("LIDAR", "SECTOR_LIDAR", "DISCRETIZED_SECTOR_LIDAR")
CONFIGURED_LIDAR = "DISCRETIZED_SECTOR_LIDAR"
_ALGORITHMS = ("clipped_ppo", "sac")  # those that other engines support; ours are in the table


def _named(known: Sequence[str], table: Table) -> PlainValidator:
    """Accepts the names in `known` and in the table."""

    def check(value: object) -> object:
        if isinstance(value, str) and (value in known or value in table):
            return value
        names = [*known, *(name for name in table if name not in known)]
        expected = f"{', '.join(map(repr, names[:-1]))} or {names[-1]!r}"
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})

    return PlainValidator(check)


Sensor = Annotated[str, _named((), SENSORS)]

_KEY_OF = {"discrete": "action_space", "continuous": "action_space", "sensors": "sensor"}
_WITHOUT_EFFECT = ("preprocess_type", "regional_parameters")  # exports of the AWS console contain them
_GREY = "GREY_SCALE"  # the preprocess_type of all models
_NEED_SENSOR = 'add "sensor": ["FRONT_FACING_CAMERA"]'


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, populate_by_name=True)


class Action(_Frozen):
    """One action of a discrete space, as written: actuation clips it, rewards and traces do not."""

    steering_angle_deg: Number = Field(alias="steering_angle")
    speed_mps: Number = Field(alias="speed")


class Bounds(_Frozen):
    """Lowest and highest value of one part of a continuous action."""

    low: Number
    high: Number

    @model_validator(mode="after")
    def _in_order(self) -> Bounds:
        if self.low >= self.high:
            raise ValueError("bounds with low below high")
        return self


class ContinuousActions(_Frozen):
    """Bounds of a continuous action space."""

    steering_angle_deg: Bounds = Field(alias="steering_angle")
    speed_mps: Bounds = Field(alias="speed")


class LidarConfig(_Frozen):
    """How DISCRETIZED_SECTOR_LIDAR turns 64 rays into sectors of one-hot distances."""

    num_sectors: Literal[1, 2, 4, 8, 16, 32, 64] = 8
    num_values_per_sector: Count = 8
    clipping_dist_m: Annotated[Number, Field(ge=0.15, le=12)] = Field(2.0, alias="clipping_dist")


class ModelMetadata(_Frozen):
    """Actions, sensors and network of a model. Either `discrete` or `continuous` is set."""

    _warnings: tuple[str, ...] = PrivateAttr(default=())

    version: Annotated[float, BeforeValidator(no_bool), Field(ge=1, le=6)]
    sensors: tuple[Sensor, ...]
    neural_network: Annotated[str, _named((), NETWORKS)] = "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"
    training_algorithm: Annotated[str, _named(_ALGORITHMS, ALGORITHMS), BeforeValidator(lower)] = (
        "clipped_ppo"
    )
    discrete: tuple[Action, ...] | None = None
    continuous: ContinuousActions | None = None
    lidar_config: LidarConfig = LidarConfig.model_validate({})

    @classmethod
    def parse(cls, text: str | bytes, filename: str) -> ModelMetadata:
        """Parse the file's text.

        Raises:
            UsageError: not JSON, or a key or value is invalid; with file and line.
        """
        parsed = jsonc.parse(text, filename)
        if not isinstance(parsed.value, dict):
            parsed.reject(((), "expected an object, { … }", "`dr init` writes one to start from"))
        parsed.reject(*_structural_faults(parsed.value))
        try:
            found = cls.model_validate(_fields(parsed.value))
        except ValidationError as error:
            parsed.reject_invalid(error, _KEY_OF)
        parsed.reject(*_contradictions(found))
        _warn(parsed, found)
        found._warnings = tuple(parsed.warnings)
        return found

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the file, one line each."""
        return self._warnings

    @property
    def action_space_type(self) -> str:
        """`discrete` or `continuous`, the key of the policy head in `tables.HEADS`."""
        return "discrete" if self.discrete else "continuous"

    @property
    def steers_both_ways(self) -> bool:
        """Whether there are actions to the left and to the right."""
        angles_deg = [angle_deg for _, angle_deg in _values(self, "steering_angle")]
        return min(angles_deg) < 0 < max(angles_deg)


def _version(raw: dict[str, Any]) -> float:
    """The file's version; by the engine's rule, a file without `version` has version 2 if it names sensors, else 1."""
    if "version" not in raw:
        return 2.0 if "sensor" in raw else 1.0
    try:
        return float(str(raw["version"]))
    except ValueError:
        return 0.0  # the type check reports it


def _kind(raw: dict[str, Any]) -> object:
    """`discrete` or `continuous`, from `action_space_type` or else inferred from the action space."""
    looks = "continuous" if isinstance(raw.get("action_space"), dict) else "discrete"
    return lower(raw.get("action_space_type", looks))


def _structural_faults(raw: dict[str, Any]) -> Iterator[Fault]:
    space, kind = raw.get("action_space"), _kind(raw)
    looks = "discrete" if isinstance(space, list) else "continuous" if isinstance(space, dict) else None
    if "action_space" not in raw:
        yield (), "action_space is missing", "`dr init` writes a file to start from"
    elif looks is None or not space:
        yield ("action_space",), "action_space is neither a list of actions nor bounds", ""
    if kind not in ("discrete", "continuous"):
        hint = did_you_mean(str(kind), ("discrete", "continuous"))
        yield (
            ("action_space_type",),
            f"action_space_type is {kind}: it should be discrete or continuous",
            hint,
        )
    elif looks and looks != kind:
        yield ("action_space_type",), f"action_space_type is {kind}, but action_space is {looks}", ""
    if _version(raw) >= 2 and "sensor" not in raw:
        yield ("version",), "sensor is required from version 2 on", _NEED_SENSOR


def _fields(raw: dict[str, Any]) -> dict[str, Any]:
    """The file's keys as fields of ModelMetadata."""
    version = _version(raw)
    fields: dict[str, Any] = {
        key: raw[key] for key in ("neural_network", "training_algorithm", "lidar_config") if key in raw
    }
    fields["version"] = raw.get("version", version)
    fields["sensors"] = raw["sensor"] if version >= 2 else ("observation",)
    fields[str(_kind(raw))] = raw["action_space"]
    return fields


def _contradictions(found: ModelMetadata) -> Iterator[Fault]:
    cameras = [sensor for sensor in found.sensors if sensor in CAMERAS]
    lidars = [sensor for sensor in found.sensors if sensor in _LIDARS]
    are_known = len(cameras) + len(lidars) == len(
        found.sensors
    )  # a sensor from another package needs no camera
    if len(cameras) > 1 or (not cameras and are_known):
        yield (
            ("sensor",),
            f"{len(cameras)} cameras: a model has exactly one of {', '.join(CAMERAS)}",
            "",
        )
    if len(lidars) > 1:
        yield ("sensor",), "more than one lidar sensor", ""
    if found.training_algorithm == "sac" and found.discrete:
        yield (
            ("training_algorithm",),
            "SAC needs a continuous action space",
            "use clipped_ppo for discrete actions",
        )


def _warn(parsed: Parsed, found: ModelMetadata) -> None:
    raw = parsed.value
    known = {"action_space", "action_space_type", "version", "sensor", "neural_network", "training_algorithm"}
    known |= {"lidar_config", *_WITHOUT_EFFECT}
    for key in (key for key in raw if key not in known):
        near = did_you_mean(key, known)
        parsed.warn((key,), f"{key} is unknown; it has no effect" + (f"; {near}" if near else ""))
    for key in (key for key in _WITHOUT_EFFECT if key in raw and raw[key] != _GREY):
        parsed.warn((key,), f"{key} has no effect on a training")
    _warn_of_lidar(parsed, found)
    if found.version < 2 and raw.get("sensor", ["observation"]) != ["observation"]:
        parsed.warn(("sensor",), "sensor has no effect before version 2; the model sees `observation`")
    if found.continuous and "action_space_type" not in raw:
        parsed.warn(
            ("action_space",),
            'bounds without "action_space_type": "continuous"; the car rejects such a model',
        )
    if found.discrete:
        _warn_of_indexes(parsed)
        _warn_of_duplicates(parsed, found.discrete)
    _warn_of_clipping(parsed, found)


def _warn_of_lidar(parsed: Parsed, found: ModelMetadata) -> None:
    config = parsed.value.get("lidar_config")
    if config is None:
        return
    if CONFIGURED_LIDAR not in found.sensors:
        parsed.warn(("lidar_config",), f"lidar_config has no effect without the sensor {CONFIGURED_LIDAR}")
    known = {*LidarConfig.model_fields, "clipping_dist"}
    for key in (key for key in config if key not in known):
        hint = did_you_mean(key, known) or "the lidar's rate, view and reach are fixed"
        parsed.warn(("lidar_config", key), f"lidar_config.{key} is unknown; it has no effect; {hint}")


def _warn_of_indexes(parsed: Parsed) -> None:
    for position, action in enumerate(parsed.value["action_space"]):
        index = action.get("index")
        if index != position or isinstance(index, bool):
            was = "has no index" if index is None else f"has index {index}"
            parsed.warn(
                ("action_space", position), f"action {position} {was}; the position counts, starting at 0"
            )
            return


def _warn_of_duplicates(parsed: Parsed, actions: Sequence[Action]) -> None:
    first: dict[Action, int] = {}
    for position, action in enumerate(actions):
        same = first.setdefault(action, position)
        if same != position:
            parsed.warn(("action_space", position), f"action {position} is the same as action {same}")


def _warn_of_clipping(parsed: Parsed, found: ModelMetadata) -> None:
    """One warning for each part of the actions, at the first value that is clipped."""
    for part, unit, (low, high) in (
        ("steering_angle", "°", STEERING_LIMITS_DEG),
        ("speed", " m/s", SPEED_LIMITS_MPS),
    ):
        clipped = [(place, value) for place, value in _values(found, part) if not low <= value <= high]
        if clipped:
            values = ", ".join(f"{value:g}" for value in sorted({value for _, value in clipped}))
            parsed.warn(
                clipped[0][0],
                f"{part} {values}: the car's limits are {low:g} to {high:g}{unit}; "
                "reward functions and traces still get the value as written",
            )


def _values(found: ModelMetadata, part: str) -> list[tuple[jsonc.Pointer, float]]:
    """Every value of one part of the actions, with its path in the file."""
    if found.continuous:
        bounds = found.continuous.model_dump(by_alias=True)[part]
        return [(("action_space", part, end), bounds[end]) for end in ("low", "high")]
    actions = enumerate(found.discrete or ())
    return [(("action_space", n, part), action.model_dump(by_alias=True)[part]) for n, action in actions]
