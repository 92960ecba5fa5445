# SPDX-License-Identifier: MIT
"""How much code kernels take: an estimate for choosing among them.

Measured with arm-none-eabi-gcc 12.2 -Os for Cortex-M4 on the MLPerf Tiny networks and MCUNet; one
figure stands for all sets of fixed literals, between which sizes differ by a quarter or so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milliwatt.backend.mcu.kernel import Lit, Lowered, Ref

UNKNOWN_BYTES = 400
"""For kernels without a figure."""

Helpers = tuple[tuple[str, int], ...]
"""Functions that are not inlined, with their bytes: a network has each once."""


@dataclass(frozen=True, slots=True)
class Code:
    """`own_bytes` for each set of fixed literals, `helpers` once for the whole network."""

    own_bytes: int
    helpers: Helpers = ()


_MATMUL_4PX = ("mw_matmul_s8_4px", 0)
_MATMUL_4PX_SMALL = ("mw_matmul_s8_4px_small", 0)
_MATMUL_1PX = ("mw_matmul_s8_1px", 0)
_FORMS = (
    *("_packed", "_once", "_once_deep", "_once_large"),
    *("_coarse", "_twice_brief", "_once_brief", "_once_fine"),
)
_LINE_FORMS = ("", "_once", "", "_once", "_large", "")
_SIZES: Mapping[str, tuple[int, ...]] = {
    "mw_matmul_s8_4px": (676, 632, 1016, 632, 782, 430, 362, 632),
    "mw_matmul_s8_4px_small": (388, 312, 312, 632, 782, 430, 362, 632),
    "mw_matmul_s8_1px": (320, 292, 292, 292, 190, 0, 0, 292),
    "mw_depthwise_line_3x3_stride_1": (458, 410, 458, 410, 410, 0),
    "mw_depthwise_line_3x3_stride_2": (482, 434, 482, 434, 434, 0),
}
"""Bytes of the functions for each form of mw_pair_scales_dsp.h or mw_depthwise_channel_s8_dsp.h."""
_WINDOW_4PX = ("mw_widen_window_s8_of_4", 366)
_WINDOW_1PX = ("mw_widen_window_s8_of_1", 362)
_COPY_WINDOW = ("mw_copy_window_s8_of_4", 130)
_CLIPPED_ROW = ("mw_clipped_row_s8", 140)
_WIDEN_4PX = ("mw_widen_s8_of_4", 92)
_WIDEN_BLOCK = ("mw_widen_block_s8", 150)
_WIDEN_1PX = ("mw_widen_s8", 90)
_LOAD_LINE = ("mw_load_line_s8", 146)
_LOAD_LINES = ("mw_load_lines_s8_of_4", 210)
_LINE = (("mw_depthwise_line_3x3_stride_1", 0), ("mw_depthwise_line_3x3_stride_2", 0))
"""Each stands for functions whose sizes are in `_SIZES`, as are those of `_MATMUL...`."""
_CODED = (("mw_rice_quotients", 174), ("mw_rice_low", 158), ("mw_rice_sixes", 256))
_CODED_BLOCKS = (*_CODED, ("mw_next_block", 96), ("mw_store_block", 56))

_SMALL = (_MATMUL_4PX_SMALL, _COPY_WINDOW, _WIDEN_4PX)
_SMALL_1X1 = (_MATMUL_4PX_SMALL, _WIDEN_4PX)
_WINOGRAD = (("mw_winograd_matmul", 486), ("mw_winograd_edge", 198))
_WINOGRAD_2X2 = (("mw_winograd_input_2x2", 796), ("mw_winograd_output_2x2", 274))
_WINOGRAD_4X4 = (("mw_winograd_input_4x4", 530), ("mw_winograd_output_4x4", 910))

_POINTWISE = (_MATMUL_4PX, _MATMUL_1PX, _WIDEN_BLOCK, _WIDEN_1PX)
_WINDOWS = (_MATMUL_4PX, _MATMUL_1PX, _WINDOW_4PX, _WINDOW_1PX, _CLIPPED_ROW)

_CODE: Mapping[str, Code] = {
    "mw_add_affine_s8": Code(270),
    "mw_add_s8": Code(200),
    "mw_add_s8_dsp": Code(120),
    "mw_average_pool2d_s8": Code(94),
    "mw_average_pool2d_s8_dsp": Code(210),
    "mw_conv2d_1x1_coded_blocks_s8_dsp": Code(290, (*_POINTWISE, *_CODED_BLOCKS)),
    "mw_conv2d_1x1_coded_s8_dsp": Code(280, (*_POINTWISE, *_CODED)),
    "mw_conv2d_1x1_s8_dsp": Code(200, _POINTWISE),
    "mw_conv2d_1x1_small_coded_blocks_s8_dsp": Code(250, (*_SMALL_1X1, *_CODED_BLOCKS)),
    "mw_conv2d_1x1_small_coded_s8_dsp": Code(190, (*_SMALL_1X1, *_CODED)),
    "mw_conv2d_1x1_small_s8_dsp": Code(152, (_MATMUL_4PX_SMALL, _WIDEN_4PX)),
    "mw_conv2d_coded_blocks_s8_dsp": Code(350, (*_WINDOWS, *_CODED_BLOCKS)),
    "mw_conv2d_coded_s8_dsp": Code(330, (*_WINDOWS, *_CODED)),
    "mw_conv2d_gather_s8": Code(430),
    "mw_conv2d_s8": Code(460),
    "mw_conv2d_s8_dsp": Code(290, _WINDOWS),
    "mw_conv2d_small_coded_blocks_s8_dsp": Code(250, (*_SMALL, *_CODED_BLOCKS)),
    "mw_conv2d_small_coded_s8_dsp": Code(220, (*_SMALL, *_CODED)),
    "mw_conv2d_small_s8_dsp": Code(180, (_MATMUL_4PX_SMALL, _COPY_WINDOW, _WIDEN_4PX)),
    "mw_conv2d_winograd_4x4_s8_dsp": Code(310, (*_WINOGRAD, *_WINOGRAD_4X4)),
    "mw_conv2d_winograd_s8_dsp": Code(310, (*_WINOGRAD, *_WINOGRAD_2X2)),
    "mw_depthwise_conv2d_3x3_coded_s8_dsp": Code(440, (*_LINE, _LOAD_LINES, *_CODED)),
    "mw_depthwise_conv2d_3x3_plane_coded_s8_dsp": Code(470, (*_LINE, *_CODED)),
    "mw_depthwise_conv2d_3x3_plane_s8_dsp": Code(500, _LINE),
    "mw_depthwise_conv2d_3x3_s8_dsp": Code(480, (*_LINE, _LOAD_LINES)),
    "mw_depthwise_conv2d_coded_s8_dsp": Code(720, (_LOAD_LINE, *_CODED)),
    "mw_depthwise_conv2d_s8": Code(700),
    "mw_depthwise_conv2d_s8_dsp": Code(690, (_LOAD_LINE, _LOAD_LINES)),
    "mw_depthwise_words_s8_dsp": Code(316),
    "mw_fully_connected_coded_s8_dsp": Code(510, _CODED),
    "mw_fully_connected_expanded_s8_dsp": Code(510, (_WIDEN_1PX,)),
    "mw_fully_connected_s8": Code(250),
    "mw_fully_connected_s8_dsp": Code(400),
    "mw_mul_s8_dsp": Code(230),
    "mw_softmax_pairs_s8": Code(40),
    "mw_softmax_s8_s8": Code(380),
}

_STRIDE_AT = {"mw_depthwise_conv2d_3x3_s8_dsp": 14, "mw_depthwise_conv2d_3x3_plane_s8_dsp": 13}
"""Place of the stride among the arguments."""
_FORM_AT = (
    *(("mw_conv2d_1x1_small_", -2), ("mw_conv2d_1x1_s8_", -1), ("mw_conv2d_1x1_coded_", -1)),
    *(("mw_conv2d_small_", -1), ("mw_conv2d_s8_dsp", -2), ("mw_conv2d_coded_", -2)),
    ("mw_depthwise_conv2d_3x3_", -1),
)
"""Place of the argument that says how sums are rounded."""


def known_functions() -> frozenset[str]:
    """The C functions that there is a figure for."""
    return frozenset(_CODE)


def call_bytes(lowered: Lowered) -> int:
    """About what the call itself takes: a function, and its arguments in a table or in code."""
    numbers = sum(isinstance(arg, Lit) and not arg.fixed for arg in lowered.args)
    tables = sum(isinstance(arg, Ref) for arg in lowered.args)
    return 16 + 4 * tables + 2 * numbers


def code_of(lowered: Lowered) -> Code:
    """The code that a call brings with it."""
    code = _CODE.get(lowered.function, Code(UNKNOWN_BYTES))
    left_out = _left_out(lowered)
    form = _form(lowered)
    return Code(code.own_bytes, tuple(_of_form(h, form) for h in code.helpers if h != left_out))


def _left_out(lowered: Lowered) -> tuple[str, int] | None:
    """The line function of the other stride where the compiler knows which it is."""
    place = _STRIDE_AT.get(lowered.function)
    stride = None if place is None else lowered.args[place]
    if not (isinstance(stride, Lit) and stride.fixed):
        return None
    return _LINE[stride.value == 1]


def _form(lowered: Lowered) -> int:
    """How a layer's sums are rounded; 0 where nothing says so."""
    places = [place for name, place in _FORM_AT if lowered.function.startswith(name)]
    arg = lowered.args[places[0]] if places and lowered.args else None
    return int(arg.value) if isinstance(arg, Lit) else 0


def _of_form(helper: tuple[str, int], form: int) -> tuple[str, int]:
    """The helper; of the functions that rescale sums the one for that form."""
    sizes = _SIZES.get(helper[0])
    if sizes is None:
        return helper
    names = _LINE_FORMS if helper in _LINE else _FORMS
    return f"{helper[0]}{names[form]}", sizes[form]
