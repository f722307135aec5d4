"""The checkpoint of an import: the model validation restores it with TensorFlow. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from drcli.config.model_metadata import ModelMetadata
from drcli.config.network_fit import misfits
from drcli.contract.keys import ModelKeys
from drcli.contract.stored_network import StoredNetwork
from drcli.errors import UsageError
from drcli.import_checks.findings import VALIDATED_METADATA, ImportFault, fault
from drcli.tensorflow.tensor_bundle import num_data_bytes, shapes_in

_LAYOUT = ModelKeys("")  # names under a prefix
INDEX, COACH = _LAYOUT.checkpoints_index, _LAYOUT.coach_checkpoint

_FILES = ("data-00000-of-00001", "index", "meta")
_FILE = re.compile(r"model/((\d+)_Step-\d+\.ckpt)\.([\w-]+)")


def check_checkpoint(sizes: Mapping[str, int], documents: Mapping[str, bytes]) -> Iterator[ImportFault]:
    """The last and the best checkpoint that the documents name, or the one with the highest number instead.

    Source: deepracer-simapp markov/validation_worker.py _validate; markov/boto/s3/files/checkpoint_files/
    {deepracer_checkpoint_json,rl_coach_checkpoint,tensorflow_model}.py.
    """
    if not (sizes.get(INDEX) or sizes.get(COACH)):
        hint = f"{INDEX.rpartition('/')[2]} names the last and the best checkpoint"
        yield fault("model/", "deepracer_checkpoints.json and .coach_checkpoint are both missing", hint)
        return
    there: dict[str, set[str]] = {}
    for match in filter(None, map(_FILE.fullmatch, sizes)):
        there.setdefault(match[1], set()).add(match[3])
    if not there:
        yield fault("model/", "has no checkpoint", f"it needs N_Step-M.ckpt.{{{','.join(_FILES)}}}")
        return
    highest = max(there, key=lambda name: int(name.partition("_")[0]))
    named = _named(documents) or [highest]
    for name in dict.fromkeys(name if name in there else highest for name in named):
        yield from _complete(name, sizes, documents)


def _complete(name: str, sizes: Mapping[str, int], documents: Mapping[str, bytes]) -> Iterator[ImportFault]:
    file = f"model/{name}"
    missing = [part for part in _FILES if f"{file}.{part}" not in sizes]
    if missing and f"{file}.safetensors" in sizes:
        hint = "`dr upload-model` writes both"
        yield fault(file, "has the weights of drcli's engine, not a TensorFlow checkpoint", hint)
    elif missing:
        yield fault(file, f"is incomplete; missing: {', '.join(missing)}", "copy all files of the checkpoint")
    elif f"{file}.index" in documents:
        for problem in _problems(documents[f"{file}.index"], sizes[f"{file}.{_FILES[0]}"], documents):
            yield fault(file, problem, "choose another checkpoint, or the metadata it was trained with")


def _problems(index: bytes, data_bytes: int, documents: Mapping[str, bytes]) -> Iterator[str]:
    """Why it could not be restored into the graph that its metadata describe."""
    try:
        network, wanted_bytes = StoredNetwork.of(shapes_in(index)), num_data_bytes(index)
    except ValueError as error:
        yield f"is damaged: {error}"
        return
    if data_bytes < wanted_bytes:
        yield f"is cut off: {data_bytes:,} of {wanted_bytes:,} bytes"
    with suppress(UsageError):  # what is wrong in the metadata is said of the metadata
        metadata = ModelMetadata.parse(documents.get(VALIDATED_METADATA, b""), VALIDATED_METADATA)
        yield from (f"does not fit: {problem}" for problem in misfits(network, metadata))


def _named(documents: Mapping[str, bytes]) -> list[str]:
    """The last and the best; without a last one only that of .coach_checkpoint counts."""
    names = [name for key in ("last_checkpoint", "best_checkpoint") if (name := _name(documents, key))]
    if names and _name(documents, "last_checkpoint"):
        return names
    coach = documents.get(COACH, b"").decode(errors="replace").strip()
    return [coach] if coach else []


def _name(documents: Mapping[str, bytes], key: str) -> str:
    try:
        name = json.loads(documents.get(INDEX, b"{}"))[key]["name"]
    except (ValueError, KeyError, TypeError):
        return ""  # the validation then uses .coach_checkpoint
    return name if isinstance(name, str) else ""
