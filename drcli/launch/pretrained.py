"""Does a model fit the run that is to continue from it? Checked before the start; what differs is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import Action, ModelMetadata
from drcli.config.network_fit import misfits, renamed_camera
from drcli.config.settings import Settings
from drcli.contract.checkpoint_names import GRAPH
from drcli.contract.keys import ModelKeys
from drcli.contract.stored_network import StoredNetwork
from drcli.errors import DrError, UsageError
from drcli.launch import tensorflow_files
from drcli.launch.simapp import is_ours
from drcli.launch.stored_shapes import read_network
from drcli.store.checkpoint_files import CheckpointFiles
from drcli.store.checkpoints import choose_checkpoint
from drcli.store.client import Bucket

_HINT = "Use the model_metadata.json it was trained with; it is next to the model, in model/."


class Origin(NamedTuple):
    """A checkpoint of a model, its network, and the model's own metadata if it has any."""

    prefix: str
    files: CheckpointFiles
    network: StoredNetwork
    metadata: ModelMetadata | None


def check_pretrained(settings: Settings, bucket: Bucket, metadata: bytes) -> tuple[str, ...]:
    """What differs between the pretrained model and the run, one line each, if the run can continue from it.

    For the community's engine, the files that it loads are written next to the model unless they are there.

    Args:
        settings: settings of the run.
        bucket: where the models are.
        metadata: the run's model_metadata.json.

    Raises:
        DrError: there is no such model, or its network does not fit.
    """
    prefix, which = settings.local_s3_pretrained_prefix, settings.local_s3_pretrained_checkpoint
    if prefix == settings.local_s3_model_prefix:
        raise DrError(
            f"DR_LOCAL_S3_PRETRAINED_PREFIX and DR_LOCAL_S3_MODEL_PREFIX are both {prefix}.",
            "Give the new model another prefix; to continue the same model, use --resume.",
        )
    files = choose_checkpoint(bucket, ModelKeys(prefix), which)
    wanted = _parsed(metadata, "model_metadata.json")
    if wanted is None:  # that is checked elsewhere; other engines may understand it
        origin = None
    else:
        network = read_network(bucket, files)
        origin = Origin(prefix, files, network, _own_metadata(bucket, prefix, network))
        check_fits(origin, wanted, is_renaming=is_ours(settings))
    if not is_ours(settings):
        tensorflow_files.complete(bucket, prefix, tensorflow_files.known_to_community(which, prefix))
    return tuple(_differences(origin, wanted, bucket)) if origin and wanted else ()


def check_fits(origin: Origin, metadata: ModelMetadata, *, is_renaming: bool = True) -> None:
    """Raise DrError if a checkpoint's network is not the one that the metadata describe.

    is_renaming: whether the engine takes a camera's network for another camera with the same picture.
    """
    faults = "; ".join(_faults(origin, metadata, is_renaming=is_renaming))
    if faults:
        raise DrError(f"Checkpoint {origin.files.name} of {origin.prefix} does not fit: {faults}.", _HINT)


def _parsed(content: bytes, name: str) -> ModelMetadata | None:
    try:
        return ModelMetadata.parse(content, name)
    except UsageError:
        return None


def _own_metadata(bucket: Bucket, prefix: str, network: StoredNetwork) -> ModelMetadata | None:
    """The model's own; None if it has none that can be read and describes its network, which counts."""
    key = ModelKeys(prefix).model_metadata
    found = _parsed(bucket.find(key) or b"", key)
    return found if found and not any(misfits(network, found, is_renaming=True)) else None


def _faults(origin: Origin, metadata: ModelMetadata, *, is_renaming: bool) -> Iterator[str]:
    """Where the network of the model cannot be that of the run."""
    yield from misfits(origin.network, metadata, is_renaming=is_renaming)
    old = None if origin.network.neural_networks else origin.metadata
    if old and old.neural_network != metadata.neural_network:
        yield f"its network is {old.neural_network}, not {metadata.neural_network}"


def _differences(origin: Origin, metadata: ModelMetadata, bucket: Bucket) -> Iterator[str]:
    name, old = origin.files.name, origin.metadata
    yield f"Continues from {origin.prefix}, checkpoint {name}; the first of the new model is {name.number + 1}."
    if renamed := renamed_camera(origin.network, metadata):
        yield f"Its camera is called {renamed[0]}, the run's {renamed[1]}; both see the same picture."
    if not origin.network.has_value:
        new = (
            "network starts"
            if origin.network.action_space_type == "discrete"
            else "network and exploration start"
        )
        yield f"Only its policy is there (model_{name.number}.{GRAPH}); the value {new} from scratch."
    if old and metadata.discrete and old.discrete:
        changed = [
            f"action {number}: {_text(before)} becomes {_text(after)}"
            for number, (before, after) in enumerate(zip(old.discrete, metadata.discrete, strict=True))
            if before != after
        ]
        if changed:
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            yield f"The same outputs are other actions now: {', '.join(changed[:3])}{more}."
    elif old and old.continuous != metadata.continuous:
        yield "The bounds of its actions differ, so the same outputs are other actions now."
    yield from _stacked(origin.prefix, bucket)


def _text(action: Action) -> str:
    return f"{action.steering_angle_deg:g}° at {action.speed_mps:g} m/s"


def _stacked(prefix: str, bucket: Bucket) -> Iterator[str]:
    key = ModelKeys(prefix).hyperparameters
    try:
        size = Hyperparameters.parse(bucket.find(key) or b"{}", key).stack_size
    except UsageError:
        return
    if size != 1:
        yield f"Its stack_size is {size}, which has no effect in any engine: its network sees one image."
