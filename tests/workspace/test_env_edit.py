from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drcli.config.envfile import parse
from drcli.errors import DrError, UsageError
from drcli.workspace.env_edit import ChangedLine, Edit, edited

LINES = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("A=x", "y", "A=y"),
        ("A=x # note", "y", "A=y # note"),
        ('A="x"   # note', "y", 'A="y"   # note'),
        ("A='x'#note", "y", "A='y'#note"),
        ("A='x'", "$B-2", 'A="$B-2"'),
        (" export  A = x", "y", " export  A = y"),
        ("A= # note", "y", "A=y # note"),
        ("A=#1", "y", "A=y"),
        ("A=x#y", "z", "A=z"),
        ("A=", "y", "A=y"),
        ("A=x", "", "A="),
        ("A=x", "y # z", 'A="y # z"'),
        ("A=x", "it's", "A=it's"),
        ("A=x", "'q'", "A=\"'q'\""),
        ("A=x", 'say "hi"\\', 'A=say "hi"\\'),
        ("#A=1\nA=2\n", "3", "#A=1\nA=3\n"),
        ("A=1\r\nB=1\r\n", "3", "A=3\r\nB=1\r\n"),
        ("A=1\nB=$A\nA=2", "3", "A=1\nB=$A\nA=3"),
        ("\ufeffA=1", "2", "\ufeffA=2"),
        ("", "1", "A=1\n"),
        ("B=1", "2", "B=1\nA=2\n"),
        ("B=1\r\n", "2", "B=1\r\nA=2\r\n"),
        ("C=1\nB=${A}x\n", "2", "C=1\nA=2\nB=${A}x\n"),
        ("B='$A'\n", "2", "B='$A'\nA=2\n"),
    ],
)
def test_one_value(before: str, value: str, after: str) -> None:
    assert edited(before.encode(), {"A": value}, "run.env")[0].decode() == after


def test_lines_that_changed() -> None:
    after, lines = edited(b"# head\nA=1\nB=2\nC=$D\n", {"B": "3", "A": "1", "D": "4"}, "run.env")
    assert after == b"# head\nA=1\nB=3\nD=4\nC=$D\n"
    assert lines == (ChangedLine(3, "B=2", "B=3"), ChangedLine(4, "", "D=4"))
    assert [line.diff for line in lines] == ["-B=2\n+B=3", "+D=4"]


@pytest.mark.parametrize(
    "value", ["a\nb", "a\rb", "a\0", "\x1b[0m", "\x7f", "\x9b31m", "\ud800", "x" * 20_000]
)
def test_what_cannot_stand_in_an_env_file(value: str) -> None:
    with pytest.raises(UsageError, match="The value of A"):
        edited(b"A=1\n", {"A": value}, "run.env")


def planned(path: Path, values: Mapping[str, str]) -> Edit:
    before = path.read_bytes()
    after, lines = edited(before, values, path.name)
    return Edit(path, before, after, lines)


def test_a_file_with_faults_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "run.env"
    path.write_bytes(b"A=1\nnonsense\n")
    with pytest.raises(UsageError, match=r"run\.env:2"):
        planned(path, {"A": "2"}).write()
    assert path.read_bytes() == b"A=1\nnonsense\n"


NAMES = st.sampled_from(["A", "B", "DR_X", "longer_name"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
ENV_LINES = st.one_of(
    st.just(""),
    st.builds("  # {}".format, TEXTS),
    st.builds("#{}={}".format, NAMES, TEXTS),
    st.builds(
        "{}{}{}={}{}{}".format,
        st.sampled_from(["", " ", "export "]),
        NAMES,
        st.sampled_from(["", " "]),
        st.sampled_from(["", " ", "\t"]),
        st.one_of(TEXTS, st.builds('"{}"'.format, TEXTS), st.builds("'{}'".format, TEXTS)),
        st.sampled_from(["", " ", " # note", "#no", '\t# "x"']),
    ),
)
FILES = st.builds(
    lambda lines, end: "".join(a + b for a, b in lines) + end,
    st.lists(st.tuples(ENV_LINES, NEWLINES)),
    ENV_LINES,
)


@given(FILES, st.dictionaries(NAMES, TEXTS, min_size=1))
def test_the_loader_reads_the_new_values_and_all_other_lines_stay(text: str, values: dict[str, str]) -> None:
    data = text.encode()
    before, faults = parse(data, "f")
    try:
        after, lines = edited(data, values, "f")
    except UsageError:
        assert faults or any(not _can_stand(value) for value in values.values())
        return
    found, problems = parse(after, "f")
    assert problems == []
    last = {item.key: item for item in found}
    assert {name: last[name].value for name in values} == values
    assert not any(last[name].literal and "$" in value for name, value in values.items())
    assert {item.key: item.value for item in before if item.key not in values} == {
        key: item.value for key, item in last.items() if key not in values
    }
    # Byte for byte: without the lines that changed or came, both are the same, but for an end that a last line lacked.
    new, old = LINES.findall(after), LINES.findall(data)
    touched = {line.number - 1 for line in lines}
    kept = [line for index, line in enumerate(new) if index not in touched]
    for line in lines:
        if line.before:
            (place,) = [i for i, other in enumerate(old) if other.rstrip(b"\r\n").decode() == line.before][
                -1:
            ]
            del old[place]
    assert [line.rstrip(b"\r\n") for line in kept] == [line.rstrip(b"\r\n") for line in old]
    assert [a for a in zip(kept, old, strict=True) if a[0] != a[1]] in (
        [],
        [(kept[-1], old[-1])] if kept else [],
    )


def _can_stand(value: str) -> bool:
    return not any(unicodedata.category(char) == "Cc" and char != "\t" for char in value)


def test_permissions_stay_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "run.env"
    path.write_bytes(b"A=1\n")
    path.chmod(0o640)
    edit = planned(path, {"A": "2"})
    edit.write()
    assert edit.lines == (ChangedLine(1, "A=1", "A=2"),)
    assert path.read_bytes() == b"A=2\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [other.name for other in tmp_path.iterdir()] == ["run.env"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    real = tmp_path / "shared" / "run.env"
    real.write_bytes(b"A=1\n")
    link = tmp_path / "run.env"
    link.symlink_to(real)
    planned(link, {"A": "2"}).write()
    assert link.is_symlink() and real.read_bytes() == b"A=2\n"


def test_a_file_that_changed_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "run.env"
    path.write_bytes(b"A=1\n")
    edit = planned(path, {"A": "2"})
    path.write_bytes(b"A=1\nB=by hand\n")
    with pytest.raises(DrError, match="changed meanwhile"):
        edit.write()
    assert path.read_bytes() == b"A=1\nB=by hand\n"
