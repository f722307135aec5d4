from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from drcli.contract.keys import ModelKeys
from drcli.store.checkpoints import list_checkpoints, read_checkpoint, read_index


def test_it_stops_and_may_be_called_again(live: Any) -> None:
    first, second = live.stops
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == "The training of run 1 has stopped.\n"
    assert "the last checkpoint is written first" in first.stderr
    assert "next: dr -e live evaluate" in first.stderr
    assert second.stdout == "No training of run 1 is running.\n"
    assert "checkpoint" not in second.stderr


def test_the_last_checkpoint_is_complete(live: Any) -> None:
    from model_specs import model_of

    from drcli.train.actor_critic import restored_actor_critic
    from drcli.train.checkpoint import unpack

    bucket, keys = live.racer.bucket, ModelKeys("live")
    name, files = read_checkpoint(bucket, keys, "last")
    index = read_index(bucket, keys)
    assert index is not None
    assert name == index.last.name == list_checkpoints(bucket, keys)[-1]
    assert (bucket.find(keys.coach_checkpoint) or b"").decode() == str(name)
    checkpoint = unpack(files["safetensors"], str(name))
    restored_actor_critic(model_of(num_actions=5), checkpoint.variables)
    assert checkpoint.counters["steps"] == name.steps
    assert not bucket.exists(keys.lock)
    log = (live.racer.workspace.logs / "1" / "training" / "sagemaker.log").read_text()
    assert re.search(r"The run has ended: stopped on request", log)


def test_nothing_to_stop(new_racer: Callable[[], Any]) -> None:
    racer = new_racer()
    result = racer.invoke("stop-training")
    assert (result.exit_code, result.stdout) == (0, "No training of run 0 is running.\n")
    assert "next: dr start-training" in result.stderr
    assert [path.name for path in racer.workspace.data.iterdir()] == ["tracks"]
