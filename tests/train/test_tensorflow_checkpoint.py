"""Our TensorFlow checkpoints in real TensorFlow, and its checkpoints and frozen graphs in our readers.

On recorded frames of a simulator. TensorFlow is in the dependency group `car`; without it these tests skip.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from car_programs import is_installed, program
from coach_graphs import CONTINUOUS, GRAPHS, NETWORKS, coach_file, needs_graphs, of_both_graphs
from model_specs import CAMERA, metadata, model_of, opinionated
from PIL import Image

from drcli.tensorflow.frozen_graph import read_constants
from drcli.tensorflow.tensor_bundle import read_bundle, shard_suffix, write_bundle
from drcli.train.actor_critic import ActorCritic, restored_actor_critic
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.car_graph import CarGraph
from drcli.train.exports.meta_graph import meta_graph

FRAMES = GRAPHS.parent / "frames" / "reinvent_base" / "frames.tar"
INPUT = f"{NETWORKS}/network_0/{CAMERA}/{CAMERA}:0"
POLICY = f"{NETWORKS}/network_1/ppo_head_0/policy"
VALUE = f"{NETWORKS}/network_0/v_values_head_0/output/BiasAdd"
TOLERANCE = 1e-5

Values = dict[str, np.ndarray]
pytestmark = pytest.mark.skipif(
    not is_installed("tensorflow"), reason="tensorflow is not installed (dependency group car)"
)
of_both_kinds = pytest.mark.parametrize("num_actions", [9, CONTINUOUS], ids=["discrete-9", "continuous-2"])


class Outputs(NamedTuple):
    """What a graph says about the frames: policy float32 [B, A], value float32 [B, 1]."""

    policy: np.ndarray
    value: np.ndarray


@pytest.fixture(scope="module")
def tf() -> Any:
    return program("tensorflow").compat.v1


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Every fourteenth recorded frame in grey, uint8 [B, 120, 160]."""
    if not FRAMES.is_file():
        pytest.skip("recorded frames are not on this machine")
    with tarfile.open(FRAMES) as archive:
        files = [
            archive.extractfile(name) for name in sorted(archive.getnames())[::14] if name.endswith(".jpg")
        ]
        return np.stack([np.array(Image.open(file).convert("L")) for file in files if file])


def values_of(network: ActorCritic) -> Values:
    return {name: value.numpy() for name, value in to_tensors(network).items()}


def written(network: ActorCritic, num_actions: int, folder: Path) -> Path:
    """A checkpoint of three files, without what follows `.ckpt`."""
    bundle = write_bundle(values_of(network))
    path = folder / "7_Step-4321.ckpt"
    path.with_suffix(".ckpt.index").write_bytes(bundle.index)
    path.with_suffix(f".ckpt.{shard_suffix()}").write_bytes(bundle.data)
    path.with_suffix(".ckpt.meta").write_bytes(meta_graph(network, model_of(num_actions)))
    return path


def read(path: Path, shards: int = 1) -> Values:
    """What our reader finds in a checkpoint."""
    data = {n: path.with_name(f"{path.name}.{shard_suffix(n, shards)}").read_bytes() for n in range(shards)}
    return read_bundle(path.with_name(f"{path.name}.index").read_bytes(), data)


def assert_same(got: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value, name)


def ours(network: ActorCritic, frames: np.ndarray) -> Outputs:
    with torch.inference_mode():
        policy, value = network({CAMERA: torch.from_numpy(frames)})
    is_discrete = network.policy.head.kind == "discrete"
    return Outputs((policy.softmax(-1) if is_discrete else policy).numpy(), value.numpy()[:, np.newaxis])


