"""Does the network in a checkpoint fit model_metadata.json? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from drcli.config.model_metadata import GREY_CAMERAS, ModelMetadata
from drcli.contract.stored_network import COMMUNITY_NETWORKS, StoredNetwork


def misfits(network: StoredNetwork, metadata: ModelMetadata, *, is_renaming: bool = False) -> Iterator[str]:
    """Where they contradict each other, a clause about the network each.

    is_renaming: whether the engine takes a camera's network for another camera with the same picture.
    """
    if network.training_algorithm != metadata.training_algorithm:
        yield f"it was trained with {network.training_algorithm}, not {metadata.training_algorithm}"
    had = f"{network.num_outputs} {network.action_space_type} actions"
    has = f"{len(metadata.discrete or (1, 2))} {metadata.action_space_type} actions"
    if had != has:
        yield f"it has {had}, model_metadata.json {has}"
    sensors, wanted = set(network.channels), set(metadata.sensors)
    if sensors != wanted and not (is_renaming and renamed_camera(network, metadata)):
        yield f"it sees {', '.join(sorted(sensors))}, not {', '.join(sorted(wanted))}"
    possible, name = network.neural_networks, metadata.neural_network
    if possible and name in COMMUNITY_NETWORKS and name not in possible:
        yield f"its network is {' or '.join(possible)}, not {name}"
    for sensor in sorted(sensors & set(GREY_CAMERAS)):
        if network.channels[sensor] != 1:
            yield f"it sees the last {network.channels[sensor]} images (stack_size), not one"


def renamed_camera(network: StoredNetwork, metadata: ModelMetadata) -> tuple[str, str] | None:
    """The network's camera and that of the metadata, if they have different names for the same grey image."""
    sensors, wanted = set(network.channels), set(metadata.sensors)
    old, new = sensors - wanted, wanted - sensors
    if len(old) == len(new) == 1 and {*old, *new} <= set(GREY_CAMERAS):
        return old.pop(), new.pop()
    return None
