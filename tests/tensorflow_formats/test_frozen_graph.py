"""Constants of frozen graphs, and what becomes of graphs that no program wrote."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from drcli.tensorflow.frozen_graph import read_constants
from drcli.tensorflow.graph_def import Attr, Node, graph_def
from drcli.tensorflow.protobuf import delimited, fixed32, number

FLOATS = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0), elements=st.floats(width=32)
)


def constant(name: str, value: bytes, dtype: bytes = Attr.FLOAT) -> Node:
    return Node(name, "Const", (), {"dtype": dtype, "value": value})


def tensor(*parts: bytes) -> bytes:
    """An AttrValue with a float32 TensorProto."""
    return delimited(8, number(1, 1) + b"".join(parts))


def shape(*dims: int) -> bytes:
    return delimited(2, b"".join(delimited(2, number(1, size)) for size in dims))


@given(st.dictionaries(st.text(max_size=20), FLOATS, max_size=5))
def test_constants_come_back_as_they_were(values: dict[str, np.ndarray]) -> None:
    nodes = [constant(name, Attr.tensor(value)) for name, value in values.items()]
    read = read_constants(graph_def(nodes))
    assert read.keys() == values.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(read[name], value)
        assert read[name].shape == value.shape


def test_other_nodes_are_passed_over() -> None:
    nodes = [
        constant("shape", Attr.tensor(np.array([1, 2], np.int32)), Attr.INT32),
        constant("file", Attr.strings(["model"], ()), Attr.STRING),
        constant("divisor", Attr.filled(255.0, ())),
        Node("scaled", "RealDiv", ("input", "divisor"), {"T": Attr.FLOAT}),
    ]
    assert read_constants(graph_def(nodes)) == {"divisor": np.float32(255.0)}


def test_numbers_may_be_listed_and_the_last_one_repeated() -> None:
    one, two = (int(np.float32(value).view(np.uint32)) for value in (1.0, 2.0))
    unpacked = tensor(shape(2, 2), fixed32(5, one), fixed32(5, two))
    packed = tensor(shape(3), delimited(5, np.array([1, 2], "<f4").tobytes()))
    nodes = [constant("unpacked", unpacked), constant("packed", packed), constant("none", tensor(shape(2)))]
    read = {name: value.tolist() for name, value in read_constants(graph_def(nodes)).items()}
    assert read == {"unpacked": [[1, 2], [2, 2]], "packed": [1, 2, 2], "none": [0, 0]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (tensor(shape(3), delimited(4, bytes(8))), "has 8 bytes; its shape is"),
        (tensor(shape(1), delimited(4, bytes(8))), "has 8 bytes; its shape is"),
        (tensor(shape(1), delimited(5, bytes(8))), "has 8 bytes; its shape is"),
        (tensor(shape(2), delimited(5, bytes(3))), "has 3 bytes; its shape is"),
        (tensor(shape(2**40)), "more than 67,108,864 numbers"),
        (tensor(shape(*[2**62] * 8)), "more than 67,108,864 numbers"),
        (tensor(shape(*[1] * 9)), "no usable shape"),
        (tensor(shape(*[1] * 1000)), "no usable shape"),
        (tensor(shape(-1)), "no usable shape"),
        (tensor(delimited(2, number(3, 1))), "no usable shape"),
        (tensor(number(2, 7)), "an integer where bytes belong"),
    ],
)
def test_a_constant_that_is_not_what_it_says_is_refused(value: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_constants(graph_def([constant("kernel", value)]))


def test_many_constants_are_no_way_round_the_limit() -> None:
    nodes = [constant(str(n), tensor(shape(2**25))) for n in range(3)]
    with pytest.raises(ValueError, match=r"up to 2, have more than"):
        read_constants(graph_def(nodes))


def test_two_constants_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two constants kernel"):
        read_constants(graph_def([constant("kernel", Attr.filled(1.0, (2,)))] * 2))


SAMPLE = graph_def([constant("kernel", Attr.tensor(np.eye(3, dtype=np.float32)))])


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(data: bytes) -> None:
    is_refused_or_read(data)


@given(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=4), st.integers(0, 8))
def test_damaged_graphs_are_read_or_refused(at: int, instead: bytes, left_out: int) -> None:
    is_refused_or_read(SAMPLE[:at] + instead + SAMPLE[at + left_out :])


@given(st.integers(1, len(SAMPLE) - 1))
def test_a_graph_that_is_cut_off_has_no_half_constants(length: int) -> None:
    try:
        read = read_constants(SAMPLE[:length])
    except ValueError:
        return
    assert all(np.array_equal(value, np.eye(3)) for value in read.values())


def is_refused_or_read(data: bytes) -> None:
    try:
        read = read_constants(data)
    except ValueError:
        return
    assert all(value.dtype == np.float32 for value in read.values())
