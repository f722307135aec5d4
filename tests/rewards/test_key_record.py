"""Which keys a function reads, however it reads them."""

from __future__ import annotations

import copy

import pytest

from drcli.rewards.key_record import KeyRecord, RecordedParams

PARAMS = {"speed": 1.0, "x": 2.0, "y": 3.0}


def recorded(source: str) -> KeyRecord:
    record = KeyRecord("reward.py")
    space = {"copy": copy}
    exec(compile(source, "reward.py", "exec"), space)
    space["f"](RecordedParams(PARAMS, record))  # type: ignore[operator]
    return record


def test_reads_are_known_by_line() -> None:
    record = recorded("def f(p):\n    a = p['x']\n    b = p.get('y') or 'speed' in p\n    return p['x']")
    assert record.read == {"x": {2, 4}, "y": {3}}
    assert (record.unknown, record.written, record.all_keys) == ({}, set(), False)


def test_what_is_missing_is_asked_for_in_vain() -> None:
    record = recorded(
        "def f(p):\n    p.get('z')\n    'w' in p\n    p.pop('v', 0)\n    try: p['u']\n    except KeyError: pass"
    )
    assert record.unknown == {"z": {2}, "w": {3}, "v": {4}, "u": {5}}


def test_what_the_function_writes_is_its_own() -> None:
    record = recorded(
        "def f(p):\n    p['mine'] = 1\n    p['mine'] += p['mine']\n    p.update(yours=2)\n    p.setdefault('z', 3)"
    )
    assert record.written == {"mine", "yours", "z"}
    assert (record.read, record.unknown) == ({}, {})


@pytest.mark.parametrize(
    "expression",
    ["dict(p)", "{**p}", "list(p)", "p.items()", "sorted(p.keys())", "list(p.values())", "copy.deepcopy(p)"],
)
def test_who_goes_through_all_reads_all(expression: str) -> None:
    record = recorded(f"def f(p):\n    return {expression}")
    assert record.all_keys or record.read.keys() == PARAMS.keys()
