"""What a sweep knows goes from one machine to the next; of its database a whole state, even while it is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from drcli.cloud.sweep_memory import SweepMemory
from drcli.paths import Workspace
from drcli.store.client import Bucket

KEY = "cloud/night/sweeps.tar.gz"
KNOWN = {
    "night/sweep.yaml": "name: night\n",
    "night/sweep.json": "{}",
    "night/variants/fast/state.json": '{"state": "done"}',
    "night/variants/fast/custom_files/reward_function.py": "",
}
LEFT = {"night/loop.log": "x", "night/variants/fast/logs/sagemaker.log": "x", ".other.part/sweep.yaml": "x"}


def test_another_machine_knows_it_all(bucket: Bucket, tmp_path: Path) -> None:
    first, second = Workspace(tmp_path / "1"), Workspace(tmp_path / "2")
    memory = SweepMemory(bucket, KEY, first)
    assert memory.restore() == 0
    memory.sync()
    assert not bucket.exists(KEY)  # no sweep, no object
    folder = first.data / "sweeps"
    for name, text in (KNOWN | LEFT).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with closing(sqlite3.connect(folder / "night" / "optuna.db")) as database:
        database.execute("CREATE TABLE trials (number INTEGER)")
        database.execute("INSERT INTO trials VALUES (7)")
        database.commit()
        database.execute("INSERT INTO trials VALUES (8)")  # not yet committed
        memory.sync()
    assert SweepMemory(bucket, KEY, second).restore() == len(KNOWN) + 1
    arrived = second.data / "sweeps"
    files = {path.relative_to(arrived).as_posix() for path in arrived.rglob("*") if path.is_file()}
    assert files == {*KNOWN, "night/optuna.db"}
    with closing(sqlite3.connect(arrived / "night" / "optuna.db")) as database:
        assert database.execute("SELECT number FROM trials").fetchall() == [(7,)]


def test_only_changes_are_stored(bucket: Bucket, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    memory = SweepMemory(bucket, KEY, workspace)
    path = workspace.data / "sweeps" / "night" / "sweep.json"
    path.parent.mkdir(parents=True)
    path.write_text("1")
    memory.sync()
    bucket.put(KEY, b"as it was")
    memory.sync()
    assert bucket.get(KEY) == b"as it was"
    path.write_text("2")
    memory.sync()
    assert bucket.get(KEY) != b"as it was"
