"""What a check of the import finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

REWARD, METADATA, PARAMS = "reward_function.py", "model_metadata.json", "training_params.yaml"
HYPERPARAMETERS = "ip/hyperparameters.json"
VALIDATED_METADATA = f"model/{METADATA}"  # the model validation reads this copy


@dataclass(frozen=True)
class ImportFault:
    """`refused`: the import fails; `note`: it succeeds, but perhaps not as expected."""

    severity: Literal["refused", "note"]
    file: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def fault(file: str, message: str, hint: str = "") -> ImportFault:
    """Something that makes the import fail."""
    return ImportFault("refused", file, message, hint)


def note(file: str, message: str, hint: str = "") -> ImportFault:
    """Something that the import takes, but changes or ignores."""
    return ImportFault("note", file, message, hint)


def refused(findings: Iterable[ImportFault]) -> list[ImportFault]:
    """The faults that make the import fail."""
    return [finding for finding in findings if finding.severity == "refused"]
