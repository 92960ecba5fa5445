# SPDX-License-Identifier: MIT
"""The geometry of sliding windows."""

from __future__ import annotations

from milliwatt.errors import ModelError
from milliwatt.ir.types import Shape
from milliwatt.ops.base import Op, Padding
from milliwatt.units import ceil_div

HW = tuple[int, int]


def image_hw(shape: Shape) -> HW:
    """Rows and columns of an NHWC image's shape, or of a filter's [.,KH,KW,.]."""
    return shape[1], shape[2]


def same_padding(input_hw: HW, filter_hw: HW, stride_hw: HW, dilation_hw: HW = (1, 1)) -> Padding:
    """TensorFlow's SAME padding: the odd row or column goes to the bottom or right."""
    top, bottom = _same(input_hw[0], filter_hw[0], stride_hw[0], dilation_hw[0])
    left, right = _same(input_hw[1], filter_hw[1], stride_hw[1], dilation_hw[1])
    return Padding(top, bottom, left, right)


def _same(extent: int, taps: int, stride: int, dilation: int) -> tuple[int, int]:
    reach = (taps - 1) * dilation + 1
    total = max((ceil_div(extent, stride) - 1) * stride + reach - extent, 0)
    return total // 2, total - total // 2


def transpose_same_padding(output_hw: HW, filter_hw: HW, stride_hw: HW) -> Padding:
    """SAME padding of a transposed convolution: that of the convolution it is the transpose of."""
    return same_padding(output_hw, filter_hw, stride_hw)


def window_output_hw(
    op: Op, input_hw: HW, filter_hw: HW, stride_hw: HW, padding: Padding, dilation_hw: HW = (1, 1)
) -> HW:
    """Rows and columns of outputs; a ModelError where the window does not fit the padded input."""
    if min(*stride_hw, *dilation_hw, *filter_hw) < 1:
        raise ModelError(
            f"{op.kind}: filter {filter_hw}, stride {stride_hw}, dilation {dilation_hw} must be "
            "positive"
        )
    pads = (padding.top, padding.bottom, padding.left, padding.right)
    if min(pads) < 0:
        raise ModelError(f"{op.kind}: padding {pads} must not be negative")
    rows = _outputs(input_hw[0] + pads[0] + pads[1], filter_hw[0], stride_hw[0], dilation_hw[0])
    columns = _outputs(input_hw[1] + pads[2] + pads[3], filter_hw[1], stride_hw[1], dilation_hw[1])
    if rows < 1 or columns < 1:
        raise ModelError(
            f"{op.kind}: filter {filter_hw} with dilation {dilation_hw} does not fit the "
            f"{input_hw} input padded by {pads}"
        )
    return rows, columns


def _outputs(padded: int, taps: int, stride: int, dilation: int) -> int:
    reach = (taps - 1) * dilation + 1
    return (padded - reach) // stride + 1 if padded >= reach else 0
