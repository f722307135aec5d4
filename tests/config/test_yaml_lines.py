"""YAML with the line of every value."""

from __future__ import annotations

import pytest

from drcli.config import yaml_lines
from drcli.errors import UsageError


def test_values_are_plain_and_have_lines() -> None:
    text = b"a: 1e-4\nb: [1, yes, 2026-01-01, 0.5]\nc:\n  DR_X: True # why\n  d: null\n"
    parsed = yaml_lines.parse(text, "f.yaml")
    assert parsed.value == {"a": 1e-4, "b": [1, True, "2026-01-01", 0.5], "c": {"DR_X": True, "d": None}}
    assert parsed.where(("b", 2)) == "f.yaml:2"
    assert parsed.where(("c", "d")) == "f.yaml:5"
    assert parsed.where(("c", "missing")) == "f.yaml:3"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: 1\nb: 2\na: 3", "f.yaml:3: a is set twice"),
        (b"a: [1,\n  2", "f.yaml:2"),
        (b"a: b: c", "f.yaml:1:5: mapping values are not allowed here"),
        (b"# nothing\n", "f.yaml:1: the file is empty"),
        (b"a: &x [*x]", "f.yaml:1: nested too deeply"),
        (b"a: 1\nb: \xff", "f.yaml:2: not UTF-8 text"),
        (b"a: !!python/object:os.system x", "could not determine a constructor"),
        (b"\x00", "f.yaml: not a text file"),
    ],
)
def test_faults_are_told_with_their_line(text: bytes, said: str) -> None:
    with pytest.raises(UsageError) as error:
        yaml_lines.parse(text, "f.yaml")
    assert said in error.value.message
