# SPDX-License-Identifier: MIT
"""Resizing of images."""

from __future__ import annotations

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.values import Value
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.window import HW

_BILINEAR = {
    "half_pixel": (False, True),
    "pytorch_half_pixel": (False, True),
    "asymmetric": (False, False),
    "align_corners": (True, False),
}
"""(align_corners, half_pixel_centers) of ONNX's coordinate transformations."""


def upsample(call: Call) -> None:
    """Upsample, the older form of Resize."""
    scales = call.constant(1, "scales").array if call.has(1) else _scales_attribute(call)
    _resize(call, _scaled(call, np.asarray(scales)), "asymmetric", "floor")


def resize(call: Call) -> None:
    """Resize of rows and columns: nearest (floor of asymmetric coordinates) or linear."""
    for name in ("antialias", "exclude_outside"):
        if call.integer(name, 0):
            raise UnsupportedError(name)
    if call.node.attributes.get("axes") is not None:
        raise UnsupportedError("axes; give scales or sizes of all dimensions")
    if call.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UnsupportedError("keep_aspect_ratio_policy; give scales")
    first = 1 if call.opset < 11 else 2
    if call.opset >= 11 and call.has(3):
        sizes = call.ints(3, "sizes")
        hw = _size(call, sizes)
    else:
        hw = _scaled(call, call.constant(first, "scales").array)
    own = "asymmetric" if call.opset < 11 else "half_pixel"
    coordinates = call.text("coordinate_transformation_mode", own)
    rounding = call.text("nearest_mode", "floor" if call.opset < 11 else "round_prefer_floor")
    _resize(call, hw, coordinates, rounding)


def _resize(call: Call, hw: HW, coordinates: str, rounding: str) -> None:
    x = call.scope.as_rows(call.value())
    mode = call.text("mode", "nearest")
    if mode == "nearest":
        if (coordinates, rounding) != ("asymmetric", "floor"):
            raise UnsupportedError(
                f"nearest, {coordinates}, {rounding}; supported: asymmetric, floor"
            )
        call.define(call.emit_moved(ResizeNearest(hw, False, False), x))
        return
    if mode != "linear" or coordinates not in _BILINEAR:
        raise UnsupportedError(f"mode {mode}, {coordinates}; supported: linear, {[*_BILINEAR]}")
    if coordinates == "pytorch_half_pixel" and 1 in hw:
        raise UnsupportedError("pytorch_half_pixel to one row or column")
    _bilinear(call, ResizeBilinear(hw, *_BILINEAR[coordinates]), x)


def _bilinear(call: Call, op: ResizeBilinear, x: Value) -> None:
    target = call.target(x)
    if target is not None and target.quant != call.scope.type(x).quant:
        target = None
    call.define(call.emit_unary(op, x, target))


def _scales_attribute(call: Call) -> np.ndarray:
    return np.array(call.node.attributes.get("scales", ()), np.float32)


def _scaled(call: Call, scales: np.ndarray) -> HW:
    shape = call.scope.shape(call.value())
    if scales.dtype.kind != "f" or scales.shape != (len(shape),) or len(shape) != 4:
        raise ModelError(f"scales of {scales.dtype}{list(scales.shape)} for {list(shape)}")
    if not np.isfinite(scales).all() or not ((scales > 0) & (scales < 1024)).all():
        raise ModelError("scales must be positive and below 1024")
    exact = [float(s) * d for s, d in zip(scales, shape, strict=True)]
    sizes = [int(np.floor(e)) for e in exact]
    if any(abs(e - s) > 1e-6 * e for e, s in zip(exact, sizes, strict=True)):
        raise UnsupportedError("scales that do not give whole rows and columns")
    return _size(call, tuple(sizes))


def _size(call: Call, sizes: tuple[int, ...]) -> HW:
    shape = call.scope.shape(call.value())
    if len(sizes) != len(shape) or len(shape) != 4 or sizes[:2] != shape[:2]:
        raise UnsupportedError(f"{list(shape)} to {list(sizes)}; only rows and columns may change")
    if min(sizes) < 1:
        raise ModelError(f"sizes {list(sizes)}")
    return sizes[2], sizes[3]
