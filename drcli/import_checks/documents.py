"""Reads the documents of an import as DeepRacer on AWS does: JSON.parse, and YAML 1.2. Pure.

Source: lambda/src/import-workflow/utils/ImportHelper.ts parseImportedFiles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from drcli.import_checks.findings import ImportFault, fault

_BOM = b"\xef\xbb\xbf"


def read_object(documents: Mapping[str, bytes], name: str, found: list[ImportFault]) -> dict[str, Any] | None:
    """A JSON object; None if there is none, with a fault in `found` if the file is broken."""
    if not documents.get(name):
        return None
    problem, hint, value = parse_json(documents[name])
    if not problem and not isinstance(value, dict):
        problem, hint = "is not a JSON object", "it starts with { and ends with }"
    if problem:
        found.append(fault(name, problem, hint))
        return None
    return value  # type: ignore[no-any-return]


def parse_json(content: bytes) -> tuple[str, str, Any]:
    """What is wrong with a JSON document (empty: nothing), what to do about it, and its value."""
    if content.startswith(_BOM):
        return "starts with a byte order mark", "save it as UTF-8 without BOM", None
    try:
        return "", "", json.loads(content.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError:
        return "is not UTF-8", "save it as UTF-8", None
    except (ValueError, RecursionError) as error:
        hint = "comments, NaN and a comma before a closing bracket are not allowed"
        return f"is not valid JSON: {error}", hint, None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a value of JSON")


def read_params(documents: Mapping[str, bytes], name: str, found: list[ImportFault]) -> dict[str, Any] | None:
    """The values of a params document; None if there is none, with a fault in `found` if the file is broken."""
    import yaml

    class Loader(yaml.SafeLoader):
        """As YAML 1.2: only true and false are booleans, and no key stands twice."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML looks for it in the class
            first: [
                (tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
            ]
            for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value]
            twice = next((key for key in keys if keys.count(key) > 1), None)
            if twice is not None:
                raise yaml.YAMLError(f"{twice} stands twice")
            return super().construct_mapping(node, deep)

    if not documents.get(name):
        return None
    try:
        values = yaml.load(documents[name], Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        found.append(
            fault(name, f"is not valid YAML: {_one_line(error)}", "`dr render upload` prints a valid one")
        )
        return None
    if not isinstance(values, dict):
        found.append(fault(name, "contains no values", "`dr render upload` prints what belongs there"))
        return None
    return values


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
