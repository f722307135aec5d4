"""hyperparameters.json, typed and checked.

Names and defaults are those of the community's engine (github.com/aws-deepracer-community/deepracer-simapp,
`sagemaker_graph_manager.py`); `num_steps_between_training`, `sac_updates_per_step` and `sac_replay_size` are ours.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from drcli.config import jsonc
from drcli.config.problems import did_you_mean


def no_bool(value: object) -> object:
    """Accept anything but a boolean, which pydantic would convert to 0 or 1."""
    if isinstance(value, bool):
        raise ValueError("a number")
    return value


def lower(value: object) -> object:
    """A text in lower case, without surrounding spaces; anything else unchanged."""
    return value.strip().lower() if isinstance(value, str) else value


Count = Annotated[int, BeforeValidator(no_bool), Field(ge=1)]
Number = Annotated[float, BeforeValidator(no_bool)]
Fraction = Annotated[Number, Field(ge=0, le=1)]

EXPLORATION_TYPES = ("categorical", "e-greedy", "additive_noise")  # of all known engines
_ONLY_OF = {
    "clipped_ppo": {"num_epochs", "beta_entropy"},
    "sac": {"sac_alpha", "sac_updates_per_step", "sac_replay_size"},
}
# Other keys, which the community's engine lists for every algorithm, but has no use for in SAC.
_E_GREEDY = ("e_greedy_value", "epsilon_steps")
_UNUSED_BY = {"sac": {"exploration_type", *_E_GREEDY}}
# Keys without use in guided training, with the values that `dr init` writes for other methods.
_IDLE_WHEN_GUIDED = {"num_epochs": 1, "num_steps_between_training": 256, "exploration_type": "categorical"}


class Hyperparameters(BaseModel):
    """Hyperparameters of a training; unknown keys are kept.

    The engine that runs an algorithm checks whether the algorithm supports them.
    An iteration ends after `num_episodes_between_training` episodes of all workers, or after
    `num_steps_between_training` steps if that is set.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    _warnings: tuple[str, ...] = PrivateAttr(default=())
    _places: dict[str, str] = PrivateAttr(default_factory=dict)

    batch_size: Count = 64
    num_epochs: Count = 10
    lr: Annotated[Number, Field(gt=0)] = 0.0003
    stack_size: Count = 1
    exploration_type: Annotated[str, BeforeValidator(lower)] = "categorical"
    e_greedy_value: Fraction = 0.05
    epsilon_steps: Count = 10000
    beta_entropy: Annotated[Number, Field(ge=0)] = 0.01
    discount_factor: Fraction = 0.999
    loss_type: Annotated[Literal["huber", "mean squared error"], BeforeValidator(lower)] = (
        "mean squared error"
    )
    num_episodes_between_training: Count = 20
    num_steps_between_training: Count | None = None
    term_cond_max_episodes: Count = 100000
    term_cond_avg_score: Number = 100000.0
    sac_alpha: Annotated[Number, Field(ge=0)] = 0.2
    sac_updates_per_step: Annotated[Number, Field(gt=0)] = 1.0
    sac_replay_size: Annotated[Count, Field(ge=1000)] = 100_000

    @classmethod
    def parse(cls, text: str | bytes, filename: str) -> Hyperparameters:
        """Parse the file's text.

        Raises:
            UsageError: not JSON, or a value has a wrong type or is out of range; with file and line.
        """
        parsed = jsonc.parse(text, filename)
        if not isinstance(parsed.value, dict):
            parsed.reject(((), "expected an object, { … }", "`dr init` writes one to start from"))
        try:
            found = cls.model_validate(parsed.value)
        except ValidationError as error:
            parsed.reject_invalid(error)
        for key in found.model_extra or {}:
            near = did_you_mean(key, cls.model_fields)
            parsed.warn(
                (key,), f"{key} is not a hyperparameter; it has no effect" + (f"; {near}" if near else "")
            )
        if found.exploration_type not in EXPLORATION_TYPES:
            near = did_you_mean(found.exploration_type, EXPLORATION_TYPES)
            parsed.warn(
                ("exploration_type",),
                f"exploration_type {found.exploration_type} is unknown" + (f"; {near}" if near else ""),
            )
        if found.stack_size != 1:
            parsed.warn(
                ("stack_size",), f"stack_size {found.stack_size} has no effect: networks see one image"
            )
        found._warnings = tuple(parsed.warnings)
        found._places = {key: parsed.where((key,)) for key in parsed.value}
        return found

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the file, one line each."""
        return self._warnings

    def where(self, name: str) -> str:
        """`file:line` of a value; the name of the file if the value is a default or came without one."""
        return self._places.get(name, "hyperparameters.json")

    def without_effect(
        self, algorithm: str, *, is_continuous: bool = False, is_guided: bool = False
    ) -> tuple[str, ...]:
        """A warning for each key in the file that has no use with this algorithm, actions and method, one line each."""
        others = {key for name, keys in _ONLY_OF.items() if name != algorithm for key in keys}
        unused = (others - _ONLY_OF.get(algorithm, others)) | _UNUSED_BY.get(algorithm, set())
        why = self._idle_exploration(is_continuous)
        if is_guided:
            unused -= {"beta_entropy"}  # the teacher's
            idle = (key for key, written in _IDLE_WHEN_GUIDED.items() if self._is_unusual(key, written))
            why |= dict.fromkeys(idle, "in guided training (DR_TRAIN_METHOD)")
        why |= dict.fromkeys(unused, f"on {algorithm}")
        return tuple(
            f"{place}: {key} has no effect {why[key]}" for key, place in self._places.items() if key in why
        )

    def _idle_exploration(self, is_continuous: bool) -> dict[str, str]:
        """Why keys of exploration have no effect, unless they are as they always are."""
        if self.exploration_type != "e-greedy":
            changed = (key for key in _E_GREEDY if self._is_unusual(key))
            return dict.fromkeys(changed, "without exploration_type e-greedy")
        return {"exploration_type": "on continuous actions, whose noise explores"} if is_continuous else {}

    def _is_unusual(self, key: str, *usual: object) -> bool:
        return getattr(self, key) not in (type(self).model_fields[key].default, *usual)

    def resolved(self, algorithm: str = "clipped_ppo") -> dict[str, Any]:
        """All values by name, as in `ip/hyperparameters.json`, without those only other algorithms use."""
        particular = {key for keys in _ONLY_OF.values() for key in keys}
        left_out = particular - _ONLY_OF.get(algorithm, particular)
        return {key: value for key, value in self.model_dump(exclude=left_out).items() if value is not None}
