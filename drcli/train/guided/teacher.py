"""The teacher: a small policy that sees the road itself instead of a picture, trained with PPO.

Its policy sees only what a picture shows, too, otherwise the student could not follow; its value network, which
drives nothing, also sees the car's motion (an asymmetric critic, Pinto et al. 2017, arXiv:1710.06542).
"""

from __future__ import annotations

from collections.abc import Sequence

from drcli.config.hyperparameters import Hyperparameters
from drcli.sim.sensors.sensor import sensor_spec
from drcli.train.layers import Architecture, Dense
from drcli.train.model import ModelSpec

SEES, VALUE_ALSO_SEES = ("ROAD_AHEAD",), ("CAR_MOTION",)
TWO_LAYERS = Architecture(embedder=lambda sensor: (), middleware=(Dense(64), Dense(64)))


def teacher_model(model: ModelSpec, also_sees: Sequence[str] = ()) -> ModelSpec:
    """The teacher of a model: other sensors and layers, the same actions.

    also_sees: privileged sensors that show what its races put on the road.
    """
    return ModelSpec(
        tuple(map(sensor_spec, (*SEES, *also_sees))),
        TWO_LAYERS,
        model.head,
        tuple(map(sensor_spec, VALUE_ALSO_SEES)),
    )


def teacher_hyperparameters(of_run: Hyperparameters, is_small: bool = False) -> Hyperparameters:
    """Those of the run that shape what is learned; sizes and rate are the teacher's own.

    is_small: for a teacher that has few steps to learn from, because the reward function is slow.
    """
    return Hyperparameters(
        batch_size=128 if is_small else 512,
        num_epochs=10 if is_small else 6,
        lr=1e-3,
        discount_factor=of_run.discount_factor,
        beta_entropy=of_run.beta_entropy,
        loss_type=of_run.loss_type,
    )
