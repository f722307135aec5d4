from __future__ import annotations

import pytest

from drcli.config.envfile import Scope, Value, expand_all, parse, parse_override, references
from drcli.config.problems import Problem


def read(text: str | bytes, outer: dict[str, str] | None = None) -> dict[str, str]:
    """Keys and expanded values of an env file without faults."""
    assignments, problems = parse(text.encode() if isinstance(text, str) else text, "run.env")
    assert problems == []
    scope = Scope()
    expand_all(assignments, scope, outer or {})
    return {key: value.text for key, value in scope.known.items()}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", "x"),
        ("A = x", "x"),
        ("export A=x", "x"),
        ("A=", ""),
        ("A=   ", ""),
        ("A=b=c", "b=c"),
        ("A=My Car", "My Car"),
        ("A=My Car   ", "My Car"),
        ('A="My Car"', "My Car"),
        ("A='My Car' # mine", "My Car"),
        ("A=x # (see doc)", "x"),
        ("A= # nothing", ""),
        ("A=#1", "#1"),
        ("A=x#y", "x#y"),
        ("A=0.2,-1;0.5,1", "0.2,-1;0.5,1"),
        ("A=Bob's car", "Bob's car"),
        (r"A=C:\racer\new", r"C:\racer\new"),
        ('A="say \\"hi\\""', 'say "hi"'),
        ("A=$(touch hacked)", "$(touch hacked)"),
        ("A=`touch hacked`", "`touch hacked`"),
        ("A=é ü", "é ü"),
        ("A=100% $5 $", "100% $5 $"),
    ],
)
def test_value_of_a_line(line: str, value: str) -> None:
    assert read(line) == {"A": value}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_newlines_comments_and_bom(newline: str) -> None:
    text = newline.join(["\ufeff# head", "A=1", "", "  # B=2", "xDR_C=3", "lower=4", "A=5"])
    assert read(text) == {"A": "5", "xDR_C": "3", "lower": "4"}


def test_line_numbers_count_blank_lines_and_comments() -> None:
    assignments, _ = parse(b"\n# c\nA=1\n\n\nB=2", "system.env")
    assert [(item.key, item.where) for item in assignments] == [("A", "system.env:3"), ("B", "system.env:6")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=$N-1", "car-1"),
        ("A=${N}_1", "car_1"),
        ("A=$N_1", ""),
        ('A="$N $N"', "car car"),
        ("A='$N'", "$N"),
        ("A=\\$N", "$N"),
        ('A="\\$N"', "$N"),
        ("A=$LATER", ""),
        ("A=$OUTER/x", "outside/x"),
        ("A=${OUTER}", "outside"),
        ("A=${NONE:-fallback}", "fallback"),
        ("A=${N:-fallback}", "car"),
        ("A=${EMPTY:-fallback}", "fallback"),
        ("A=$EMPTY.", "."),
        ("A=$SHADOW", "inside"),
    ],
)
def test_expansion(text: str, value: str) -> None:
    outer = {"OUTER": "outside", "SHADOW": "outside", "LATER": ""}
    assert read(f"N=car\nEMPTY=\nSHADOW=inside\n{text}\nLATER=x\n", outer)["A"] == value


def test_a_secret_is_not_shown_where_the_equals_sign_was_forgotten() -> None:
    for line in (
        b"DR_LOCAL_SECRET_ACCESS_KEY hunter2",
        b"export MY_TOKEN: hunter2",
        b"password hunter2 = x y",
    ):
        _, problems = parse(line, "f")
        assert len(problems) == 1 and "hunter2" not in str(problems[0])


def test_expansion_is_not_repeated() -> None:
    assert read("A='$B'\nB=x\nC=$A")["C"] == "$B"


def test_a_later_line_sees_the_value_before_it() -> None:
    assert read("A=1\nA=$A$A\nB=$A") == {"A": "11", "B": "11"}


def test_unknown_name_is_empty_and_noted() -> None:
    assignments, _ = parse(b"A=1\nB=x$NOPE-$A", "run.env")
    scope = Scope({"Z": Value("0", "default")})
    expand_all(assignments, scope, {})
    assert scope.known["B"] == Value("x-1", "run.env:2")
    assert scope.notices == ["run.env:2: B uses $NOPE, which is not set above; treated as empty"]
    assert scope.used == {"NOPE", "A"}


@pytest.mark.parametrize(
    ("data", "where", "part"),
    [
        (b"A=1\nsource x.sh\n", "f:2", "not an assignment: source x.sh"),
        (b"A=1\nB\n", "f:2", "not an assignment: B"),
        (b"=x", "f:1", "not an assignment"),
        (b"a-b=x", "f:1", "not an assignment"),
        (b"1A=x", "f:1", "not an assignment"),
        (b"A: x", "f:1", "not an assignment"),
        (b'A="x\nB="y"\n', "f:1", "not an assignment"),
        (b'A="x"-1', "f:1", "not an assignment"),
        (b"A=1\nB=\xe9", "f:2", "byte 0xe9"),
        (b"\xff\xfeA\x00=\x001\x00", "f:1", "byte 0xff"),
        (b"A=1\n\nB=\x00", "f:3", "NUL"),
        (b'A="x\\ny"', "f:1", "control character"),
    ],
)
def test_faults_have_their_line(data: bytes, where: str, part: str) -> None:
    _, problems = parse(data, "f")
    assert problems[0].where == where
    assert part in problems[0].message
    assert problems[0].hint


def test_an_open_quote_does_not_swallow_the_lines_below() -> None:
    assignments, problems = parse(b"A='x\nB=2\nC='y'\n", "f")
    assert [item.key for item in assignments] == ["B", "C"]
    assert [problem.where for problem in problems] == ["f:1"]


def test_a_fault_does_not_show_what_may_be_a_secret() -> None:
    _, problems = parse(b'SECRET="hunter2', "f")
    assert "hunter2" not in problems[0].message + problems[0].hint
    assert "SECRET=" in problems[0].message


def test_override_is_taken_as_it_is() -> None:
    found = parse_override('A="x" # y=$Z', "--set")
    assert not isinstance(found, Problem)
    assert (found.key, found.value) == ("A", '"x" # y=$Z')


@pytest.mark.parametrize("text", ["A", "=x", "", "a b=x", "A=x\ny"])
def test_override_that_is_none(text: str) -> None:
    assert isinstance(parse_override(text, "--set"), Problem)


def test_references() -> None:
    assert references(r"$A-${B}/${C:-x} \$D $(E) $1") == {"A", "B", "C"}
