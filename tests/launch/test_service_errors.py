from __future__ import annotations

import pytest

from drcli.launch.service_errors import last_exception, last_words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ("", "")),
        ("all is well", ("", "")),
        ("ERROR: old\nHINT: no\nERROR: new\n  more\nHINT: do\nthis", ("new\n  more", "do\nthis")),
        ("ERROR: new\n  more", ("new\n  more", "")),
    ],
)
def test_last_words(said: str, expected: tuple[str, str]) -> None:
    assert last_words(said.splitlines()) == expected


def test_last_exception() -> None:
    said = [
        "Traceback (most recent call last):",
        "  x = {}['no']",
        "KeyError: 'no'",
        "",
        "ValueError: later.",
    ]
    assert last_exception(said) == ": ValueError: later"
    assert last_exception(["no Error here"]) == ""
