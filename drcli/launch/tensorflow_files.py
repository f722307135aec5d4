"""What a checkpoint of ours lacks for engines that use TensorFlow: the community's and DeepRacer on AWS."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from drcli.config.model_metadata import ModelMetadata
from drcli.config.variable import COMMUNITY
from drcli.contract.checkpoint_names import GRAPH, INDEX, META
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError, UsageError
from drcli.store.checkpoint_files import CheckpointFiles
from drcli.store.checkpoints import Which, choose_checkpoint, read_index
from drcli.store.client import Bucket


def converted(
    bucket: Bucket,
    found: CheckpointFiles,
    metadata: ModelMetadata,
    formats: Collection[str] = ("tensorflow",),
) -> dict[str, bytes]:
    """The files of a stored checkpoint in other formats, by part; see `drcli.train.exports`.

    Raises:
        DrError: the checkpoint is damaged, too large or was deleted, or our engine does not support its model.
    """
    from drcli.train.checkpoint_formats import read_weights
    from drcli.train.exports.export import exported

    contents = found.read(bucket)
    if contents is None:
        raise DrError(f"Checkpoint {found.name} was deleted while it was read.", "Try again.")
    return exported(read_weights(contents, str(found.name)), metadata, formats)


def lacking(bucket: Bucket, found: CheckpointFiles, metadata: ModelMetadata) -> dict[str, bytes]:
    """As `converted`, for TensorFlow, without what replaces a file that another engine wrote."""
    files = converted(bucket, found, metadata)
    if found.is_ours:
        return files
    theirs = found.parts.keys() | (files.keys() - {META, GRAPH} if INDEX in found.parts else set())
    return {part: content for part, content in files.items() if part not in theirs}


def known_to_community(which: Which, prefix: str) -> Literal["best", "last"]:
    """`which`, if the community's engine knows it: it would take the last one instead, without a word.

    Raises:
        UsageError: with the way around it.
    """
    if which == "best" or which == "last":
        return which
    raise UsageError(
        f"Checkpoint {which} of {prefix}: {COMMUNITY} only knows the best and the last one.",
        f"`dr upload-model -L -c {which} --set DR_UPLOAD_S3_PREFIX=NAME` makes a model of it alone.",
    )


def complete(bucket: Bucket, prefix: str, which: Literal["best", "last"]) -> None:
    """Write what the community's engine needs to load a checkpoint of this model, unless it is there.

    That engine loads what deepracer_checkpoints.json names, else the highest number.

    Raises:
        DrError: there is no such checkpoint, or it cannot be converted.
    """
    keys = ModelKeys(prefix)
    found = choose_checkpoint(bucket, keys, which)
    if found.has_tensorflow:
        return
    metadata = ModelMetadata.parse(bucket.get(keys.model_metadata), keys.model_metadata)
    for part, content in lacking(bucket, found, metadata).items():
        bucket.put(keys.checkpoint(str(found.name), part), content)
    bucket.put(keys.coach_checkpoint, str(found.name).encode())
    index = read_index(bucket, keys)
    entry = index and (index.best if which == "best" else index.last)
    if index and entry and entry.name != found.name:  # it names what is not there
        index = replace(index, **{which: replace(entry, name=found.name)})
        bucket.put(keys.checkpoints_index, index.to_json())
