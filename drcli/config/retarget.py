"""Updates the buckets and keys in a params document when its model moves. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drcli.config.params_documents import to_yaml

_BUCKETS = ("_S3_BUCKET",)
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
        return self.to_prefix + text.removeprefix(self.prefix)


def retarget(document: bytes, move: Move) -> bytes:
    """The document with the model's new bucket and prefix; unchanged if it cannot be parsed or names neither."""
    import yaml

    try:
        values = yaml.safe_load(document)
    except yaml.YAMLError:
        return document
    if not isinstance(values, dict):
        return document
    moved = {key: _moved(str(key), value, move) for key, value in values.items()}
    return to_yaml(moved).encode() if moved != values else document


def _moved(key: str, value: Any, move: Move) -> Any:
    if isinstance(value, list):
        return [_moved(key, item, move) for item in value]
    if key.endswith(_BUCKETS):
        return move.bucket_of(value)
    return move.key_of(value) if key.endswith(_KEYS) else value
