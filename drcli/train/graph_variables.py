"""How the variables of a network become nodes of a graph: frozen to constants, or to be restored from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod, sqrt
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from drcli.tensorflow.graph_def import Attr, Node
from drcli.tensorflow.meta_graph_def import assignment

Shape = tuple[int, ...]


class Start(NamedTuple):
    """What a variable holds before a checkpoint is restored, as in coach.

    node: its name, relative to the variable; value: in all places; None: random, by Glorot's rule.
    """

    node: str
    value: float | None


GLOROT = Start("Initializer/random_uniform", None)
ZEROS = Start("Initializer/zeros", 0.0)
SMALL = Start("Initializer/Const", 0.0)  # small numbers that coach draws while it builds the graph; 0 here


def given(value: float) -> Start:
    """A number in all places, for a variable that is not part of a layer."""
    return Start("initial_value", value)


class Variables(Protocol):
    """A way to turn variables into nodes."""

    def nodes(self, name: str, start: Start) -> Sequence[Node]:
        """The nodes of a variable, one of which has its full name."""
        ...


class Frozen:
    """Constants, from values by full name."""

    def __init__(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        self._values = values

    def nodes(self, name: str, start: Start) -> Sequence[Node]:
        """One constant."""
        return [Node(name, "Const", (), {"dtype": Attr.FLOAT, "value": Attr.tensor(self._values[name])})]


class Restorable:
    """Variables of TensorFlow, from shapes by full name."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes

    def nodes(self, name: str, start: Start) -> Sequence[Node]:
        """The variable, its first value, and the assignment of that."""
        shape, first = self._shapes[name], f"{name}/{start.node}"
        attrs = {"container": Attr.text(""), "shared_name": Attr.text("")}
        return [
            *(_glorot(first, shape) if start.value is None else [_filled(first, start.value, shape)]),
            Node(name, "VariableV2", (), {"dtype": Attr.FLOAT, "shape": Attr.shape(*shape), **attrs}),
            assignment(f"{name}/Assign", name, first),
        ]


def _filled(name: str, value: float, shape: Shape = ()) -> Node:
    return Node(name, "Const", (), {"dtype": Attr.FLOAT, "value": Attr.filled(value, shape)})


def _glorot(name: str, shape: Shape) -> Iterator[Node]:
    """Uniform within ±√(6 / (inputs + outputs)) (Glorot and Bengio, 2010), which is where TensorFlow's layers start."""
    bound = sqrt(6 / (prod(shape[:-1]) + prod(shape[:-2]) * shape[-1]))
    wanted = np.array(shape, np.int32)
    yield Node(f"{name}/shape", "Const", (), {"dtype": Attr.INT32, "value": Attr.tensor(wanted)})
    yield _filled(f"{name}/min", -bound)
    yield _filled(f"{name}/max", bound)
    seeds = {"seed": Attr.number(0), "seed2": Attr.number(0)}
    kinds = {"T": Attr.INT32, "dtype": Attr.FLOAT}
    yield Node(f"{name}/RandomUniform", "RandomUniform", (f"{name}/shape",), kinds | seeds)
    for result, op, inputs in (
        (f"{name}/sub", "Sub", (f"{name}/max", f"{name}/min")),
        (f"{name}/mul", "Mul", (f"{name}/RandomUniform", f"{name}/sub")),
        (name, "Add", (f"{name}/mul", f"{name}/min")),
    ):
        yield Node(result, op, inputs, {"T": Attr.FLOAT})
