# SPDX-License-Identifier: MIT
"""Files made to be expensive: small on disk, refused before they cost time or memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from milliwatt.errors import ModelError
from milliwatt.frontend.tflite import load_tflite, schema
from tests.frontend.tflite_file import Graph, Op, T, write

QUANT = {"scale": [0.5], "zero_point": [3]}
MOST_S = 5.0  # of the processor: other programs do not count


def many_views_of_one_buffer() -> bytes:
    """A thousand float tensors that share half a megabyte: half a gigabyte, were each copied."""
    data = np.zeros(1 << 17, np.float32)
    shared = [T([1 << 17], "FLOAT32", data=data)]
    views = [T([1 << 17], "FLOAT32", buffer=1) for _ in range(1000)]
    outputs = [T([1 << 17], "FLOAT32") for _ in range(1000)]
    operators = [Op("ADD", [i, 1001 + i], [2002 + i]) for i in range(1000)]
    tensors = [*shared, *views, *outputs, *outputs]
    return write(Graph(tensors, operators, range(1001, 2001), range(2002, 3001)))


def fills_without_end() -> bytes:
    """Constants of 2**24 elements, one after another, from a few bytes."""
    dims = T([2], "INT32", data=np.array([1 << 12, 1 << 12], np.int32))
    value = T([], data=b"\x05", **QUANT)
    outputs = [T([1 << 12, 1 << 12], **QUANT) for _ in range(64)]
    operators = [Op("FILL", [0, 1], [2 + i]) for i in range(64)]
    return write(Graph([dims, value, *outputs], operators, [], [2]))


def doubling_concatenations() -> bytes:
    """A constant joined with itself forty times over."""
    tensors = [T([2], data=b"\1\2", **QUANT)]
    operators = []
    for i in range(25):
        tensors.append(T([2 << (i + 1)], **QUANT))
        operators.append(Op("CONCATENATION", [i, i], [i + 1], {}, schema.ConcatenationOptions))
    return write(Graph(tensors, operators, [], [25]))


def states_without_end() -> bytes:
    """Variables of 2**23 bytes each, none of them in the file."""
    tensors = []
    operators = []
    for i in range(40):
        options = {schema.VarHandleOptions.shared_name: f"v{i}"}
        tensors += [T([], "RESOURCE"), T([1 << 23], **QUANT)]
        handle = Op("VAR_HANDLE", [], [2 * i], options, schema.VarHandleOptions)
        operators += [handle, Op("READ_VARIABLE", [2 * i], [2 * i + 1])]
    return write(Graph(tensors, operators, [], range(1, 80, 2)))


def a_shape_that_overflows() -> bytes:
    """2**31 rows of 2**31 columns: more bytes than any address counts."""
    return write(Graph([T([2**31 - 1] * 4, **QUANT), T([1], **QUANT)], [], [0], [1]))


def one_output_many_times() -> bytes:
    return write(Graph([T([4], **QUANT)], [], [0], [0] * 200_000))


def operators_on_the_longest_name() -> bytes:
    """Refused operators whose messages would each hold a name of a megabyte."""
    tensors = [T([1], **QUANT, name="n" * (1 << 20))]
    return write(Graph(tensors, [Op("CUSTOM", [0], [0], custom="x")] * 20_000, [0], [0]))


def too_many_tables() -> bytes:
    return write(Graph([T([1], **QUANT)] * 70_000, [], [0], [0]))


REFUSED = [
    many_views_of_one_buffer,
    fills_without_end,
    doubling_concatenations,
    states_without_end,
    a_shape_that_overflows,
    operators_on_the_longest_name,
    too_many_tables,
]


@pytest.mark.parametrize("file", REFUSED, ids=lambda f: f.__name__)
def test_refused_in_time(file: Callable[[], bytes]) -> None:
    data = file()
    started = time.process_time()
    with pytest.raises(ModelError) as caught:
        load_tflite(data)
    assert time.process_time() - started < MOST_S
    assert len(str(caught.value)) < 1 << 24


def test_very_many_outputs_take_no_longer_than_that() -> None:
    data = one_output_many_times()
    started = time.process_time()
    graph = load_tflite(data)
    assert len(graph.outputs) == 200_000
    assert time.process_time() - started < MOST_S
