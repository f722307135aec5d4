from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_samples import contents, make_model, name

from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from drcli.store import model_files
from drcli.store.checkpoint_files import checkpoints_among
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, stop_server
from drcli.store.transfer import Content, Meter, Stored, prefix_of, recover, replace_files

NEW: dict[str, Content] = {
    "model/3_Step-300.ckpt.safetensors": b"weights of 3" * 1000,
    "model/.coach_checkpoint": b"3_Step-300.ckpt",
    "model/deepracer_checkpoints.json": (
        b'{"best_checkpoint": {"name": "3_Step-300.ckpt"}, "last_checkpoint": {"name": "3_Step-300.ckpt"}}'
    ),
    "model_metadata.json": b"{}",
    "training_params.yaml": b"new: 1\n",
}


class Killed(BaseException):
    """The client dies here: nothing it does from now on reaches the store."""


class Mortal(Bucket):
    life = 0

    def _step(self) -> None:
        if self.life <= 0:
            raise Killed
        self.life -= 1

    def put(self, key: str, data: bytes) -> None:
        self._step()
        super().put(key, data)

    def copy(self, src_key: str, dst_key: str) -> None:
        self._step()
        super().copy(src_key, dst_key)

    def upload_file(self, path: Path, key: str, progress: Any = None) -> None:
        self._step()
        super().upload_file(path, key, progress)

    def delete(self, keys: Any) -> None:
        for key in keys:
            self._step()
            super().delete([key])


class Failing(Mortal):
    """As `Mortal`, but the store says no, once."""

    def _step(self) -> None:
        self.life -= 1
        if self.life == -1:
            raise DrError("the store says no")


def under(prefix: str, files: dict[str, Content]) -> dict[str, Content]:
    return {f"{prefix}/{name}": content for name, content in files.items()}


def test_into_an_empty_prefix(bucket: Bucket, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"from a file")
    bucket.put("elsewhere", b"from an object")
    (elsewhere,) = bucket.list("elsewhere")
    told: list[tuple[str, int, int]] = []
    files: dict[str, Content] = {**NEW, "a": path, "b/c": Stored(elsewhere)}
    total = sum(len(item) for item in NEW.values() if isinstance(item, bytes)) + 25
    meter = Meter(total, lambda *words: told.append(words))
    replace_files(bucket, "team/model", files, meter=meter)
    wanted = {"elsewhere": b"from an object", **under("team/model", NEW)}
    assert contents(bucket) == {**wanted, "team/model/a": b"from a file", "team/model/b/c": b"from an object"}
    assert told[-1][1:] == (total, total)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


@pytest.mark.slow
@pytest.mark.parametrize("wipe", [False, True])
def test_a_client_killed_at_any_step(bucket: Bucket, wipe: bool) -> None:
    """Before the plan is there: as before. After: `recover` finishes. Readers find a whole checkpoint throughout."""
    neighbours: dict[str, bytes] = {
        "model-10/model/x": b"sibling",
        "mode": b"",
        "model.drcli-notes/a": b"a user's",
    }
    mortal = Mortal(bucket.config)
    outcomes, life = [], 0
    while not outcomes or outcomes[-1] != "whole":
        bucket.delete(info.key for info in bucket.list())
        for key, data in neighbours.items():
            bucket.put(key, data)
        make_model(bucket, "model", [1, 2], community=False)
        before = contents(bucket)
        drop = model_files.outdated("model", bucket.list("model/"), NEW, wipe=wipe)
        after = {key: data for key, data in before.items() if key not in drop} | under("model", NEW)
        mortal.life = life
        try:
            replace_files(mortal, "model", NEW, drop=drop)
            outcomes.append("whole")
        except Killed:
            now = contents(bucket, "model/")
            names = {key.removeprefix("model/") for key in now}
            chosen = checkpoints_among("model", bucket.list("model/"))
            assert name(3) in chosen or {name(1), name(2)} <= set(chosen)
            coach = now["model/model/.coach_checkpoint"].decode()
            assert f"model/{coach}.safetensors" in names
            if recover(bucket, "model"):
                outcomes.append("switched")
            else:  # with the plan gone, what is left of the staging is only swept later
                outcomes.append("done" if "model/model_metadata.json" in now else "untouched")
        wanted = before if outcomes[-1] == "untouched" else after
        assert contents(bucket, "model/") == {k: v for k, v in wanted.items() if k.startswith("model/")}
        assert {key: bucket.get(key) for key in neighbours} == neighbours
        if outcomes[-1] in ("switched", "whole"):
            assert contents(bucket) == after, "nothing staged is left"
        life += 1
    assert outcomes == sorted(outcomes, key=["untouched", "switched", "done", "whole"].index)
    assert outcomes.count("untouched") == len(NEW) + 1 and outcomes.count("switched") > len(NEW)


