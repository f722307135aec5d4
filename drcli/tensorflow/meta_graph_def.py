"""TensorFlow's MetaGraphDef, the `.meta` file of a checkpoint: a graph, and the nodes that save and restore it.

Field numbers are those of `tensorflow/core/protobuf/*.proto`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from drcli.tensorflow.graph_def import Attr, Node, graph_def
from drcli.tensorflow.protobuf import delimited, fixed32, number

_TENSORFLOW = "1.11.0"  # whose operations and names these are
_FILE = "save/Const"  # the name of the checkpoint, which a session passes in
_HOURS_BETWEEN_KEPT = 0x461C4000  # the float32 10,000, TensorFlow's default
_SAVED, _RESTORED = "save/control_dependency", "save/restore_all"


def meta_graph_def(nodes: Iterable[Node]) -> bytes:
    """The content of a `.meta` file; all variables among the nodes are saved and restored."""
    graph = [*nodes]
    names = sorted(node.name for node in graph if node.op == "VariableV2")
    first_values = {node.inputs[0]: node.inputs[1] for node in graph if node.op == "Assign"}
    records = [_record(name, first_values[name]) for name in names]
    return b"".join(
        (
            delimited(1, delimited(5, _TENSORFLOW.encode())),
            delimited(2, graph_def([*graph, *_saver_nodes(names)])),
            delimited(3, _saver_def()),
            _collection("trainable_variables", records),
            _collection("variables", records),
        )
    )


def assignment(name: str, variable: str, value: str) -> Node:
    """A node that gives a float32 variable a value."""
    attrs = {"T": Attr.FLOAT, "use_locking": Attr.flag(True), "validate_shape": Attr.flag(True)}
    return Node(name, "Assign", (variable, value), attrs)


def _saver_nodes(names: Sequence[str]) -> Iterator[Node]:
    """What a tf.train.Saver adds to the graph."""
    yield _strings(_FILE, ["model"], ())
    for op, values in (("SaveV2", names), ("RestoreV2", ())):
        node = f"save/{op}"
        yield _strings(f"{node}/tensor_names", names, (len(names),))
        yield _strings(f"{node}/shape_and_slices", [""] * len(names), (len(names),))
        inputs = (_FILE, f"{node}/tensor_names", f"{node}/shape_and_slices", *values)
        yield Node(node, op, inputs, {"dtypes": Attr.floats(len(names))})
    yield Node(_SAVED, "Identity", (_FILE, "^save/SaveV2"), {"T": Attr.STRING})
    assignments = [
        assignment("save/Assign" + (f"_{n}" if n else ""), name, "save/RestoreV2" + (f":{n}" if n else ""))
        for n, name in enumerate(names)
    ]
    yield from assignments
    yield Node(_RESTORED, "NoOp", tuple(sorted(f"^{node.name}" for node in assignments)), {})


def _strings(name: str, values: Sequence[str], shape: Sequence[int]) -> Node:
    return Node(name, "Const", (), {"dtype": Attr.STRING, "value": Attr.strings(values, shape)})


def _saver_def() -> bytes:
    """A SaverDef of version 2, which writes tensor bundles."""
    names = enumerate((f"{_FILE}:0", f"{_SAVED}:0", _RESTORED), 1)
    return (
        b"".join(delimited(field, name.encode()) for field, name in names)
        + fixed32(6, _HOURS_BETWEEN_KEPT)
        + number(7, 2)
    )


def _record(name: str, first_value: str) -> bytes:
    """A VariableDef."""
    parts = ((1, f"{name}:0"), (2, f"{name}/Assign"), (3, f"{name}/read:0"), (6, f"{first_value}:0"))
    return b"".join(delimited(field, text.encode()) for field, text in parts) + number(7, 1)  # trainable


def _collection(name: str, records: Iterable[bytes]) -> bytes:
    """A CollectionDef with its name."""
    listed = b"".join(delimited(1, record) for record in records)
    return delimited(4, delimited(1, name.encode()) + delimited(2, delimited(2, listed)))
