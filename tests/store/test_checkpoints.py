from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.store.checkpoints import (
    CheckpointEntry,
    CheckpointIndex,
    choose_checkpoint,
    list_checkpoints,
    publish_checkpoint,
    read_checkpoint,
    read_index,
)
from drcli.store.client import Bucket

KEYS = ModelKeys("team/model")


def name(number: int) -> CheckpointName:
    return CheckpointName(number, number * 100)


def index(best: int, last: int) -> CheckpointIndex:
    return CheckpointIndex(CheckpointEntry(name(best), 83.5, 12.5), CheckpointEntry(name(last)))


def weights(number: int) -> bytes:
    return f"weights of {number} ".encode() * 1000


def files(number: int) -> dict[str, bytes]:
    return {"safetensors": weights(number)}


def publish(bucket: Bucket, number: int, best: int | None = None) -> None:
    publish_checkpoint(
        bucket, KEYS, name(number), files(number), index(number if best is None else best, number)
    )


def test_a_name_is_parsed_and_written() -> None:
    assert CheckpointName.parse("12_Step-3456.ckpt\n") == (12, 3456)
    assert str(CheckpointName(12, 3456)) == "12_Step-3456.ckpt"
    assert CheckpointName(9, 1) < CheckpointName(10, 0)


@pytest.mark.parametrize("text", ["", "model_12.pb", "12_Step-3456", "12_Step-.ckpt", "a12_Step-1.ckpt"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(DrError, match="not a checkpoint name"):
        CheckpointName.parse(text)


def test_the_index_has_the_communitys_keys() -> None:
    document = json.loads(index(best=3, last=5).to_json())
    assert document == {
        "best_checkpoint": {"name": "3_Step-300.ckpt", "avg_eval_metric": 83.5, "time_stamp": 12.5},
        "last_checkpoint": {"name": "5_Step-500.ckpt", "avg_eval_metric": None, "time_stamp": 0.0},
    }
    assert list(document) == ["best_checkpoint", "last_checkpoint"]
    assert CheckpointIndex.from_json(index(3, 5).to_json()) == index(3, 5)


def test_the_fastest_one_is_a_key_of_ours(bucket: Bucket) -> None:
    with_fastest = replace(index(3, 5), fastest=CheckpointEntry(name(4), 7500.0, 20.0))
    document = json.loads(with_fastest.to_json())
    assert list(document) == ["best_checkpoint", "last_checkpoint", "fastest_checkpoint"]
    assert CheckpointIndex.from_json(with_fastest.to_json()) == with_fastest
    for number in range(1, 9):
        fastest = CheckpointEntry(name(2), 7500.0) if number > 1 else None
        publish_checkpoint(
            bucket, KEYS, name(number), files(number), replace(index(1, number), fastest=fastest)
        )
    assert [found.number for found in list_checkpoints(bucket, KEYS)] == [1, 2, 7, 8]
    assert read_checkpoint(bucket, KEYS, "fastest") == (name(2), files(2))
    bucket.delete([KEYS.checkpoint(str(name(2)))])
    with pytest.raises(DrError, match="The fastest checkpoint of team/model is not known"):
        choose_checkpoint(bucket, KEYS, "fastest")


def test_the_index_of_an_older_engine() -> None:
    entry = {"name": "7_Step-70.ckpt", "time_stamp": 1.5, "avg_comp_pct": 42.0}
    read = CheckpointIndex.from_json(
        json.dumps({"last_checkpoint": entry, "best_checkpoint": entry}).encode()
    )
    assert read.best == CheckpointEntry(CheckpointName(7, 70), 42.0, 1.5)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"best_checkpoint": 1}', '{"best_checkpoint": {"name": "x"}}']
)
def test_a_broken_index_is_named(bucket: Bucket, text: str) -> None:
    bucket.put(KEYS.checkpoints_index, text.encode())
    with pytest.raises(DrError, match=r"team/model/model/deepracer_checkpoints\.json is broken"):
        read_index(bucket, KEYS)


def test_published_is_read_back(bucket: Bucket) -> None:
    publish(bucket, 1)
    publish(bucket, 2, best=1)
    publish(bucket, 3, best=1)
    assert read_checkpoint(bucket, KEYS) == (name(3), files(3))
    assert read_checkpoint(bucket, KEYS, "best") == (name(1), files(1))
    assert read_checkpoint(bucket, KEYS, 2) == (name(2), files(2))
    assert bucket.get(KEYS.coach_checkpoint) == b"3_Step-300.ckpt"
    assert not bucket.exists(KEYS.lock)
    with pytest.raises(DrError, match="no checkpoint 7") as caught:
        read_checkpoint(bucket, KEYS, 7)
    assert caught.value.hint == "It has 1, 2, 3."


def test_four_stay_the_best_one_among_them(bucket: Bucket) -> None:
    for number in range(8):
        bucket.put(f"{KEYS.model_folder}model_{number}.pb", b"graph")
        publish(bucket, number, best=min(number, 2))
    assert [found.number for found in list_checkpoints(bucket, KEYS)] == [2, 5, 6, 7]
    left = {info.key.removeprefix(KEYS.model_folder) for info in bucket.list(KEYS.model_folder)}
    assert left - {f"{name(number)}.safetensors" for number in (2, 5, 6, 7)} == {
        ".coach_checkpoint",
        "deepracer_checkpoints.json",
        *(f"model_{number}.pb" for number in (2, 5, 6, 7)),
    }


