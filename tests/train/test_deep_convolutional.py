"""The community's three networks on all sensors: layers, names, numbers of weights, files, a step of each learner."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from model_specs import metadata

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.network_fit import misfits
from drcli.contract.stored_network import StoredNetwork
from drcli.tensorflow.frozen_graph import read_constants
from drcli.tensorflow.tensor_bundle import read_bundle, shapes_in
from drcli.train.actor_critic import ActorCritic, restored_actor_critic
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.checkpoint import pack, to_tensors, unpack
from drcli.train.exports.tensorflow_checkpoint import TensorFlowCheckpoint
from drcli.train.guided.imitation import ImitationLearner
from drcli.train.guided.teacher import teacher_model
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import PolicyNetwork, Trunk
from drcli.train.rollout import Rollout, RolloutSpec

SHALLOW = "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"
MEDIUM = "DEEP_CONVOLUTIONAL_NETWORK"
DEEP = "DEEP_CONVOLUTIONAL_NETWORK_DEEP"
NETWORKS = (SHALLOW, MEDIUM, DEEP)
FRONT, STEREO = "FRONT_FACING_CAMERA", "STEREO_CAMERAS"
SENSOR_SETS = (
    (FRONT,),
    ("observation",),
    ("LEFT_CAMERA", "SECTOR_LIDAR"),
    ("LIDAR", STEREO),  # two pictures alone have the same layers
    ("DISCRETIZED_SECTOR_LIDAR", "observation"),
)
LIDAR_CONFIG = {"num_sectors": 4, "num_values_per_sector": 5, "clipping_dist": 3.0}
CPU = Hardware(torch.device("cpu"), torch.float32)


def is_large(network: str, sensors: tuple[str, ...]) -> bool:
    """Whether it has tens of millions of weights."""
    return network != SHALLOW and (STEREO in sensors or (network == MEDIUM and "observation" not in sensors))


everything = pytest.mark.parametrize(
    ("network", "sensors"),
    [
        pytest.param(
            network,
            sensors,
            id=f"{network.rpartition('_')[2].lower()}-{'-'.join(sensors)}",
            marks=pytest.mark.slow if is_large(network, sensors) else (),
        )
        for network, sensors in product(NETWORKS, SENSOR_SETS)
    ],
)


def described(network: str, sensors: tuple[str, ...]) -> ModelMetadata:
    config = {"lidar_config": LIDAR_CONFIG} if "DISCRETIZED_SECTOR_LIDAR" in sensors else {}
    return metadata(3, neural_network=network, sensor=[*sensors], **config)


def trunk_of(network: str, *sensors: str) -> Trunk:
    """Without numbers: the large ones have 57 million."""
    with torch.device("meta"):
        return PolicyNetwork(ModelSpec.of(described(network, sensors))).policy_trunk


# By hand: a convolution of size s from c to f channels has s·s·c·f + f weights, a dense layer i·o + o.
NUMBERS = [
    # 2,080 + 32,832 + 36,928; 11 x 16 x 64 features
    (SHALLOW, (FRONT,), 71_840 + 11_264 * 512 + 512),
    # 832 + 9,248 + 18,496 + 36,928 + 4,160; 25 x 35 x 64 features
    (MEDIUM, (FRONT,), 69_664 + 56_000 * 512 + 512),
    # 2,080 + 16,416 + 32,832 + 36,928 + 33,280 + 262,656; 3 x 6 x 512 features; 256, 128
    (DEEP, (FRONT,), 384_192 + 9_216 * 256 + 256 + 32_896),
    (SHALLOW, (STEREO,), 71_840 + 2_048 + 11_264 * 512 + 512),
    # 608 + 18,496 + 36,928 + 73,856 + 147,584; 25 x 35 x 128 features
    (MEDIUM, (STEREO,), 277_472 + 112_000 * 512 + 512),
    (DEEP, (STEREO,), 277_472 + 112_000 * 256 + 256 + 32_896),
    # 64 · 256 + 256 + 65,792 = 82,432; 256 features more
    (SHALLOW, (FRONT, "LIDAR"), 71_840 + 82_432 + 11_520 * 512 + 512),
    (MEDIUM, (STEREO, "LIDAR"), 277_472 + 82_432 + 112_256 * 512 + 512),
    # 8 · 256 + 256 + 65,792 = 68,096
    (DEEP, (FRONT, "SECTOR_LIDAR"), 384_192 + 68_096 + 9_472 * 256 + 256 + 32_896),
    # 20 · 256 + 256 + 65,792 = 71,168
    (MEDIUM, (FRONT, "DISCRETIZED_SECTOR_LIDAR"), 69_664 + 71_168 + 56_256 * 512 + 512),
    # the sensor of the first version keeps its embedder, whatever the network
    (MEDIUM, ("observation",), 71_840 + 11_264 * 512 + 512),
    (DEEP, ("observation",), 71_840 + 11_264 * 256 + 256 + 32_896),
]


@pytest.mark.parametrize(("network", "sensors", "number"), NUMBERS)
def test_numbers_of_weights(network: str, sensors: tuple[str, ...], number: int) -> None:
    trunk = trunk_of(network, *sensors)
    assert sum(value.numel() for value in trunk.parameters()) == number
    assert trunk.num_features == (128 if network == DEEP else 512)


def test_the_left_camera_has_the_layers_of_the_front_camera() -> None:
    for network in NETWORKS:
        names = [
            [(name, tuple(value.shape)) for name, value in trunk_of(network, camera).variables()]
            for camera in (FRONT, "LEFT_CAMERA")
        ]
        assert [(name.replace(FRONT, "LEFT_CAMERA"), shape) for name, shape in names[0]] == names[1]


@pytest.mark.parametrize(
    ("network", "kernels"),
    [
        (
            SHALLOW,
            {
                "LIDAR/Dense_0": (64, 256),
                "LIDAR/Dense_2": (256, 256),
                "STEREO_CAMERAS/Conv2d_0": (8, 8, 2, 32),
                "STEREO_CAMERAS/Conv2d_2": (4, 4, 32, 64),
                "STEREO_CAMERAS/Conv2d_4": (3, 3, 64, 64),
                "middleware_fc_embedder/Dense_0": (11520, 512),
            },
        ),
        (
            DEEP,
            {
                "LIDAR/Dense_0": (64, 256),
                "LIDAR/Dense_2": (256, 256),
                "STEREO_CAMERAS/Conv2d_0": (3, 3, 2, 32),
                "STEREO_CAMERAS/Conv2d_2": (3, 3, 32, 64),
                "STEREO_CAMERAS/Conv2d_4": (3, 3, 64, 64),
                "STEREO_CAMERAS/Conv2d_6": (3, 3, 64, 128),
                "STEREO_CAMERAS/Conv2d_8": (3, 3, 128, 128),
                "middleware_fc_embedder/Dense_0": (112256, 256),
                "middleware_fc_embedder/Dense_2": (256, 128),
            },
        ),
    ],
)
def test_names_and_layouts(network: str, kernels: dict[str, tuple[int, ...]]) -> None:
    """Those that coach would give: the index counts activations, too, and sensors are sorted by their names."""
    found = dict(trunk_of(network, STEREO, "LIDAR").variables())
    assert {
        name.removesuffix("/kernel"): tuple(value.shape)
        for name, value in found.items()
        if name.endswith("kernel")
    } == kernels
    assert all(name.replace("kernel", "bias") in found for name in found)


def test_dense_layers_in_an_embedder_count_on() -> None:
    names = [name for name, _ in trunk_of(DEEP, FRONT).variables() if name.endswith("kernel")]
    assert [name.split("/")[1] for name in names[:6]] == [
        "Conv2d_0", "Conv2d_2", "Conv2d_4", "Conv2d_6", "Dense_8", "Dense_10",
    ]  # fmt: skip


# ----------------------------------------------------------------------------------------------- files, learning


def new_network(described: ModelMetadata, scale: float = 0.02) -> ActorCritic:
    """Two trunks with plain random numbers, which are drawn faster than orthogonal ones."""
    network = ActorCritic(ModelSpec.of(described), is_shared=False)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0.0, scale)
    return network


@everything
def test_files_of_all_formats_hold_the_same(network: str, sensors: tuple[str, ...]) -> None:
    torch.manual_seed(1)
    model = described(network, sensors)
    variables = to_tensors(new_network(model))
    checkpoint = unpack(pack(variables, {}), "1_Step-1.ckpt")
    assert not restored_actor_critic(ModelSpec.of(model), checkpoint.variables).is_shared
    files = TensorFlowCheckpoint.export(checkpoint, model)
    bundle = read_bundle(files["index"], {0: files["data-00000-of-00001"]})
    constants = read_constants(files["pb"])
    for name, value in variables.items():
        np.testing.assert_array_equal(bundle[name], value.numpy())
        if "/network_1/" in name:
            np.testing.assert_array_equal(constants[name], value.numpy())
    for sensor in sensors:
        assert f"network_0/{sensor}/{sensor}".encode() in files["pb"]
        assert f"network_0/{sensor}/{sensor}".encode() in files["meta"]

    found = StoredNetwork.of(shapes_in(files["index"]))
    assert found.channels.keys() == set(sensors)
    assert list(misfits(found, model)) == []
    others = [other for other in NETWORKS if [*misfits(found, described(other, sensors))]]
    same = {SHALLOW, MEDIUM} if "observation" in sensors and network != DEEP else {network}
    assert set(others) == set(NETWORKS) - same


def experience(model: ModelSpec, steps: int) -> Rollout:
    """Random pictures and numbers, and what a teacher would see there."""
    rng = np.random.default_rng(0)
    rollout = RolloutSpec.of(model, ClippedPPO.extras, teacher_model(model).sensors).zeros(steps, 2)
    for part in (*rollout.obs.values(), *rollout.last_obs.values()):
        part[...] = rng.integers(0, 255, part.shape) if part.dtype == np.uint8 else rng.random(part.shape)
    rollout.valid[:] = True
    rollout.rewards[:] = rng.random((steps, 2))
    rollout.actions[:] = rng.integers(0, 3, (steps, 2))
    rollout.extras["logprobs"][:] = -1.0
    return rollout


@everything
def test_a_step_of_each_learner_changes_every_layer(network: str, sensors: tuple[str, ...]) -> None:
    torch.manual_seed(1)
    model = ModelSpec.of(described(network, sensors))
    rollout = experience(model, 4)
    parameters = Hyperparameters(batch_size=8, num_epochs=1)

    student = ActorCritic(model)
    student.load_state_dict(new_network(described(network, sensors)).state_dict(), strict=False)
    before = to_tensors(student)
    gap = ImitationLearner(student, parameters, CPU, 0).learn([rollout], small_teacher(model), 0)
    assert np.isfinite(gap)
    assert_changed(before, to_tensors(student), "policy_trunk")

    before = to_tensors(student)
    ClippedPPO.learner(student, parameters, CPU, 0).learn([rollout])
    assert_changed(before, to_tensors(student), "value and policy")


def small_teacher(model: ModelSpec) -> ActorCritic:
    """Decided, by random numbers."""
    return ActorCritic(teacher_model(model), is_shared=False)


def assert_changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor], what: str) -> None:
    same = [
        name
        for name, value in after.items()
        if torch.equal(value, before[name]) and name.endswith("kernel") and "v_values" not in name
    ]
    assert same == [], what
