# SPDX-License-Identifier: MIT
"""Operators that move elements; on integers they keep the number format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call, requantised
from milliwatt.frontend.onnx.constants import Constant
from milliwatt.frontend.onnx.values import (
    TO_CHANNELS_FIRST,
    TO_CHANNELS_LAST,
    Operand,
    Value,
)
from milliwatt.ir.types import Shape
from milliwatt.ops.shape import Concat, Pad, Slice, Transpose


def identity(call: Call) -> None:
    """Identity, and Dropout, which drops nothing in inference."""
    if any(call.node.outputs[1:]):
        raise UnsupportedError("the mask of what is dropped")
    if call.has(2) and call.constant(2, "training_mode").array.any():
        raise UnsupportedError("drops elements, in training mode")
    call.define(call.operand(0))


def cast(call: Call) -> None:
    """Cast of float32 to float32; casts of constants are folded."""
    x = call.value()
    if call.integer("to", 0) != 1 or not (call.scope.type(x).dtype.is_float or x.dequantised):
        raise UnsupportedError("casts a computed value")
    call.define(x)


def reshape(call: Call) -> None:
    """Reshape to a constant shape: 0 keeps a dimension, one -1 is inferred."""
    x = call.operand(0)
    before = _shape(call, x)
    wanted = call.ints(1, "the shape")
    if not call.integer("allowzero", 0):
        if any(d == 0 and i >= len(before) for i, d in enumerate(wanted)):
            raise ModelError(f"shape {list(wanted)} keeps a dimension that {list(before)} lacks")
        wanted = tuple(before[i] if d == 0 else d for i, d in enumerate(wanted))
    _define_reshaped(call, x, _inferred(wanted, prod(before)))


def flatten(call: Call) -> None:
    """Flatten to two dimensions, the second from `axis` on."""
    x = call.operand(0)
    shape = _shape(call, x)
    axis = call.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise ModelError(f"axis {axis} of {list(shape)}")
    axis = axis + len(shape) if axis < 0 else axis
    _define_reshaped(call, x, (prod(shape[:axis]), prod(shape[axis:])))


def squeeze(call: Call) -> None:
    """Squeeze of the given dimensions of 1, or of all."""
    x = call.operand(0)
    shape = _shape(call, x)
    axes = _axes(call)
    if axes is None:
        gone = {i for i, d in enumerate(shape) if d == 1}
    else:
        gone = {_counted(a, len(shape)) for a in axes}
    if any(shape[i] != 1 for i in gone):
        raise ModelError(f"squeezes dimensions {sorted(gone)} of {list(shape)}")
    _define_reshaped(call, x, tuple(d for i, d in enumerate(shape) if i not in gone))


def unsqueeze(call: Call) -> None:
    """Unsqueeze: dimensions of 1 at the given places of the result."""
    x = call.operand(0)
    shape, axes = list(_shape(call, x)), _axes(call)
    if axes is None:
        raise ModelError("no axes")
    rank = len(shape) + len(axes)
    places = sorted(_counted(a, rank) for a in axes)
    if len(set(places)) != len(places):
        raise ModelError(f"axes {list(axes)} name a dimension twice")
    for place in places:
        shape.insert(place, 1)
    _define_reshaped(call, x, tuple(shape))


def transpose(call: Call) -> None:
    """Transpose; between the layouts of images nothing moves."""
    x = call.operand(0)
    rank = len(_shape(call, x))
    perm = call.integers_or_none("perm")
    perm = tuple(reversed(range(rank))) if perm is None else perm
    if sorted(perm) != list(range(rank)):
        raise ModelError(f"perm {list(perm)} for {rank} dimensions")
    if isinstance(x, Constant):
        call.define(x.transpose(perm))
    elif x.channels_last and perm == TO_CHANNELS_LAST[rank]:
        call.define(replace(x, channels_last=False))
    elif (
        not x.channels_last
        and perm == TO_CHANNELS_FIRST.get(rank)
        and call.scope.ahead.is_image(call.node.outputs[0])
    ):
        call.define(replace(x, channels_last=True))
    else:
        call.define(call.emit_moved(Transpose(perm), call.scope.as_stored(x)))


def concat(call: Call) -> None:
    """Concat; integers of other formats are first brought to the result's."""
    parts = [call.value(i) for i in range(len(call.node.inputs))]
    rank = call.rank(parts[0])
    if any(call.rank(p) != rank for p in parts):
        raise ModelError("operands of different ranks")
    if any(p.channels_last for p in parts):
        parts = [call.scope.as_image(p) for p in parts]
    axis = call.scope.axis(parts[0], _counted(call.integer("axis", 1), rank))
    target = call.target(*parts)
    if target is not None:
        parts = [requantised(call, p, target) for p in parts]
    elif len({(call.scope.type(p).quant, p.dequantised) for p in parts}) > 1:
        parts = [call.scope.as_real(p) for p in parts]
    kind = call.scope.type(parts[0])
    names = tuple(p.name for p in parts)
    name = call.scope.emit(call.wanted, Concat(axis), names, kind.dtype, kind.quant)
    call.define(replace(parts[0], name=name))