def test_what_a_given_up_try_left_goes(bucket: Bucket) -> None:
    """A run that goes on from checkpoint 2 writes another 3; the old 3 and 4 must not pass for newer ones."""
    for number in range(5):
        publish(bucket, number)
    again = CheckpointName(3, 333)
    newest = CheckpointIndex(CheckpointEntry(name(2)), CheckpointEntry(again))
    publish_checkpoint(bucket, KEYS, again, {"safetensors": b"again"}, newest)
    assert list_checkpoints(bucket, KEYS) == [name(1), name(2), again]
    assert read_checkpoint(bucket, KEYS, 3) == (again, {"safetensors": b"again"})


class Killed(BaseException):
    """The writer dies here: no handler of ours may run."""


class Mortal(Bucket):
    """A bucket whose user is killed before the write number `life`."""

    life = 0

    def _step(self) -> None:
        if self.life == 0:
            raise Killed
        self.life -= 1

    def put(self, key: str, data: bytes) -> None:
        self._step()
        super().put(key, data)

    def delete(self, keys: Any) -> None:
        for key in keys:
            self._step()
            super().delete([key])


@pytest.mark.slow
@pytest.mark.parametrize("best", [2, 6])
def test_a_writer_killed_at_any_step_leaves_a_readable_model(bucket: Bucket, best: int) -> None:
    mortal = Mortal(bucket.config)
    finished = False
    for life in range(20):
        bucket.delete_prefix(KEYS.prefix)
        for number in range(1, 6):
            publish(bucket, number, best=2)
        mortal.life = life
        try:
            publish(mortal, 6, best=best)
            finished = True
        except Killed:
            pass
        last, data = read_checkpoint(bucket, KEYS, "last", stale_lock_s=0.0)
        assert data == files(last.number) and last.number in (5, 6)
        good, data = read_checkpoint(bucket, KEYS, "best", stale_lock_s=0.0)
        assert data == files(good.number) and good.number in (2, best)
        publish(bucket, 7, best=7)  # the next writer is not in its way
        assert read_checkpoint(bucket, KEYS) == (name(7), files(7))
        if finished:
            break
    assert finished and life > 6


def test_a_lock_is_waited_for(bucket: Bucket) -> None:
    publish(bucket, 1)
    bucket.put(KEYS.lock, b"")
    looked = threading.Event()

    class Watched(Bucket):
        def list(self, prefix: str = "") -> Any:
            found = super().list(prefix)
            looked.set()
            return found

    read: list[object] = []
    reader = threading.Thread(target=lambda: read.append(read_checkpoint(Watched(bucket.config), KEYS)))
    reader.start()
    assert looked.wait(30)
    bucket.put(KEYS.checkpoint(str(name(2))), weights(2))
    bucket.put(KEYS.coach_checkpoint, str(name(2)).encode())
    bucket.put(KEYS.checkpoints_index, index(2, 2).to_json())
    assert not read
    bucket.delete([KEYS.lock])
    reader.join(30)
    assert read == [(name(2), files(2))]


def test_a_lock_that_is_renewed_for_ever_ends_in_an_error(bucket: Bucket) -> None:
    publish(bucket, 1)

    class Busy(Bucket):
        def list(self, prefix: str = "") -> Any:
            self.put(KEYS.lock, b"")
            return super().list(prefix)

    with pytest.raises(DrError, match="written continuously"):
        read_checkpoint(Busy(bucket.config), KEYS, deadline_s=0.3)


def test_an_index_that_leads_nowhere(bucket: Bucket) -> None:
    bucket.put(KEYS.checkpoint(str(name(4))), weights(4))
    bucket.put(KEYS.checkpoint(str(name(11))), weights(11))
    bucket.put(KEYS.checkpoints_index, index(8, 9).to_json())
    assert choose_checkpoint(bucket, KEYS, "best").name == name(11)
    bucket.put(KEYS.coach_checkpoint, b"4_Step-400.ckpt\n")
    assert choose_checkpoint(bucket, KEYS, "last").name == name(4)
    bucket.put(KEYS.coach_checkpoint, b"\xff")
    assert choose_checkpoint(bucket, KEYS, "last").name == name(11)


def test_a_model_without_checkpoints(bucket: Bucket) -> None:
    with pytest.raises(DrError, match="team/model has no complete checkpoint"):
        read_checkpoint(bucket, KEYS)
    bucket.put(f"{KEYS.model_folder}1_Step-1.ckpt.index", b"")
    with pytest.raises(DrError, match="team/model has no complete checkpoint"):
        read_checkpoint(bucket, KEYS)


def test_a_checkpoint_pruned_under_the_reader_is_looked_for_again(bucket: Bucket) -> None:
    publish(bucket, 1)

    class Late(Bucket):
        moved = False

        def find(self, key: str) -> bytes | None:
            if key == KEYS.checkpoint(str(name(1))) and not self.moved:
                self.moved = True
                publish(bucket, 2)
                bucket.delete([key])
            return super().find(key)

    assert read_checkpoint(Late(bucket.config), KEYS) == (name(2), files(2))
