"""Which networks fit a model_metadata.json, and what is said of those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from model_specs import metadata

from drcli.config.model_metadata import GREY_CAMERAS
from drcli.config.network_fit import misfits, renamed_camera
from drcli.contract.stored_network import COMMUNITY_NETWORKS, StoredNetwork
from drcli.tables import NETWORKS

SHALLOW, MEDIUM, DEEP = COMMUNITY_NETWORKS
NETWORK = StoredNetwork({"FRONT_FACING_CAMERA": 1}, "discrete", 5, "clipped_ppo", True)


def found(
    network: StoredNetwork, *, is_renaming: bool = False, num_actions: int = 5, **other: Any
) -> list[str]:
    return list(misfits(network, metadata(num_actions, **other), is_renaming=is_renaming))


def test_one_that_fits() -> None:
    assert found(NETWORK) == []
    assert found(replace(NETWORK, has_value=False)) == []
    continuous = replace(NETWORK, action_space_type="continuous", num_outputs=2)
    assert found(continuous, num_actions=0) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_outputs": 9}, ["it has 9 discrete actions, model_metadata.json 5 discrete actions"]),
        (
            {"action_space_type": "continuous", "num_outputs": 2},
            ["it has 2 continuous actions, model_metadata.json 5 discrete actions"],
        ),
        (
            {"channels": {"STEREO_CAMERAS": 2, "SECTOR_LIDAR": 0}},
            ["it sees SECTOR_LIDAR, STEREO_CAMERAS, not FRONT_FACING_CAMERA"],
        ),
        (
            {"channels": {"FRONT_FACING_CAMERA": 4}},
            ["it sees the last 4 images (stack_size), not one"],
        ),
        (
            {"training_algorithm": "sac", "action_space_type": "continuous", "num_outputs": 2},
            [
                "it was trained with sac, not clipped_ppo",
                "it has 2 continuous actions, model_metadata.json 5 discrete actions",
            ],
        ),
    ],
)
@pytest.mark.parametrize("is_renaming", [True, False])
def test_others_do_not(changes: dict[str, Any], said: list[str], is_renaming: bool) -> None:
    assert found(replace(NETWORK, **changes), is_renaming=is_renaming) == said


@pytest.mark.parametrize(
    ("networks", "wanted", "said"),
    [
        ((), MEDIUM, []),
        ((SHALLOW,), SHALLOW, []),
        ((SHALLOW, MEDIUM), MEDIUM, []),
        ((SHALLOW, MEDIUM), DEEP, [f"its network is {SHALLOW} or {MEDIUM}, not {DEEP}"]),
        ((DEEP,), SHALLOW, [f"its network is {DEEP}, not {SHALLOW}"]),
        ((DEEP,), "ONE_DENSE", []),
    ],
)
def test_layers_tell_networks_apart(
    networks: tuple[str, ...], wanted: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of other packages: they may have the same layers."""
    monkeypatch.setitem(NETWORKS.members, "ONE_DENSE", "elsewhere:member")  # type: ignore[arg-type]
    assert found(replace(NETWORK, neural_networks=networks), neural_network=wanted) == said


@pytest.mark.parametrize("other", GREY_CAMERAS)
@pytest.mark.parametrize("camera", GREY_CAMERAS)
def test_a_camera_with_another_name(camera: str, other: str) -> None:
    """An engine that renames takes it; one that looks for the name does not."""
    network = replace(NETWORK, channels={camera: 1})
    assert found(network, is_renaming=True, sensor=[other]) == []
    said = [] if camera == other else [f"it sees {camera}, not {other}"]
    assert found(network, sensor=[other]) == said
    assert renamed_camera(network, metadata(sensor=[other])) == ((camera, other) if said else None)


def test_a_stack_of_images_has_another_name() -> None:
    network = replace(NETWORK, channels={"observation": 4})
    assert found(network, is_renaming=True) == ["it sees the last 4 images (stack_size), not one"]


@pytest.mark.parametrize(
    ("channels", "sensors"),
    [
        ({"STEREO_CAMERAS": 2}, ["FRONT_FACING_CAMERA"]),
        ({"FRONT_FACING_CAMERA": 1}, ["STEREO_CAMERAS"]),
        ({"observation": 1, "SECTOR_LIDAR": 0}, ["FRONT_FACING_CAMERA"]),
        ({"observation": 1}, ["FRONT_FACING_CAMERA", "SECTOR_LIDAR"]),
    ],
)
def test_what_is_no_other_name_of_the_same_picture(channels: dict[str, int], sensors: list[str]) -> None:
    network = replace(NETWORK, channels=channels)
    assert renamed_camera(network, metadata(sensor=sensors)) is None
    assert found(network, is_renaming=True, sensor=sensors) != []


def test_a_lidar_stays_when_the_camera_has_another_name() -> None:
    network = replace(NETWORK, channels={"observation": 1, "SECTOR_LIDAR": 0})
    assert found(network, is_renaming=True, sensor=["LEFT_CAMERA", "SECTOR_LIDAR"]) == []