def test_what_was_never_complete_is_swept_once_it_is_old(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("model.drcli-0123456789ab/0000", b"staged")
    bucket.put("model.drcli-0123456789ab/notes", b"not ours")
    bucket.put("model.drcli-old/0000", b"not ours")
    bucket.put("model-1.drcli-0123456789ab/0000", b"of another model")
    assert not recover(bucket, "model")
    assert len(bucket.list()) == 4, "another client may be at it"
    monkeypatch.setattr("drcli.store.transfer._ABANDONED_S", -1.0)
    assert not recover(bucket, "model")
    assert [info.key for info in bucket.list()] == [
        "model-1.drcli-0123456789ab/0000",
        "model.drcli-0123456789ab/notes",
        "model.drcli-old/0000",
    ]


@pytest.mark.parametrize("life", range(len(NEW) + 1))
def test_a_store_that_says_no_leaves_nothing_behind(bucket: Bucket, life: int) -> None:
    make_model(bucket, "model", [1, 2])
    before = contents(bucket)
    failing = Failing(bucket.config)
    failing.life = life
    with pytest.raises(DrError, match="the store says no"):
        replace_files(failing, "model", NEW)
    assert contents(bucket) == before


def test_a_switch_that_is_cut_off_says_so_and_is_finished(bucket: Bucket) -> None:
    failing = Failing(bucket.config)
    failing.life = len(NEW) + 3
    with pytest.raises(DrError, match="the switch of model was interrupted") as caught:
        replace_files(failing, "model", NEW)
    assert "the same command completes" in caught.value.hint
    assert recover(bucket, "model")
    assert contents(bucket) == under("model", NEW)
    assert not recover(bucket, "model")


def test_a_plan_that_reaches_beyond_its_prefix_is_refused(bucket: Bucket) -> None:
    bucket.put("model-10/precious", b"sibling")
    for drop in ("model-10/precious", "model", "modelx", ""):
        with pytest.raises(ValueError, match="beyond"):
            replace_files(bucket, "model", {"a": b""}, drop=[drop])
    bucket.put("model.drcli-0123456789ab/plan.json", b'{"names": [], "drop": ["model-10/precious"]}')
    with pytest.raises(ValueError, match="beyond"):
        recover(bucket, "model")
    assert bucket.get("model-10/precious") == b"sibling"


def test_a_client_killed_in_the_middle_of_a_file(bucket: Bucket, tmp_path: Path) -> None:
    make_model(bucket, "model", [1])
    before = contents(bucket)
    big = tmp_path / "big"
    big.write_bytes(os.urandom(1 << 20) * 8)
    config = bucket.config
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom drcli.store.client import Bucket, StoreConfig\n"
        "from drcli.store.transfer import Meter, replace_files\n"
        "def tell(*words):\n    print('moving', flush=True); time.sleep(600)\n"
        f"config = StoreConfig({config.bucket!r}, {config.endpoint_url!r}, access_key={config.access_key!r},"
        " secret_key=sys.stdin.readline().strip())\n"
        f"replace_files(Bucket(config), 'model', {{'big': Path({str(big)!r})}}, meter=Meter(8 << 20, tell))\n"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert client.stdin and client.stdout
    client.stdin.write(f"{config.secret_key}\n")
    client.stdin.close()
    assert client.stdout.readline() == "moving\n"
    client.send_signal(signal.SIGKILL)
    client.wait(30)
    client.stdout.close()
    assert contents(bucket, "model/") == before
    assert not recover(bucket, "model")


def test_a_store_that_goes_away(workspace: Workspace, free_port: int, tmp_path: Path) -> None:
    bucket = Bucket(ensure_server(workspace, free_port, "bucket"))
    make_model(bucket, "model", [1])
    before = contents(bucket)
    big = tmp_path / "big"
    big.write_bytes(b"b" * (4 << 20))

    def tell(name: str, _done: int, _total: int) -> None:
        if name == "big":
            stop_server(workspace)

    with pytest.raises(DrError):
        replace_files(bucket, "model", {"a": b"1", "big": big}, meter=Meter(1, tell))
    ensure_server(workspace, free_port, "bucket")
    assert contents(bucket, "model/") == before


@pytest.mark.parametrize("text", ["model", "/model/", " team/model-1 ", "ünï/$x"])
def test_prefixes(text: str) -> None:
    assert prefix_of(text) == text.strip(" /")


@pytest.mark.parametrize("text", ["", "/", "  ", ".", "..", "a/../b", "a//b", "./a", "a/.", "../a"])
def test_what_is_no_prefix(text: str) -> None:
    with pytest.raises(UsageError, match="not a valid model prefix"):
        prefix_of(text)


def test_what_arrives_is_counted(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    put: Callable[..., None] = Bucket.put

    def lossy(self: Bucket, key: str, data: bytes) -> None:
        put(self, key, data[:-1] if key.endswith("/0001") else data)

    monkeypatch.setattr(Bucket, "put", lossy)
    with pytest.raises(DrError, match="differ from those sent"):
        replace_files(bucket, "model", NEW)
    assert contents(bucket) == {}
