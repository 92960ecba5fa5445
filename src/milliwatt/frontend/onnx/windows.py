# SPDX-License-Identifier: MIT
"""Kernels, strides, dilations and padding of convolutions and pools."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.errors import ModelError
from milliwatt.frontend.onnx.call import Call
from milliwatt.ops.base import Padding
from milliwatt.ops.window import HW, same_padding
from milliwatt.units import ceil_div


@dataclass(frozen=True, slots=True)
class Window:
    """The geometry of a window that slides over an image's rows and columns."""

    kernel_hw: HW
    stride_hw: HW
    dilation_hw: HW
    padding: Padding


def read_window(call: Call, input_hw: HW, kernel_hw: HW) -> Window:
    """The attributes every sliding window has; a ModelError where they contradict each other."""
    kernel_hw = _pair(call, "kernel_shape", kernel_hw)
    stride_hw, dilation_hw = _pair(call, "strides", (1, 1)), _pair(call, "dilations", (1, 1))
    if min(*kernel_hw, *stride_hw, *dilation_hw) < 1:
        raise ModelError("kernel, strides and dilations must be positive")
    padding = _padding(call, input_hw, kernel_hw, stride_hw, dilation_hw)
    return Window(kernel_hw, stride_hw, dilation_hw, padding)


def _pair(call: Call, name: str, default: HW) -> HW:
    first, second = call.integers(name, default)
    return first, second


def _padding(call: Call, input_hw: HW, kernel_hw: HW, stride_hw: HW, dilation_hw: HW) -> Padding:
    auto = call.text("auto_pad", "NOTSET")
    if auto == "NOTSET":
        top, left, bottom, right = call.integers("pads", (0, 0, 0, 0))
        return Padding(top, bottom, left, right)
    if auto == "VALID":
        return Padding()
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise ModelError(f"auto_pad '{auto}' does not exist")
    same = same_padding(input_hw, kernel_hw, stride_hw, dilation_hw)
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
