from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drcli.config.jsonc import parse
from drcli.errors import UsageError

_LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(_VALUES, st.sampled_from([None, 2]), st.booleans())
def test_reads_all_that_json_reads(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert parse(text, "f").value == value
    assert parse(text, "f").warnings == []


def test_comments_and_trailing_commas_pass_with_a_warning_each() -> None:
    found = parse('// head\n{\n"a": [1, 2,], // one\n/* two\n */ "b": "// no comment",\n}', "f")
    assert found.value == {"a": [1, 2], "b": "// no comment"}
    assert [warning.partition(": ")[0] for warning in found.warnings] == ["f:1", "f:3", "f:5"]


def test_lines_of_keys_and_items() -> None:
    found = parse('{\n "a": [\n  {"b": 1},\n  {"b":\n 2}\n ]\n}', "f")
    assert found.where(("a", 1, "b")) == "f:4"
    assert found.where(("a", 1)) == "f:4"
    assert found.where(("a", 0, "missing")) == "f:3"
    assert found.where(()) == "f:1"


def test_a_key_set_twice_is_named() -> None:
    found = parse('{"a": 1,\n"a": 2}', "f")
    assert found.value == {"a": 2}
    assert found.warnings == ["f:2: a is set twice; the last one counts"]


@pytest.mark.parametrize(
    ("text", "where", "part"),
    [
        ("", "f:1:1", "empty"),
        ("  // nothing\n", "f:2:1", "empty"),
        ('{"a": 1\n "b": 2}', "f:1:8", "a comma or } is missing"),
        ("[1 2]", "f:1:3", "a comma or ] is missing"),
        ('{"a" 1}', "f:1:5", "a colon"),
        ('{"a": }', "f:1:7", "a value is missing"),
        ('{"a": 1', "f:1:8", "is missing"),
        ("{,}", "f:1:2", "a key in double quotes"),
        ("[,]", "f:1:2", "a value is missing"),
        ("{a: 1}", "f:1:2", "a is not allowed here"),
        ("{'a': 1}", "f:1:2", "single quotes"),
        ('{"a": True}', "f:1:7", "True is Python"),
        ('{"a": 01}', "f:1:7", "01 is not a JSON number"),
        ('{"a": .5}', "f:1:7", ".5 is not a JSON number"),
        ('{"a": NaN}', "f:1:7", "NaN is not allowed here"),
        ('{"a": "x\n"}', "f:1:7", "does not end on its line"),
        ('{"a\\q": 1}', "f:1:2", "invalid escape"),
        ("/* x", "f:1:1", "a comment that does not end"),
        ("# x", "f:1:1", "# does not start a comment"),
        ('{"a": 1} {', "f:1:10", "text after the end"),
        ("../hyperparams.json", "f:1:1", ""),
        ("[" * 5000, "f:1:52", "too deep"),
        ("9" * 5000, "f:1:1", "too long"),
        (b'{\n"a": "\xe9"}', "f:2", "UTF-8"),
        ("{\x00}", "f:1:2", "is not allowed here"),
    ],
)
def test_faults_show_line_column_and_cause(text: str | bytes, where: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, "f")
    assert caught.value.message.startswith(f"{where}: ")
    assert part in caught.value.message


def test_a_fault_shows_the_line() -> None:
    with pytest.raises(UsageError) as caught:
        parse('{\n  "lr": 0,5,\n}', "f")
    assert caught.value.message.splitlines()[1].strip() == '"lr": 0,5,'


@given(st.text(alphabet='{}[]",:/*\\ntrue10.eE- \n'))
def test_never_anything_but_a_value_or_a_clear_error(text: str) -> None:
    try:
        value = parse(text, "f").value
    except UsageError as error:
        assert error.message.startswith("f:")
    else:
        json.dumps(value)
