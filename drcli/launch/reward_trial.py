"""The trial call of the reward function before a run starts, with an action of the model.

Containers have their own packages: a module that is not installed on this machine may be in the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from drcli import missing_package
from drcli.config.model_metadata import ModelMetadata
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.launcher import launcher_of
from drcli.launch.race_checks import params_at_start
from drcli.launch.simapp import is_ours

if TYPE_CHECKING:
    from drcli.sim.track import Track


class Trial(NamedTuple):
    """The reward at the start line; None if the function could not be called here, with the reason."""

    reward: float | None
    warnings: tuple[str, ...] = ()


def try_reward(
    settings: Settings, source: bytes, path: Path, track: Track, metadata: ModelMetadata | None
) -> Trial:
    """Call the function once, with an action of the model if that is known.

    Raises:
        DrError: it fails, with file, line and hint; not if it lacks a module that only the image needs to have.
    """
    from drcli.sim.reward import RewardFunction, try_once

    try:
        reward = RewardFunction(source.decode(errors="replace"), str(path))
        added = params_at_start(settings, track)
        return Trial(try_once(reward, track, *typical_action(metadata), added))
    except DrError as fault:
        missing = fault.__cause__
        module = missing.name if isinstance(missing, ModuleNotFoundError) else None
        if not module or missing_package.is_beside(module, path.parent) or not _has_own_image(settings):
            raise
        return _without_module(settings, module, fault)


def typical_action(metadata: ModelMetadata | None) -> tuple[float, float]:
    """Steering (degrees) and speed (m/s) of an action of this model, the one that steers least."""
    if metadata is None:
        return 0.0, 1.0
    if metadata.continuous:
        steering, speed = metadata.continuous.steering_angle_deg, metadata.continuous.speed_mps
        return min(max(0.0, steering.low), steering.high), (speed.low + speed.high) / 2
    actions = [(action.steering_angle_deg, action.speed_mps) for action in metadata.discrete or ()]
    return min(actions, key=lambda action: abs(action[0]))


def _has_own_image(settings: Settings) -> bool:
    """Whether the workers run in an image that `dr images build` makes."""
    return is_ours(settings) and bool(launcher_of(settings.docker_style).image(settings))


def _without_module(settings: Settings, module: str, fault: DrError) -> Trial:
    """The module is not installed here. Raises DrError if the image is known to lack it, too."""
    from drcli.launch.docker import images

    package = missing_package.package_of(module)
    command = missing_package.image_command(package)
    image = images.image_of(settings)
    is_there = images.was_added(package, image)
    if is_there is False:
        raise DrError(fault.message, f"`{command}` adds it to {image}.") from fault.__cause__
    reason = (
        f"{image} contains {package}" if is_there else f"`{command}` builds an image that contains {package}"
    )
    error = fault.message.partition("\n")[0]
    return Trial(None, (f"{error}. The reward function was not called on this machine; {reason}.",))
