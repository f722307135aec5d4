"""Updates the buckets and keys in a params document when its model moves. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drcli.config.params_documents import to_yaml
from drcli.contract.keys import ModelKeys, join

_BUCKETS = ("_S3_BUCKET",)
_ARTIFACTS = ("sagemaker-artifacts", "sagemaker-robomaker-artifacts")
_MOST_EVENTS = 2000  # a document has a hundred values
_KEYS = ("_S3_PREFIX", "_S3_KEY", "_S3_OBJECT_KEY", "_S3_OBJECT_PREFIX")


@dataclass(frozen=True)
class Move:
    """The move of a model to another bucket or prefix."""

    bucket: str
    prefix: str
    to_bucket: str
    to_prefix: str

    def bucket_of(self, text: object) -> object:
        """The new bucket if `text` is the model's old one, else `text`."""
        return self.to_bucket if text == self.bucket else text

    def key_of(self, text: object) -> object:
        """The new key if `text` is at or under the model's old prefix, else `text`."""
        if not isinstance(text, str) or not f"{text}/".startswith(f"{self.prefix}/"):
            return text
        return join(self.to_prefix + text.removeprefix(self.prefix))


def retarget(document: bytes, move: Move) -> bytes:
    """The document with the model's new bucket and prefix; unchanged if it cannot be parsed or names neither."""
    values = parse(document)
    moved = _moved_all(values, move)
    return to_yaml(moved).encode() if moved != values else document


def adopt(document: bytes, to_bucket: str, to_prefix: str) -> bytes:
    """As `retarget`, for a document that itself says where the model was; it has the usual metrics now."""
    values = parse(document)
    for job in ("SAGEMAKER_SHARED", "MODEL"):
        bucket, prefix = (_first(values.get(f"{job}_S3_{part}")) for part in ("BUCKET", "PREFIX"))
        # The consoles keep what the trainer writes in a folder of its own, next to the rest of the model.
        above, _, last = prefix.strip("/").rpartition("/")
        for old in (prefix.strip("/"), above if last in _ARTIFACTS else ""):
            if bucket and old:
                values = _moved_all(values, Move(bucket, old, to_bucket, to_prefix))
    if "METRICS_S3_OBJECT_KEY" in values and "SAGEMAKER_SHARED_S3_PREFIX" in values:
        metrics = ModelKeys(to_prefix).default_metrics
        values |= {"METRICS_S3_BUCKET": to_bucket, "METRICS_S3_OBJECT_KEY": metrics}
    return to_yaml(values).encode()


def parse(document: bytes) -> dict[Any, Any]:
    """The values of a params document; none if it is not one."""
    import yaml

    try:
        values = yaml.safe_load(document) if _is_flat(document) else None
    except (yaml.YAMLError, ValueError, OverflowError):  # 2022-99-99 is a ValueError
        return {}
    return values if isinstance(values, dict) else {}


def _first(value: object) -> str:
    """A text, the first of several (a race has one for each car), or nothing."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""


def _is_flat(document: bytes) -> bool:
    """Whether it is keys with values or lists of values. Foreign YAML can nest and repeat itself without end."""
    import yaml

    depth = 0
    for number, event in enumerate(yaml.parse(document)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        repeats = (
            depth > 1
            if isinstance(event, yaml.AliasEvent)
            else isinstance(event, yaml.MappingStartEvent) and event.anchor is not None
        )
        if repeats or depth > 2 or number > _MOST_EVENTS:
            return False
    return True


def _moved_all(values: Mapping[Any, Any], move: Move) -> dict[Any, Any]:
    return {key: _moved(str(key), value, move) for key, value in values.items()}


def _moved(key: str, value: Any, move: Move) -> Any:
    if isinstance(value, list):
        return [_moved(key, item, move) for item in value]
    if key.endswith(_BUCKETS):
        return move.bucket_of(value)
    return move.key_of(value) if key.endswith(_KEYS) else value
