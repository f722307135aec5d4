"""Two real training graphs of coach, and what is in a graph."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from protobuf import fields

GRAPHS = Path(__file__).parents[2] / "shared" / "graphs"
CONTINUOUS = 0  # no discrete actions
NETWORKS = "main_level/agent/main/online"
needs_graphs = pytest.mark.skipif(not GRAPHS.is_dir(), reason="reference graphs are not on this machine")
of_both_graphs = pytest.mark.parametrize(
    ("graph", "num_actions"), [("ppo-discrete-9", 9), ("ppo-continuous", CONTINUOUS)]
)
WHERE_IT_STANDS = {
    "_output_shapes",
    "_class",
    "container",
    "shared_name",
}  # of a graph that is built, not frozen


class Node(NamedTuple):
    op: str
    inputs: tuple[str, ...]
    attrs: dict[str, bytes]

    @property
    def meaning(self) -> dict[str, bytes]:
        """Its attributes without those of the place where the graph was built."""
        return {key: value for key, value in self.attrs.items() if key not in WHERE_IT_STANDS}


def nodes_of(graph: bytes) -> dict[str, Node]:
    """A GraphDef's nodes by name, in their order."""
    nodes = {}
    for node in (list(fields(value)) for number, value in fields(graph) if number == 1):
        name, op = (next(v for n, v in node if n == wanted).decode() for wanted in (1, 2))
        pairs = [dict(fields(v)) for n, v in node if n == 5]
        inputs = tuple(v.decode() for n, v in node if n == 3)
        nodes[name] = Node(op, inputs, {pair[1].decode(): pair[2] for pair in pairs})
    return nodes


def coach_file(graph: str, suffix: str) -> Path:
    """`.meta` or `.index` of a real checkpoint."""
    [file] = (GRAPHS / graph).glob(f"*{suffix}")
    return file