def assert_acts(session: Any, network: ActorCritic, frames: np.ndarray) -> None:
    """Both heads of the graph of a session are those of our network, and depend on what is seen."""
    expected = ours(network, frames)
    images = frames[..., np.newaxis].astype(np.float32)
    got = Outputs(*session.run((f"{POLICY}:0", f"{VALUE}:0"), {INPUT: images}))
    for one, other in zip(got, expected, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < TOLERANCE
        assert np.ptp(other, axis=0).max() > 0.1


# ------------------------------------------------------------------------------------- ours in TensorFlow


@of_both_kinds
def test_tensorflow_reads_every_variable(tf: Any, num_actions: int, tmp_path: Path) -> None:
    network = opinionated(num_actions)
    reader = tf.train.load_checkpoint(str(written(network, num_actions, tmp_path)))
    assert_same(
        {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}, values_of(network)
    )


@of_both_kinds
def test_our_own_graph_restores_it(tf: Any, num_actions: int, frames: np.ndarray, tmp_path: Path) -> None:
    path = written(opinionated(num_actions), num_actions, tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(f"{path}.meta").restore(session, str(path))
        assert_acts(session, opinionated(num_actions), frames)


def test_standard_deviations_are_in_our_graph(tf: Any, frames: np.ndarray, tmp_path: Path) -> None:
    network = opinionated(CONTINUOUS)
    log_std = network.policy.get_parameter("policy_log_std")
    old = log_std.detach().clone()
    with torch.no_grad():
        log_std.copy_(torch.tensor([[-0.5, 4.0]]))  # the second is out of bounds
    path = written(network, CONTINUOUS, tmp_path)
    with torch.no_grad():
        log_std.copy_(old)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(f"{path}.meta").restore(session, str(path))
        images = frames[:3, ..., np.newaxis]
        got = session.run(f"{POLICY}_std:0", {INPUT: images})
    np.testing.assert_allclose(got, np.exp([[-0.5, 3.0]] * 3), rtol=1e-5)


@pytest.mark.shared
@needs_graphs
@of_both_graphs
def test_coachs_graph_restores_it(
    tf: Any, graph: str, num_actions: int, frames: np.ndarray, tmp_path: Path
) -> None:
    network = opinionated(num_actions)
    path = written(network, num_actions, tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(str(coach_file(graph, ".meta")), clear_devices=True)
        saver.restore(session, str(path))
        assert_acts(session, network, frames)


@pytest.mark.shared
@needs_graphs
@of_both_graphs
def test_variables_of_coachs_names_and_shapes_restore_it(
    tf: Any, graph: str, num_actions: int, tmp_path: Path
) -> None:
    """As a program does that builds its graph itself, and knows of no file but the checkpoint."""
    network = opinionated(num_actions)
    path = written(network, num_actions, tmp_path)
    real = tf.train.load_checkpoint(str(coach_file(graph, ".index")).removesuffix(".index"))
    with tf.Graph().as_default(), tf.Session() as session:
        made = {
            name: tf.get_variable(name, shape, real.get_variable_to_dtype_map()[name], use_resource=False)
            for name, shape in real.get_variable_to_shape_map().items()
        }
        tf.train.Saver(made).restore(session, str(path))
        assert_same(session.run(made), values_of(network))


# ------------------------------------------------------------------------------------- TensorFlow's with us


@of_both_kinds
def test_what_tensorflow_draws_and_saves_is_read(
    tf: Any, num_actions: int, frames: np.ndarray, tmp_path: Path
) -> None:
    meta = written(opinionated(num_actions), num_actions, tmp_path).with_suffix(".ckpt.meta")
    path = tmp_path / "0_Step-0.ckpt"
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(str(meta))
        session.run(tf.global_variables_initializer())
        saver.save(session, str(path))
        expected = {variable.op.name: session.run(variable) for variable in tf.global_variables()}
        variables = read(path)
        assert_same(variables, expected)
        images = frames[..., np.newaxis].astype(np.float32)
        got = Outputs(*session.run((f"{POLICY}:0", f"{VALUE}:0"), {INPUT: images}))
    kernel = variables[f"{NETWORKS}/network_1/{CAMERA}/Conv2d_2/kernel"]
    assert 0.06 < np.abs(kernel).max() < 0.0625 == (6 / (4 * 4 * (32 + 64))) ** 0.5
    tensors = {name: torch.tensor(value) for name, value in variables.items()}
    network = restored_actor_critic(model_of(num_actions), tensors)
    for one, other in zip(got, ours(network, frames), strict=True):
        assert np.abs(one - other).max() < TOLERANCE


def test_what_tensorflow_saves_in_shards_is_read(tf: Any, tmp_path: Path) -> None:
    values, path = values_of(opinionated(9)), tmp_path / "1_Step-2.ckpt"
    two_processors = tf.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default(), tf.Session(config=two_processors) as session:
        made = {}
        for number, (name, value) in enumerate(values.items()):
            with tf.device(f"/cpu:{number % 2}"):
                made[name] = tf.get_variable(name, value.shape, use_resource=False)
                session.run(made[name].initializer, {made[name].initial_value: value})
        tf.train.Saver(made, sharded=True).save(session, str(path))
    assert_same(read(path, shards=2), values)


@of_both_kinds
def test_what_tensorflow_freezes_is_read(tf: Any, num_actions: int, tmp_path: Path) -> None:
    path = written(opinionated(num_actions), num_actions, tmp_path)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.train.import_meta_graph(f"{path}.meta").restore(session, str(path))
        frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [POLICY, VALUE])
    constants = read_constants(frozen.SerializeToString())
    expected = values_of(opinionated(num_actions))
    expected.pop(f"{NETWORKS}/network_1/ppo_head_0/policy_log_std", None)  # the means do not need it
    assert_same({name: constants[name] for name in constants.keys() & expected}, expected)
    others = {name.rpartition("/")[2] for name in constants.keys() - expected}
    assert others == {"x", "y"}, "constants of operations"


@of_both_kinds
def test_the_cars_graph_of_a_checkpoint_that_tensorflow_saved_is_the_same(
    tf: Any, num_actions: int, tmp_path: Path
) -> None:
    """So what test_car_graph.py says of OpenVINO and TFLite holds for it as well."""
    path, again = written(opinionated(num_actions), num_actions, tmp_path), tmp_path / "again.ckpt"
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(f"{path}.meta")
        saver.restore(session, str(path))
        saver.save(session, str(again))
    tensors = {name: torch.tensor(value) for name, value in read(again).items()}
    ours = Checkpoint(to_tensors(opinionated(num_actions)), {}, {})
    direct = CarGraph.export(ours, metadata(num_actions))
    assert CarGraph.export(Checkpoint(tensors, {}, {}), metadata(num_actions)) == direct
