"""The key pair of a workspace's own S3 server, embedded or MinIO: random, created once, readable only by its owner."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from drcli.errors import DrError
from drcli.local import write_private


def make_key_pair(path: Path) -> None:
    """Write a random key pair to `path` unless one exists, also if another command creates it meanwhile."""
    if not path.exists():
        pair = {"access_key": f"drcli{secrets.token_hex(8)}", "secret_key": secrets.token_hex(20)}
        write_private(path, pair, replace=False)


def read_key_pair(path: Path) -> tuple[str, str]:
    """The key pair in `path`; empty if there is none. Raises DrError if the file is broken."""
    try:
        pair = json.loads(path.read_text())
        return pair["access_key"], pair["secret_key"]
    except FileNotFoundError:
        return "", ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "Stop the store (`dr store stop`), delete the file, and start again."
        raise DrError(f"{path} is broken.", hint) from error
