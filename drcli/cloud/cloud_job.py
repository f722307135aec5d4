"""What a rented machine is told (`cloud/NAME/job.json`) and what it reports (`cloud/NAME/state.json`).

Written by `dr cloud up` and by the machine, read by the machine and by `dr cloud status`. Neither holds a secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from drcli.contract.keys import CloudKeys

# interrupted: the provider took the machine back, the run has a checkpoint and can be resumed elsewhere
Phase = Literal["starting", "installing", "running", "interrupted", "ended", "failed"]


@dataclass(frozen=True)
class CloudJob:
    """One job of one machine: a command of `dr` in the workspace that is packed next to it.

    command: the words after `dr`, such as `("start-training",)` or `("sweep", "sweep.yaml")`; overrides: KEY=VALUE,
    passed with `--set`; hours: how long the machine may live; resume: continue the model from its last checkpoint;
    endpoint_url: of another S3 server than that of AWS; experiment: the one that the command is for.
    """

    name: str
    bucket: str
    region: str
    command: tuple[str, ...]
    overrides: tuple[str, ...]
    hours: float
    resume: bool
    endpoint_url: str | None = None
    experiment: str = ""

    @property
    def keys(self) -> CloudKeys:
        """Where its objects are in the bucket: this document, the workspace, the state, the logs."""
        return CloudKeys(self.name)

    def to_json(self) -> bytes:
        """As the document in the bucket."""
        return json.dumps(asdict(self), indent=2).encode()

    @classmethod
    def from_json(cls, data: bytes) -> CloudJob:
        """From the document; keys of a newer version are ignored."""
        known = _known(cls, data)
        return cls(**known | {key: tuple(known[key]) for key in ("command", "overrides")})


@dataclass(frozen=True)
class CloudState:
    """What the machine of a job reports, about once a minute. Times are seconds since the epoch.

    message, hint: why it failed, or what is worth knowing; exit_code: of the command, once it has ended; notice_at:
    when the provider takes the machine back, once that is known; machine: who reports, such as an instance id;
    model_prefix: of the model that the job trains, empty if it is not one training.
    """

    phase: Phase
    message: str = ""
    hint: str = ""
    started_at: float = 0.0
    updated_at: float = 0.0
    exit_code: int | None = None
    notice_at: float | None = None
    machine: str = ""
    model_prefix: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the machine has done what it will do."""
        return self.phase in ("interrupted", "ended", "failed")

    def to_json(self) -> bytes:
        """As the document in the bucket."""
        return json.dumps(asdict(self), indent=2).encode()

    @classmethod
    def from_json(cls, data: bytes) -> CloudState:
        """From the document; keys of a newer version are ignored."""
        return cls(**_known(cls, data))


def _known(kind: type[CloudJob] | type[CloudState], data: bytes) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {key: value for key, value in json.loads(data).items() if key in names}
