# SPDX-License-Identifier: MIT
"""Operators that move elements, and those that compute shapes (always constant here)."""

from __future__ import annotations

from math import prod

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.call import Call
from milliwatt.frontend.tflite.operators.slicing import strided_slice as normalise
from milliwatt.ir.types import Shape, TensorType
from milliwatt.ops.base import Activation
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack


def reshape(call: Call) -> None:
    """RESHAPE: the new shape is an operand or an option, one -1 allowed."""
    call.expect_operands(1, 2)
    if call.has(1):
        wanted = call.ints(1, "the new shape")
    else:
        wanted = call.option_ints(schema.ReshapeOptions.new_shape)
    call.emit(Reshape(_resolve(wanted, call.type(0))), [call.value(0)])


def _resolve(wanted: Shape, x: TensorType) -> Shape:
    """The shape with its -1 replaced by what the elements leave."""
    if wanted.count(-1) > 1 or any(d < 1 and d != -1 for d in wanted):
        raise ModelError(f"cannot reshape {x} to {list(wanted)}")
    known = prod(d for d in wanted if d != -1)
    return tuple(x.elements // known if d == -1 else d for d in wanted)


def squeeze(call: Call) -> None:
    """SQUEEZE: drops dimensions of one element; the declared output says which."""
    call.expect_operands(1, 1)
    call.emit(Reshape(call.output_type().shape), [call.value(0)])


def expand_dims(call: Call) -> None:
    """EXPAND_DIMS: inserts a dimension of one element."""
    call.expect_operands(2, 2)
    shape = call.type(0).shape
    axis = call.axis(_single(call, 1, "the axis"), len(shape) + 1)
    call.emit(Reshape((*shape[:axis], 1, *shape[axis:])), [call.value(0)])


def transpose(call: Call) -> None:
    """TRANSPOSE: the permutation is an operand."""
    call.expect_operands(2, 2)
    call.emit(Transpose(call.ints(1, "the permutation")), [call.value(0)])


def concatenation(call: Call) -> None:
    """CONCATENATION."""
    call.expect_operands(1, len(call.record.inputs))
    options = schema.ConcatenationOptions
    if call.activation(options.fused_activation_function) is not Activation.NONE:
        raise UnsupportedError("a fused activation")
    values = [call.value(i) for i in range(len(call.record.inputs))]
    axis = call.axis(call.integer(options.axis), len(call.type(0).shape))
    call.emit(Concat(axis), values)


def split(call: Call) -> None:
    """SPLIT: the axis is the first operand; equal parts."""
    call.expect_operands(2, 2, outputs=None)
    parts = call.integer(schema.SplitOptions.num_splits)
    axis = call.axis(_single(call, 0, "the axis"), len(call.type(1).shape))
    call.emit(Split(axis, parts), [call.value(1)])


def pack(call: Call) -> None:
    """PACK: stacks operands along a new axis."""
    call.expect_operands(1, len(call.record.inputs))
    values = [call.value(i) for i in range(len(call.record.inputs))]
    count = call.integer(schema.PackOptions.values_count)
    if count != len(values):
        raise ModelError(f"{count} values; the operator has {len(values)} inputs")
    axis = call.axis(call.integer(schema.PackOptions.axis), len(call.type(0).shape) + 1)
    call.emit(Pack(axis), values)


def unpack(call: Call) -> None:
    """UNPACK: takes an axis apart."""
    call.expect_operands(1, 1, outputs=None)
    axis = call.axis(call.integer(schema.UnpackOptions.axis), len(call.type(0).shape))
    call.emit(Unpack(axis), [call.value(0)])


def pad(call: Call) -> None:
    """PAD: with real zero, the zero point of quantised values."""
    call.expect_operands(2, 2)
    x = call.type(0)
    call.emit(Pad(_pads(call), 0 if x.quant is None else x.zero_point), [call.value(0)])


def padv2(call: Call) -> None:
    """PADV2: the value, in the tensor's own numbers, is the third operand."""
    call.expect_operands(3, 3)
    array, value, x = call.array(2, "the padding value"), call.type(2), call.type(0)
    if array.size != 1 or value.dtype is not x.dtype or value.quant != x.quant:
        raise ModelError(f"padding value {value} must be one element like {x}'s")
    call.emit(Pad(_pads(call), array.reshape(-1)[0].item()), [call.value(0)])


def _pads(call: Call) -> tuple[tuple[int, int], ...]:
    flat = call.ints(1, "the paddings")
    if len(flat) != 2 * len(call.type(0).shape):
        raise ModelError(f"{len(flat)} paddings for {call.type(0)}")
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def slice_(call: Call) -> None:
    """SLICE: begin and size are operands; size -1 means to the end."""
    call.expect_operands(3, 3)
    shape = call.type(0).shape
    begin, wanted = call.ints(1, "begin"), call.ints(2, "size")
    if not len(begin) == len(wanted) == len(shape):
        raise ModelError(f"begin {list(begin)} and size {list(wanted)} do not cover {list(shape)}")
    size = tuple(d - b if s == -1 else s for d, b, s in zip(shape, begin, wanted, strict=True))
    call.emit(Slice(begin, size, (1,) * len(shape)), [call.value(0)])


def strided_slice(call: Call) -> None:
    """STRIDED_SLICE with all its masks: a Slice, and a Reshape where the rank changes."""
    call.expect_operands(4, 4)
    options = schema.StridedSliceOptions
    if call.flag(options.offset):
        raise UnsupportedError("end given as an offset from begin")
    x = call.type(0)
    begin, size, strides, shape = normalise(
        x.shape,
        call.ints(1, "begin"),
        call.ints(2, "end"),
        call.ints(3, "strides"),
        begin_mask=call.integer(options.begin_mask),
        end_mask=call.integer(options.end_mask),
        ellipsis_mask=call.integer(options.ellipsis_mask),
        new_axis_mask=call.integer(options.new_axis_mask),
        shrink_axis_mask=call.integer(options.shrink_axis_mask),
    )
    op = Slice(begin, size, strides)
    if shape == size:
        call.emit(op, [call.value(0)])
        return
    name, declared = call.output()
    sliced = TensorType(size, declared.dtype, declared.quant)
    (result,) = call.draft.apply(op, [call.value(0)], [(name, sliced)])
    call.emit(Reshape(shape), [result])


def shape(call: Call) -> None:
    """SHAPE: a constant, for every shape is known."""
    call.expect_operands(1, 1)
    name, declared = call.output()
    array = np.array(call.type(0).shape, declared.dtype.numpy)
    if declared.shape != array.shape:
        raise ModelError(f"output {declared} cannot hold the {array.size} dimensions of the input")
    call.define(0, call.draft.constant(name, declared, array))


def fill(call: Call) -> None:
    """FILL: a constant; dimensions and value are operands."""
    call.expect_operands(2, 2)
    dims = call.ints(0, "the dimensions")
    name, declared = call.output()
    value = call.array(1, "the value")
    if value.size != 1 or dims != declared.shape:
        raise ModelError(f"dimensions {list(dims)} and value {call.type(1)} do not give {declared}")
    if call.type(1).dtype is not declared.dtype or call.type(1).quant != declared.quant:
        raise ModelError(f"value {call.type(1)} and output {declared} differ in type")
    call.draft.spend(declared.elements, "FILL")
    array = np.full(declared.shape, value.reshape(-1)[0], declared.dtype.numpy)
    call.define(0, call.draft.constant(name, declared, array))


def _single(call: Call, position: int, what: str) -> int:
    values = call.ints(position, what)
    if len(values) != 1:
        raise ModelError(f"{what} must be one number, not {list(values)}")
    return values[0]
