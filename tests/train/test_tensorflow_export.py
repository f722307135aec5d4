"""The files for TensorFlow are the same whether a network is filled for them or the checkpoint's numbers are taken."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from model_specs import metadata, new_network

from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.car_graph import CarGraph
from drcli.train.exports.tensorflow_checkpoint import TensorFlowCheckpoint


def checkpoint_of(num_actions: int) -> Checkpoint:
    return Checkpoint(to_tensors(new_network(num_actions, is_shared=False)), {}, {})


@pytest.mark.parametrize("num_actions", [5, 0], ids=["discrete", "continuous"])
def test_it_does_not_matter_what_else_is_in_the_checkpoint(num_actions: int) -> None:
    torch.manual_seed(4)
    plain = checkpoint_of(num_actions)
    more = Checkpoint(plain.variables | {"global_step": torch.zeros(())}, {}, {})
    files = TensorFlowCheckpoint.export(plain, metadata(num_actions))
    assert files == TensorFlowCheckpoint.export(more, metadata(num_actions))
    assert files["pb"] == CarGraph.export(plain, metadata(num_actions))["pb"]


def test_a_run_with_a_seed_does_not_depend_on_exports() -> None:
    checkpoint = checkpoint_of(5)
    before = torch.get_rng_state()
    TensorFlowCheckpoint.export(checkpoint, metadata(5))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_first_export_of_a_process_imports_nothing_slow() -> None:
    """What torch imports to draw random numbers of no memory takes as long as ten checkpoints."""
    lines = (
        "import sys, model_specs",
        "from drcli.train.checkpoint import Checkpoint, to_tensors",
        "from drcli.train.exports.tensorflow_checkpoint import TensorFlowCheckpoint",
        "checkpoint = Checkpoint(to_tensors(model_specs.new_network()), {}, {})",
        "TensorFlowCheckpoint.export(checkpoint, model_specs.metadata())",
        "assert 'sympy' not in sys.modules",
    )
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", "\n".join(lines)], env=os.environ | path, check=True)
