"""The settings of a race, as in a params document. The race type (`drcli.tables.RACES`) defines the rules that
apply to them, and reads its own additional keys from `own`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from drcli.config.randomised_parts import ALL_PARTS

BY_VERSION = "auto"  # the car that the model's version drives


def from_key(key: str) -> Mapping[str, str]:
    """Metadata of a field that is read from `key` of a params document."""
    return {"key": key}


@dataclass(frozen=True, kw_only=True)
class RaceSettings:
    """Starts, faults and laps of a race; the defaults are those of a time-trial training."""

    race_type: str = field(default="TIME_TRIAL", metadata=from_key("RACE_TYPE"))
    start_position_offset: float = field(
        default=0.0, metadata=from_key("START_POSITION_OFFSET")
    )  # of the lap
    round_robin_advance_dist: float = field(default=0.05, metadata=from_key("ROUND_ROBIN_ADVANCE_DIST"))
    change_start_position: bool = field(default=True, metadata=from_key("CHANGE_START_POSITION"))
    alternate_driving_direction: bool = field(default=False, metadata=from_key("ALTERNATE_DRIVING_DIRECTION"))
    reverse_dir: bool = field(default=False, metadata=from_key("REVERSE_DIR"))
    number_of_resets: int = field(default=0, metadata=from_key("NUMBER_OF_RESETS"))
    off_track_penalty_s: float = field(default=0.0, metadata=from_key("OFF_TRACK_PENALTY"))
    collision_penalty_s: float = field(default=0.0, metadata=from_key("COLLISION_PENALTY"))
    number_of_reverse_counts: int = field(default=15, metadata=from_key("NUMBER_OF_REVERSE_COUNTS"))
    is_continuous: bool = field(default=False, metadata=from_key("IS_CONTINUOUS"))
    number_of_trials: int = field(default=1, metadata=from_key("NUMBER_OF_TRIALS"))
    randomised_pictures: bool = field(default=False, metadata=from_key("ENABLE_DOMAIN_RANDOMIZATION"))
    randomised_latency_steps: int = field(default=0, metadata=from_key("RANDOMIZE_LATENCY"))
    randomised_steering: float = field(default=0.0, metadata=from_key("RANDOMIZE_STEERING"))  # of full lock
    randomised_speed: float = field(default=0.0, metadata=from_key("RANDOMIZE_SPEED"))  # of the commanded one
    step_jitter: float = field(default=0.0, metadata=from_key("STEP_JITTER"))  # of a step
    car_dynamics: str = field(default=BY_VERSION, metadata=from_key("CAR_DYNAMICS"))  # or of `tables.CARS`
    metadata_versions: tuple[float, ...] = (5.0,)  # of model_metadata.json of each model of the race
    randomised: str = field(default=ALL_PARTS, metadata=from_key("RANDOMIZE"))  # names of parts
    spread_starts: bool = False  # evenly over the lap instead of round robin
    restyled_steps: int = 0  # after so many steps randomised pictures get another style; 0: with each episode
    perturbed_starts: bool = False  # a little beside the place and the direction of a start, at random
    own: Mapping[str, object] = field(default_factory=dict)  # the whole document, raw: for the race type

    @property
    def rules(self) -> dict[str, object]:
        """What results depend on, by key of the params document."""
        own = (
            {"RESET_BEHIND_DIST": str(self.own["RESET_BEHIND_DIST"])}
            if "RESET_BEHIND_DIST" in self.own
            else {}
        )
        keyed = {
            item.metadata["key"]: getattr(self, item.name) for item in fields(self) if "key" in item.metadata
        }
        return keyed | own

    def start_ndist(self, episode: int) -> float:
        """Where an episode starts, as a fraction of the lap: round robin."""
        advance = self.round_robin_advance_dist * episode if self.change_start_position else 0.0
        return (self.start_position_offset + advance) % 1.0

    def is_reversed(self, episode: int) -> bool:
        """Whether an episode is driven against the order of the waypoints."""
        return self.reverse_dir != (self.alternate_driving_direction and episode % 2 == 1)
