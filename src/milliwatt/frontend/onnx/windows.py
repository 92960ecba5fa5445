# SPDX-License-Identifier: MIT
"""Kernels, strides, dilations and padding of convolutions and pools."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.errors import ModelError
from milliwatt.frontend.onnx.call import Call
from milliwatt.ops.base import Padding
from milliwatt.ops.window import HW, same_padding
from milliwatt.units import ceil_div

_MOST = 1 << 16


@dataclass(frozen=True, slots=True)
class Window:
    """The geometry of a window that slides over an image's rows and columns."""

    kernel_hw: HW
    stride_hw: HW
    dilation_hw: HW
    padding: Padding


def read_window(call: Call, input_hw: HW, kernel_hw: HW | None, rank: int) -> Window:
    """The attributes every sliding window has, for an operand of `rank` dimensions in the file.

    `kernel_hw` is the default. A signal's window (rank 3) is one of a single row. ModelError where
    an attribute cannot be.
    """
    kernel_hw = pair(call, "kernel_shape", kernel_hw, rank)
    stride_hw = pair(call, "strides", (1, 1), rank)
    dilation_hw = pair(call, "dilations", (1, 1), rank)
    numbers = (*kernel_hw, *stride_hw, *dilation_hw)
    if min(numbers) < 1 or max(numbers) > _MOST:
        raise ModelError(
            f"kernel {kernel_hw}, strides {stride_hw} and dilations {dilation_hw} must be in "
            f"1..{_MOST}"
        )
    padding = _padding(call, input_hw, Window(kernel_hw, stride_hw, dilation_hw, Padding()), rank)
    return Window(kernel_hw, stride_hw, dilation_hw, padding)


def pair(call: Call, name: str, default: HW | None, rank: int) -> HW:
    """An attribute of one number for rows and one for columns, of which signals have the second."""
    if default is None and call.node.attributes.get(name) is None:
        raise ModelError(f"attribute '{name}' is missing")
    first_row = (default or (1, 1))[0]
    numbers = call.integers(name, (default or (1, 1))[4 - rank :])
    return (numbers[0], numbers[1]) if rank == 4 else (first_row, numbers[0])


def _padding(call: Call, input_hw: HW, window: Window, rank: int) -> Padding:
    auto = call.text("auto_pad", "NOTSET")
    if auto == "NOTSET" and rank == 3:
        left, right = call.integers("pads", (0, 0))
        return Padding(0, 0, left, right)
    if auto == "NOTSET":
        top, left, bottom, right = call.integers("pads", (0, 0, 0, 0))
        return Padding(top, bottom, left, right)
    if auto == "VALID":
        return Padding()
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise ModelError(f"auto_pad '{auto}' does not exist")
    same = same_padding(input_hw, window.kernel_hw, window.stride_hw, window.dilation_hw)
    if auto == "SAME_UPPER":
        return same
    return Padding(same.bottom, same.top, same.right, same.left)


def rounded_up_differs(window: Window, input_hw: HW) -> bool:
    """Whether ceil_mode gives other outputs than rounding down."""
    pads = window.padding
    for extent, k, s, d, before, after in zip(
        input_hw,
        window.kernel_hw,
        window.stride_hw,
        window.dilation_hw,
        (pads.top, pads.left),
        (pads.bottom, pads.right),
        strict=True,
    ):
        room = extent + before + after - ((k - 1) * d + 1)
        if ceil_div(room, s) != room // s:
            return True
    return False
