from __future__ import annotations

import json

import pytest
from model_samples import METADATA

from drcli.errors import DrError, UsageError
from drcli.models.import_facts import read_facts

BOUNDS = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 1, "high": 3}}
LEGACY = {"action_space": METADATA["action_space"]}  # no sensor, no kind, no version


def documents(metadata: bytes, hyperparameters: bytes | None = b"{}") -> dict[str, bytes]:
    found = {"model/model_metadata.json": metadata, "reward_function.py": b""}
    return found if hyperparameters is None else found | {"ip/hyperparameters.json": hyperparameters}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (
            METADATA,
            "FRONT_FACING_CAMERA, 2 discrete actions, DEEP_CONVOLUTIONAL_NETWORK_SHALLOW, clipped_ppo",
        ),
        (LEGACY, "observation, 2 discrete actions, DEEP_CONVOLUTIONAL_NETWORK_SHALLOW, clipped_ppo"),
        (
            {"action_space": BOUNDS, "sensor": ["LEFT_CAMERA", "LIDAR"]},
            "LEFT_CAMERA + LIDAR, continuous actions, ",
        ),
    ],
)
def test_what_it_is(metadata: dict[str, object], said: str) -> None:
    facts, _ = read_facts(documents(json.dumps(metadata).encode()))
    assert str(facts).startswith(said)


@pytest.mark.parametrize(
    ("hyperparameters", "stack_size", "warnings"),
    [
        (b'{"stack_size": 1}', 1, 0),
        (b'{"stack_size": "4", "lr": "0.0003"}', 4, 0),
        (b'{"stack_size": [4]}', None, 0),
        (b"[]", None, 0),
        (b"{", None, 1),
        (b"\xff", None, 1),
    ],
)
def test_stack_size(hyperparameters: bytes, stack_size: int | None, warnings: int) -> None:
    facts, said = read_facts(documents(json.dumps(METADATA).encode(), hyperparameters))
    assert facts.stack_size == stack_size and len(said) == warnings


def test_what_it_lacks() -> None:
    _, (said,) = read_facts(documents(json.dumps(METADATA).encode(), None))
    assert "no hyperparameters: it can be driven" in said
    with pytest.raises(DrError, match=r"no model_metadata\.json"):
        read_facts({})


@pytest.mark.parametrize("metadata", [b"", b"{", b"[]", b"{}", b'{"action_space": 1}'])
def test_broken_metadata(metadata: bytes) -> None:
    with pytest.raises(DrError, match=r"model_metadata\.json:1") as caught:
        read_facts(documents(metadata))
    assert not isinstance(caught.value, UsageError)  # the file is wrong, not the command
