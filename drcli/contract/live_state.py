"""What a worker tells those who look on: one moment of its race, as a message for its camera server.

Plain numbers and texts in msgpack; nothing in it is executed. `drcli.watch.cameras` sends, draws and serves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

Phase = Literal["training", "evaluation"]
_SENSOR_TYPES = frozenset(("uint8", "float32", "float64", "int64", "bool"))


@dataclass(frozen=True)
class LiveCar:
    """A car: the place of its origin, its heading, and how fast it drives.

    place: which model of a race drives it. The camera server adds its name and looks.
    """

    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float = 0.0
    place: int = 0
    name: str = ""
    color: str = "Black"
    shell: str = "deepracer"


@dataclass(frozen=True)
class LiveBox:
    """An object on the road of the watched car, as in `drcli.sim.boxes.Boxes`. is_car: drawn as a car of that size."""

    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    width_m: float
    height_m: float
    grey: int = 128
    is_car: bool = False


@dataclass(frozen=True)
class Reading:
    """What a sensor of the watched car gave the network: an array as bytes, in C order."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True)
class LiveState:
    """A step of one worker, of the car that is watched.

    at: seconds since the epoch; car: its index in `cars`, which are all on its track; episode: its number in its
    world; progress in %; lap_s: simulated time since the lap began; speed and steering are those of the wheels, + is
    left; chosen: the action, an index or (steering, speed) in -1 … 1; reward: of the step; status: a value of
    `drcli.contract.episode.Status`; meets: the indexes of the cars that the watched one can meet; the others only
    share the picture with it; readings: by sensor, empty if nobody asked.
    """

    worker: int
    world_name: str
    phase: Phase
    at: float
    car: int
    episode: int
    step: int
    progress: float
    lap_s: float
    speed_mps: float
    steering_deg: float
    chosen: int | tuple[float, ...]
    reward: float
    total_reward: float
    status: str
    cars: tuple[LiveCar, ...]
    boxes: tuple[LiveBox, ...] = ()
    meets: tuple[int, ...] = ()
    resets: int = 0
    readings: Mapping[str, Reading] = field(default_factory=dict)

    def pack(self) -> bytes:
        """As a message."""
        import msgpack

        packed: bytes = msgpack.packb(asdict(self))
        return packed

    @classmethod
    def unpack(cls, message: bytes) -> Self:
        """The inverse of `pack`. Raises ValueError for anything else."""
        import msgpack

        try:
            values: dict[str, Any] = msgpack.unpackb(message)
            chosen = values["chosen"]
            readings = {
                str(name): Reading(str(r["dtype"]), tuple(map(int, r["shape"])), bytes(r["data"]))
                for name, r in values["readings"].items()
            }
            if any(reading.dtype not in _SENSOR_TYPES for reading in readings.values()):
                raise ValueError("a sensor of an unknown type")
            return cls(
                **values
                | {
                    "cars": tuple(LiveCar(**car) for car in values["cars"]),
                    "boxes": tuple(LiveBox(**box) for box in values["boxes"]),
                    "meets": tuple(values["meets"]),
                    "chosen": tuple(chosen) if isinstance(chosen, list) else chosen,
                    "readings": readings,
                }
            )
        except (KeyError, TypeError, AttributeError, msgpack.UnpackException) as error:
            raise ValueError(f"not a state of a worker: {error}") from error
