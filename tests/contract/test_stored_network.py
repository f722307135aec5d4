"""What names and shapes tell about a network."""

from __future__ import annotations

import pytest

from drcli.contract.stored_network import COMMUNITY_NETWORKS, Shapes, StoredNetwork

ONLINE = "main_level/agent/main/online"
HEADS = {"discrete": "policy_fc", "continuous": "policy_mean"}


def shapes(
    *sensors: tuple[str, tuple[int, ...]], kind: str = "discrete", outputs: int = 9, value: bool = True
) -> dict[str, tuple[int, ...]]:
    """The shapes of a model whose sensors have these first kernels."""
    found = {}
    for network in ("network_0", "network_1") if value else ("network_1",):
        for sensor, kernel in sensors:
            layer = "Conv2d_0" if len(kernel) == 4 else "Dense_0"
            found[f"{ONLINE}/{network}/{sensor}/{layer}/kernel"] = kernel
            found[f"{ONLINE}/{network}/{sensor}/{layer}/bias"] = kernel[-1:]
        found[f"{ONLINE}/{network}/middleware_fc_embedder/Dense_0/kernel"] = (11264, 512)
        found[f"{ONLINE}/{network}/gradients_from_head_0-0_rescalers"] = ()
    if value:
        found[f"{ONLINE}/network_0/v_values_head_0/output/kernel"] = (512, 1)
    found[f"{ONLINE}/network_1/ppo_head_0/{HEADS[kind]}/kernel"] = (512, outputs)
    found[f"{ONLINE}/network_1/ppo_head_0/{HEADS[kind]}/bias"] = (outputs,)
    return found


SHALLOW = (COMMUNITY_NETWORKS[0],)
MEDIUM = COMMUNITY_NETWORKS[1]
CAMERA = ("FRONT_FACING_CAMERA", (8, 8, 1, 32))
SAC = {
    "main_level/agent/policy/online/network_0/FRONT_FACING_CAMERA/Conv2d_0/kernel": (8, 8, 1, 32),
    "main_level/agent/policy/online/network_0/sac_policy_head_0/policy_mean/kernel": (256, 2),
    "main_level/agent/v/online/network_0/v_values_head_0/output/kernel": (512, 1),
}


@pytest.mark.parametrize(
    ("found", "network"),
    [
        (
            shapes(CAMERA),
            StoredNetwork({"FRONT_FACING_CAMERA": 1}, "discrete", 9, "clipped_ppo", True, SHALLOW),
        ),
        (
            shapes(CAMERA, kind="continuous", outputs=2, value=False),
            StoredNetwork({"FRONT_FACING_CAMERA": 1}, "continuous", 2, "clipped_ppo", False, SHALLOW),
        ),
        (
            shapes(("STEREO_CAMERAS", (8, 8, 2, 32)), ("SECTOR_LIDAR", (8, 256)), outputs=1),
            StoredNetwork(
                {"SECTOR_LIDAR": 0, "STEREO_CAMERAS": 2}, "discrete", 1, "clipped_ppo", True, SHALLOW
            ),
        ),
        (
            shapes(("observation", (8, 8, 4, 32))),
            StoredNetwork({"observation": 4}, "discrete", 9, "clipped_ppo", True, (*SHALLOW, MEDIUM)),
        ),
        (SAC, StoredNetwork({"FRONT_FACING_CAMERA": 1}, "continuous", 2, "sac", True)),
    ],
    ids=["both-networks", "policy-alone", "two-sensors", "stacked", "sac"],
)
def test_it_is_found(found: Shapes, network: StoredNetwork) -> None:
    assert StoredNetwork.of(found) == network
    assert StoredNetwork.of(dict(reversed(found.items()))) == network


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"conv1/kernel": (3, 3, 3, 64)},
        {name: shape for name, shape in shapes(CAMERA).items() if "ppo_head" not in name},
        {name: shape for name, shape in shapes(CAMERA).items() if "CAMERA" not in name},
        shapes(CAMERA) | {f"{ONLINE}/network_1/ppo_head_0/policy_fc/kernel": ()},
    ],
    ids=["nothing", "another-model", "no-head", "no-sensor", "head-without-shape"],
)
def test_what_is_no_model_of_deepracer_is_refused(found: Shapes) -> None:
    with pytest.raises(ValueError, match="does not have the variables of a DeepRacer model"):
        StoredNetwork.of(found)
