"""The folder as a whole: names, sizes, and the names that a user gives to an import. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from drcli.import_checks.findings import (
    HYPERPARAMETERS,
    METADATA,
    PARAMS,
    REWARD,
    VALIDATED_METADATA,
    ImportFault,
    fault,
    note,
)

_MOST_BYTES = 1 << 30
_MOST_FILES = 1000  # one answer of ListObjectsV2
_HOME = {
    METADATA: "the API reads it at the top of the folder",
    REWARD: "the API reads it at the top of the folder",
    PARAMS: "the API reads it at the top of the folder",
    HYPERPARAMETERS: "the API reads it in ip/",
    VALIDATED_METADATA: "the model validation reads this copy",
}
_NAME, _LONGEST_NAME = re.compile(r"[a-zA-Z0-9-]+"), 64
_DESCRIPTION, _LONGEST_DESCRIPTION = re.compile(r"[a-zA-Z0-9 -]+"), 255


def check_folder(sizes: Mapping[str, int]) -> Iterator[ImportFault]:
    """Files that have to be there, and limits of size and number.

    Source: website/src/pages/ImportModel/{constants.ts,ImportModel.tsx} (names, 1 GiB), lambda/src/import-workflow/
    utils/ImportHelper.ts (where the API reads; an empty file counts as missing; copies the first 1,000 files).
    """
    for name, home in _HOME.items():
        base = name.rpartition("/")[2]
        elsewhere = [other for other in sizes if other.rpartition("/")[2] == base and other not in _HOME]
        if name not in sizes:
            yield fault(name, "is missing", f"move {elsewhere[0]} there; {home}" if elsewhere else home)
        elif not sizes[name]:
            yield fault(name, "is empty", home)
    total = sum(sizes.values())
    if total > _MOST_BYTES:
        yield fault(
            "the folder",
            f"is {total / 1e6:,.0f} MB; the limit is {_MOST_BYTES / 1e6:,.0f} MB",
            "leave out videos, simtraces and other checkpoints: `dr upload-model` takes one checkpoint",
        )
    if len(sizes) > _MOST_FILES:
        yield note("the folder", f"has {len(sizes):,} files; only the first {_MOST_FILES:,} are imported")


def check_request(name: str, description: str = "") -> Iterator[ImportFault]:
    """Name and description of the model in DeepRacer on AWS.

    Source: lambda/src/api/handlers/importModel.ts validateRequest. Its website refuses the longest ones, too
    (website/src/pages/ImportModel/utils/validation.ts).
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield fault(
            "the name",
            f"{name!r} is not allowed",
            f"use 1 to {_LONGEST_NAME} of the letters a to z and A to Z, digits and hyphens",
        )
    if description and (not _DESCRIPTION.fullmatch(description) or len(description) > _LONGEST_DESCRIPTION):
        yield fault(
            "the description",
            f"{description!r} is not allowed",
            f"use at most {_LONGEST_DESCRIPTION} letters, digits, spaces and hyphens",
        )
