"""What the import of DeepRacer on AWS would refuse or change, as commands that send a model show it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from drcli.cli import present
from drcli.errors import DrError

if TYPE_CHECKING:
    from drcli.import_checks.findings import ImportFault


def show_refused(findings: Iterable[ImportFault], *, hint: str, but: str = "") -> None:
    """Warn of what would be refused; with a hint at how to send the model all the same, raise DrError instead.

    but: what a warning says beside that.
    """
    from drcli.import_checks.findings import refused

    bad = refused(findings)
    lines = "\n".join(f"  {finding}" for finding in bad)
    if bad and hint:
        raise DrError(f"DeepRacer on AWS would refuse to import this model:\n{lines}", hint)
    if bad:
        present.warn(f"DeepRacer on AWS would refuse to import this model{but}:\n{lines}")


def show_notes(findings: Iterable[ImportFault]) -> None:
    """What it takes, but changes or ignores."""
    present.say_all(f"note: {finding}" for finding in findings if finding.severity == "note")
