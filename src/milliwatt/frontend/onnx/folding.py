# SPDX-License-Identifier: MIT
"""Nodes whose operands are all known: computed while importing (shapes, mostly)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.constants import Constant
from milliwatt.frontend.onnx.tensors import ELEMENT_TYPES, MAX_RANK
from milliwatt.ir.types import Array

MAX_FOLDED_ELEMENTS = 1 << 22
"""Elements of one folded constant."""


def folds(call: Call) -> bool:
    """Whether the node is one that is computed here, and all its operands are constant."""
    if call.node.kind == "Shape":
        return True
    operands = [call.operand(i) for i in range(len(call.node.inputs)) if call.has(i)]
    return call.node.kind in _FUNCTIONS and all(isinstance(v, Constant) for v in operands)


def fold(call: Call) -> None:
    """Define the first output as the constant it is."""
    if call.node.kind == "Shape":
        call.define(Constant(_shape(call)))
        return
    arrays = [call.constant(i, "an operand").array for i in range(len(call.node.inputs))]
    if not arrays and call.node.kind != "ConstantOfShape":
        raise ModelError("no operands")
    try:
        result = np.asarray(_FUNCTIONS[call.node.kind](call, arrays))
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise ModelError(f"cannot be computed: {error}") from error
    call.scope.draft.spend(result.size, call.node.label)
    call.define(Constant(result))


def _shape(call: Call) -> Array:
    x = call.operand(0)
    dims = x.array.shape if isinstance(x, Constant) else call.scope.shape(x)
    start = call.integer("start", 0)
    end = call.node.attributes.get("end", len(dims))
    if not isinstance(end, int):
        raise ModelError("attribute 'end' is no integer")
    return np.array(dims[start:end], np.int64)


def _elementwise(function: Callable[..., Array]) -> Callable[[Call, Sequence[Array]], Array]:
    def compute(call: Call, arrays: Sequence[Array]) -> Array:
        del call
        _expect_size(np.broadcast_shapes(*(a.shape for a in arrays)))
        if len({a.dtype for a in arrays}) != 1:
            raise ModelError("operands of different element types")
        return np.asarray(function(*arrays)).astype(arrays[0].dtype)

    return compute


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return a / b
    if (b == 0).any():
        raise ModelError("division of integers by zero")
    # C's division: towards zero.
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b)))


def _expect_size(shape: Sequence[int]) -> None:
    if prod(shape) > MAX_FOLDED_ELEMENTS or len(shape) > MAX_RANK:
        raise ModelError(f"a constant of shape {list(shape)[:MAX_RANK]} is too large")


def _cast(call: Call, arrays: Sequence[Array]) -> Array:
    name = ELEMENT_TYPES.get(call.integer("to", 0))
    if name is None:
        raise UnsupportedError(f"casts to element type {call.integer('to', 0)}")
    return arrays[0].astype(name)


def _concat(call: Call, arrays: Sequence[Array]) -> Array:
    return np.concatenate(arrays, axis=call.integer("axis", 1))


def _constant_of_shape(call: Call, arrays: Sequence[Array]) -> Array:
    dims = tuple(int(d) for d in arrays[0].reshape(-1))
    if any(d < 0 for d in dims):
        raise ModelError(f"shape {list(dims)}")
    _expect_size(dims)
    value = call.node.attributes.get("value", np.zeros(1, np.float32))
    if not isinstance(value, np.ndarray) or value.size != 1:
        raise ModelError("attribute 'value' is no tensor of one element")
    return np.full(dims, value.reshape(-1)[0], value.dtype)


def _gather(call: Call, arrays: Sequence[Array]) -> Array:
    axis = call.integer("axis", 0)
    data, indices = arrays
    if data.ndim:
        _expect_size((*data.shape[:axis], *indices.shape, *data.shape[axis:][1:]))
    return np.take(data, indices, axis=axis)


def _sliced(call: Call, arrays: Sequence[Array]) -> Array:
    if call.opset < 10:
        starts, stops = call.integers_or_none("starts"), call.integers_or_none("ends")
        axes, steps = call.integers_or_none("axes"), None
    else:
        lists = [[int(v) for v in a.reshape(-1)] for a in arrays[1:]]
        starts, stops = lists[0], lists[1]
        axes = lists[2] if len(lists) > 2 else None
        steps = lists[3] if len(lists) > 3 else None
    if starts is None or stops is None:
        raise ModelError("no starts or no ends")
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    taken = [slice(None)] * arrays[0].ndim
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        taken[axis] = slice(start, stop, step)
    return arrays[0][tuple(taken)]


_FUNCTIONS: dict[str, Callable[[Call, Sequence[Array]], Array]] = {
    "Add": _elementwise(np.add),
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Div": _elementwise(_divide),
    "Gather": _gather,
    "Mul": _elementwise(np.multiply),
    "Pow": _elementwise(np.power),
    "Neg": _elementwise(np.negative),
    "Slice": _sliced,
    "Sqrt": _elementwise(np.sqrt),
    "Sub": _elementwise(np.subtract),
}
"""Nodes that move one constant (Reshape, Transpose...) fold in their own converters."""

FOLDED = frozenset({"Shape", *_FUNCTIONS})
"""Kinds of nodes that are computed here where their operands are constant."""