def split(call: Call) -> None:
    """Split along an axis into parts of given or of equal lengths."""
    x = call.value()
    axis = call.dim(x, call.integer("axis", 0))
    extent = call.scope.shape(x)[axis]
    given = _split_lengths(call)
    count = len(call.node.outputs)
    # The last part is shorter where the dimension does not divide.
    share = -(-extent // count)
    lengths = given or tuple(min(share, extent - i * share) for i in range(count))
    if len(lengths) != count or sum(lengths) != extent or min(lengths) < 1:
        raise ModelError(f"parts of {list(lengths)} for {count} outputs and {extent} elements")
    begin = 0
    for number, length in enumerate(lengths):
        if call.node.outputs[number]:
            piece = _sliced(call, x, {axis: (begin, length, 1)}, call.output_name(number))
            call.define(piece, number)
        begin += length


def slice_(call: Call) -> None:
    """Slice with constant bounds."""
    x = call.value()
    shape = call.scope.shape(x)
    ranges: dict[int, tuple[int, int, int]] = {}
    for axis, start, stop, step in _slices(call, len(shape)):
        if step == 0 or axis in ranges:
            raise ModelError(f"axis {axis} with step {step}")
        bounds = slice(start, stop, step).indices(shape[axis])
        length = len(range(*bounds))
        if length == 0:
            raise UnsupportedError(f"nothing left of axis {axis}")
        ranges[axis] = (bounds[0], length, step)
    call.define(_sliced(call, x, ranges, call.wanted))


def gather(call: Call) -> None:
    """Gather of one constant index."""
    x = call.value()
    axis = call.dim(x, call.integer("axis", 0))
    indices = call.constant(1, "the index").array
    if indices.size != 1 or indices.dtype.kind not in "iu" or indices.ndim > 1:
        raise UnsupportedError(f"indices of shape {list(indices.shape)}; supported: one index")
    shape = call.scope.shape(x)
    index = _counted(int(indices.reshape(-1)[0]), shape[axis])
    piece = _sliced(call, x, {axis: (index, 1, 1)}, f"{call.wanted}_slice")
    kept = (1,) if indices.ndim else ()
    call.define(call.reshaped(piece, (*shape[:axis], *kept, *shape[axis + 1 :])))


def pad(call: Call) -> None:
    """Pad with a constant; in integers with the one that stands for it."""
    x = call.value()
    if call.text("mode", "constant") != "constant":
        raise UnsupportedError(f"mode {call.text('mode', 'constant')}; supported: constant")
    rank = call.rank(x)
    amounts, value, axes = _padding(call, rank)
    if any(a < 0 for a in amounts):
        raise UnsupportedError("negative padding")
    pads = [(0, 0)] * rank
    for i, axis in enumerate(axes):
        pads[call.scope.axis(x, axis)] = amounts[i], amounts[i + len(axes)]
    kind = call.scope.type(x)
    if not kind.dtype.is_float:
        code = value / kind.scale + kind.zero_point
        low, high = kind.dtype.integer_range
        if not x.dequantised or not code.is_integer() or not low <= code <= high:
            x, kind = call.scope.as_real(x), call.scope.type(call.scope.as_real(x))
        else:
            value = int(code)
    call.define(call.emit_moved(Pad(tuple(pads), value), x))


def _shape(call: Call, x: Operand) -> Shape:
    return x.array.shape if isinstance(x, Constant) else call.scope.shape(x)


def _define_reshaped(call: Call, x: Operand, shape: Shape) -> None:
    if isinstance(x, Constant):
        call.define(x.reshape(shape))
    elif prod(shape) != prod(call.scope.shape(x)):
        raise ModelError(f"{list(call.scope.shape(x))} does not fill {list(shape)}")
    else:
        call.define(call.reshaped(x, shape))


def _inferred(shape: Sequence[int], elements: int) -> Shape:
    known = prod(d for d in shape if d != -1)
    unknown = [i for i, d in enumerate(shape) if d == -1]
    if any(d < -1 for d in shape) or len(unknown) > 1 or (unknown and not known):
        raise ModelError(f"shape {list(shape)}")
    full = tuple(elements // known if d == -1 else d for d in shape)
    if prod(full) != elements:
        raise ModelError(f"{elements} elements do not fill shape {list(shape)}")
    return full


def _counted(axis: int, rank: int) -> int:
    """An axis or index that may count from the end, counted from the front."""
    if not -rank <= axis < rank:
        raise ModelError(f"{axis} is outside -{rank}..{rank - 1}")
    return axis % rank


def _axes(call: Call) -> tuple[int, ...] | None:
    """Axes as an attribute before opset 13, as an operand since."""
    if call.opset < 13:
        return call.integers_or_none("axes")
    return call.ints(1, "axes") if call.has(1) else None


def _split_lengths(call: Call) -> tuple[int, ...] | None:
    if call.opset < 13:
        return call.integers_or_none("split")
    return call.ints(1, "lengths") if call.has(1) else None


def _slices(call: Call, rank: int) -> list[tuple[int, int, int, int]]:
    """Axis, start, stop and step of each sliced axis."""
    if call.opset < 10:
        starts, stops = call.integers_or_none("starts"), call.integers_or_none("ends")
        axes, steps = call.integers_or_none("axes"), None
    else:
        starts, stops = call.ints(1, "starts"), call.ints(2, "ends")
        axes = call.ints(3, "axes") if call.has(3) else None
        steps = call.ints(4, "steps") if call.has(4) else None
    if starts is None or stops is None:
        raise ModelError("no starts or no ends")
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    if not len(starts) == len(stops) == len(axes) == len(steps):
        raise ModelError("starts, ends, axes and steps of different lengths")
    counted = [_counted(a, rank) for a in axes]
    return list(zip(counted, starts, stops, steps, strict=True))


def _sliced(call: Call, x: Value, ranges: dict[int, tuple[int, int, int]], wanted: str) -> Value:
    """Begin, length and step along the file's axes."""
    shape = call.scope.type(x).shape
    by_axis = {call.scope.axis(x, axis): taken for axis, taken in ranges.items()}
    full = [by_axis.get(i, (0, d, 1)) for i, d in enumerate(shape)]
    begin, size, strides = (tuple(t[k] for t in full) for k in range(3))
    return call.scope.move(wanted, Slice(begin, size, strides), x)


def _padding(call: Call, rank: int) -> tuple[tuple[int, ...], float, tuple[int, ...]]:
    """Amounts (all before, then all after), the value, and the axes they are for."""
    axes = tuple(range(rank))
    if call.opset < 11:
        amounts, value = call.integers_or_none("pads") or (), call.real("value", 0.0)
    else:
        amounts = call.ints(1, "pads")
        value = 0.0
        if call.has(2):
            given = call.floats(2, "the value").reshape(-1)
            if given.size != 1:
                raise ModelError(f"{given.size} values to pad with")
            value = float(given[0])
        if call.has(3):
            axes = tuple(_counted(a, rank) for a in call.ints(3, "axes"))
    if len(amounts) != 2 * len(axes) or len(set(axes)) != len(axes) or not np.isfinite(value):
        raise ModelError(f"pads {list(amounts)} with {value} for {len(axes)} dimensions")
    return amounts, value, axes
