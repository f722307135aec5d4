"""YAML with the line of every value, so that errors can name it; as `drcli.config.jsonc` for JSON."""

from __future__ import annotations

import re

import yaml

from drcli.config.jsonc import Parsed, Pointer
from drcli.errors import UsageError

_DEEPEST = 20
_DATE = "tag:yaml.org,2002:timestamp"  # stays a text
_FLOAT = "tag:yaml.org,2002:float"


class _Loader(yaml.SafeLoader):
    """Plain values; `1e-4` is a number, as in YAML 1.2, where PyYAML wants `1.0e-4`."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != _DATE]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    _FLOAT, re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def parse(text: bytes, filename: str) -> Parsed:
    """Parse one YAML document.

    Raises:
        UsageError: not UTF-8, not YAML, empty, or a key is set twice; with file and line.
    """
    try:
        loader = _Loader(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{filename}:{line}: not UTF-8 text", "save the file as UTF-8") from None
    except yaml.reader.ReaderError as error:
        raise UsageError(f"{filename}: not a text file: {error.reason}") from None
    parsed = Parsed(None, filename)
    try:
        root = loader.get_single_node()
        if root is None:
            raise UsageError(f"{filename}:1: the file is empty")
        _note_lines(root, (), parsed)
        parsed.value = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{filename}:{mark.line + 1}:{mark.column + 1}" if mark else filename
        raise UsageError(f"{where}: {error.problem or 'not YAML'}") from None
    finally:
        loader.dispose()
    return parsed


def _note_lines(node: yaml.Node, path: Pointer, parsed: Parsed) -> None:
    """Note the line of each value, or that of its key; refuse a key that is set twice: YAML would keep the last."""
    parsed.lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > _DEEPEST:
        raise UsageError(f"{parsed.where(path)}: nested too deeply")
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*path, str(key.value))
            if place in parsed.lines:
                raise UsageError(f"{parsed.filename}:{key.start_mark.line + 1}: {key.value} is set twice")
            parsed.lines[place] = key.start_mark.line + 1
            _note_lines(value, place, parsed)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*path, index), parsed)
