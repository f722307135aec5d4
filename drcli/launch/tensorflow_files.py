"""What a checkpoint of ours lacks for engines that use TensorFlow: the community's and DeepRacer on AWS."""

from __future__ import annotations

from collections.abc import Collection

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.keys import ModelKeys
from drcli.store.checkpoint_files import CheckpointFiles
from drcli.store.checkpoints import Which, choose_checkpoint
from drcli.store.client import Bucket


def converted(
    bucket: Bucket,
    found: CheckpointFiles,
    metadata: ModelMetadata,
    formats: Collection[str] = ("tensorflow",),
) -> dict[str, bytes]:
    """The files of a stored checkpoint in other formats, by part; see `drcli.train.exports`.

    Raises:
        DrError: the checkpoint is damaged, was deleted meanwhile, or is of a model that our engine does not support.
    """
    from drcli.train.checkpoint_formats import read_weights
    from drcli.train.exports.export import exported

    contents = {part: bucket.get(info.key) for part, info in found.weights.items()}
    return exported(read_weights(contents, str(found.name)), metadata, formats)


def complete(bucket: Bucket, prefix: str, which: Which) -> None:
    """Write the files that the community's engine needs to load a checkpoint of this model, unless they are there.

    Raises:
        DrError: there is no such checkpoint, or it cannot be converted.
    """
    keys = ModelKeys(prefix)
    found = choose_checkpoint(bucket, keys, which)
    if found.has_tensorflow:
        return
    metadata = ModelMetadata.parse(bucket.get(keys.model_metadata), keys.model_metadata)
    for part, content in converted(bucket, found, metadata).items():
        bucket.put(keys.checkpoint(str(found.name), part), content)
    bucket.put(keys.coach_checkpoint, str(found.name).encode())
