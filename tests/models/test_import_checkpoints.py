from __future__ import annotations

import json

import pytest

from drcli.contract.checkpoint_names import CheckpointName
from drcli.errors import DrError
from drcli.models.import_checkpoints import COACH, INDEX, find_checkpoints

PARTS = ("index", "meta", "data-00000-of-00001")


def sizes(*numbers: int) -> dict[str, int]:
    return {f"model/{number}_Step-{number}00.ckpt.{part}": 9 for number in numbers for part in PARTS}


def index(best: object, last: object) -> dict[str, bytes]:
    entries = {
        f"{kind}_checkpoint": {"name": f"{n}_Step-{n}00.ckpt"} for kind, n in (("best", best), ("last", last))
    }
    return {INDEX: json.dumps(entries).encode()}


def coach(number: int) -> dict[str, bytes]:
    return {COACH: f"{number}_Step-{number}00.ckpt\n".encode()}


@pytest.mark.parametrize(
    ("documents", "best", "last", "in_use", "warnings"),
    [
        (index(2, 3) | coach(2), 2, 3, 2, 0),
        (index(1, 3), 3, 3, 3, 1),
        (index(2, 9), 2, 4, 4, 1),
        (index(1, 9) | coach(3), 3, 3, 3, 2),
        (coach(3), 3, 3, 3, 0),
        (coach(9), 4, 4, 4, 0),
        ({}, 4, 4, 4, 0),
        ({INDEX: b"{" * 90000}, 4, 4, 4, 1),
        ({INDEX: b"[" * 90000}, 4, 4, 4, 1),
        (
            {INDEX: b'{"best_checkpoint": {"name": "2_Step-200.ckpt", "time_stamp": 1' + b"0" * 400 + b"}}"},
            4,
            4,
            4,
            1,
        ),
    ],
)
def test_best_and_last(documents: dict[str, bytes], best: int, last: int, in_use: int, warnings: int) -> None:
    found = find_checkpoints(sizes(2, 3, 4), documents)
    assert [name.number for name in found.names] == [2, 3, 4] and found.spare == frozenset()
    assert (found.index.best.name.number, found.index.last.name.number) == (best, last)
    assert found.in_use.number == in_use and len(found.warnings) == warnings


def test_only_graphs() -> None:
    found = find_checkpoints({"model/model_0.pb": 9, "model/model_12.pb": 9}, {})
    assert found.names == (CheckpointName(0, 0), CheckpointName(12, 0))
    assert found.documents[COACH] == b"12_Step-0.ckpt"


def test_files_that_lack_others() -> None:
    files = sizes(2, 3) | {"model/model_3.pb": 9, "model/model_2.pb": 9}
    del files["model/2_Step-200.ckpt.data-00000-of-00001"]
    found = find_checkpoints(files, {})
    assert CheckpointName(3, 300) in found.names
    assert "model/2_Step-200.ckpt.index" in found.spare and "model/model_3.pb" not in found.spare
    assert "2_Step-200.ckpt" in found.warnings[0]
    with pytest.raises(DrError, match=r"no complete checkpoint; of 2_Step-200\.ckpt files are missing"):
        find_checkpoints({"model/2_Step-200.ckpt.index": 9}, {})
