# SPDX-License-Identifier: MIT
"""Depthwise convolutions on cores with the DSP instructions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from milliwatt.backend.mcu.kernel import (
    Arg,
    In,
    Kernel,
    Lowered,
    Out,
    Overlap,
    Ref,
    Scratch,
    Site,
    Table,
)
from milliwatt.backend.mcu.lowering.common.linear import constant, has_int8_parameters
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.depthwise_lines import (
    Lines,
    best_lines,
    find_lines,
    is_in_place,
    lands_on_gathered,
    work_of_lines,
)
from milliwatt.backend.mcu.lowering.dsp.layout import (
    DspKernel,
    Filters,
    coarse_words,
    exponents,
    folded_filters,
    has_small_sums,
    is_coarse,
    is_exact,
    is_rescaled_exactly,
    multipliers,
)
from milliwatt.backend.mcu.lowering.dsp.one_rounding import (
    LARGE_RESULT_BITS,
    RESULT_BITS,
    OneRounding,
    offset_of,
    one_rounding,
)
from milliwatt.ir.types import Array
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import convolution_factors


@lru_cache(maxsize=8)
def filters_of(site: Site) -> Filters:
    """The convolution's parameters, taps in the order of rows, columns."""
    x, weights, _ = site.inputs
    channels = weights.shape[3]
    taps = constant(site, 1).reshape(-1, channels).T
    return folded_filters(site, taps, convolution_factors(x, weights, site.outputs[0], channels))


def is_undilated(site: Site) -> bool:
    """Whether the site is an int8 depthwise convolution of one image, not dilated."""
    op = site.op
    return (
        isinstance(op, DepthwiseConv2D)
        and has_int8_parameters(site)
        and site.inputs[0].shape[0] == 1
        and all(
            d == 1 or k == 1 for d, k in zip(op.dilation_hw, site.inputs[1].shape[1:3], strict=True)
        )
        and bool(find_lines(site))
    )


def accepts(site: Site) -> bool:
    """The same, with factors below 1/2, or such that one rounding is exact."""
    return is_undilated(site) and _is_exact(site)


def computes(site: Site) -> bool:
    """The same, with any factors that there is a form for."""
    return is_undilated(site) and (is_rescaled_exactly(filters_of(site)) or _is_exact(site))


def _is_exact(site: Site) -> bool:
    op, (y,) = site.op, site.outputs
    assert isinstance(op, DepthwiseConv2D)
    filters = filters_of(site)
    if is_exact(filters):
        return True
    clamp = activation_range(op.activation, y)
    return has_small_sums(filters) and rounded_once(filters, y.zero_point, clamp) is not None


@dataclass(frozen=True, slots=True)
class RoundedOnce:
    """What rescales sums that are rounded once: the constants, and how they are to be read."""

    values: OneRounding
    form: int
    """`ONCE` or `ONCE_LARGE`."""
    offset: int


def rounded_once(filters: Filters, zero_point: int, clamp: tuple[int, int]) -> RoundedOnce | None:
    """The constants where one rounding is exact; the form for large factors where no other is."""
    if is_exact(filters):
        form, bits = ONCE, RESULT_BITS
    else:
        form, bits = ONCE_LARGE, LARGE_RESULT_BITS
    values = one_rounding(filters, zero_point, *clamp, result_bits=bits)
    return None if values is None else RoundedOnce(values, form, offset_of(zero_point, bits))


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's tables, and the arguments that every kernel ends with."""

    tables: tuple[Table, ...]
    y_zero: int
    clamp_and_form: tuple[Arg, ...]

    @property
    def operands(self) -> tuple[Arg, ...]:
        """The arguments that the kernels of lines begin with; the last table may serve twice."""
        scales = Ref(self.tables[-1].name)
        return In(0), Out(0), Scratch(), Ref("weights"), Ref("bias"), scales


def layer_of(
    site: Site, filters: Filters, weights: Array, *, short: bool = False, twice: bool = False
) -> Layer:
    """`weights`, laid out as the kernel reads them; biases and scales as they fit best.

    `short` allows multipliers of three bytes, `twice` wants two roundings (`has_two_words`). The
    output's zero point is the offset where sums are rounded once, which the last argument says.
    """
    op, (y,) = site.op, site.outputs
    assert isinstance(op, DepthwiseConv2D)
    clamp = activation_range(op.activation, y)
    if twice:
        form, zero, tables = TWICE, y.zero_point, _two_words(filters)
    else:
        form, zero, tables = _bias_and_scales(filters, y.zero_point, clamp, short)
    flat = np.ascontiguousarray(weights).astype(np.int8).reshape(-1)
    return Layer((Table("weights", flat), *tables), zero, fixed(*clamp, form))


def _bias_and_scales(
    filters: Filters, zero_point: int, clamp: tuple[int, int], short: bool
) -> tuple[int, int, tuple[Table, ...]]:
    """The form, the zero point or offset, and the tables: biases and scales, or both in one."""
    if short and is_exact(filters):
        brief = one_rounding(filters, zero_point, *clamp, mantissa_bits=24)
        packed = None if brief is None else brief.short()
        if packed is not None:
            return ONCE_SHORT, offset_of(zero_point), (packed.by_kind(),)
    once = rounded_once(filters, zero_point, clamp)
    if once is not None:
        return once.form, once.offset, (_biases(once.values.bias), once.values.scales())
    if has_two_words(filters):
        return TWICE, zero_point, _two_words(filters)
    form = COARSE if is_coarse(filters) else TWICE_WIDE
    return form, zero_point, (_biases(2 * filters.bias), coarse_words(filters))


def has_two_words(filters: Filters) -> bool:
    """Whether two words a channel do for two roundings."""
    return is_exact(filters) and bool((np.abs(filters.bias) < 1 << 25).all())


def _two_words(filters: Filters) -> tuple[Table, Table]:
    return _biases(64 * filters.bias + exponents(filters)), multipliers(filters)


def _biases(values: Array) -> Table:
    return Table("bias", values.astype(np.int32))


def _layer(site: Site, lines: Lines, *, twice: bool = False) -> Layer:
    """Weights channel-major, each channel's line after line."""
    filters = filters_of(site)
    taps = filters.weights.reshape(-1, *site.inputs[1].shape[1:3])
    taps = taps if lines.by_rows else taps.transpose(0, 2, 1)
    return layer_of(site, filters, taps, short=True, twice=twice)


def _zeros_and_clamp(site: Site, layer: Layer) -> tuple[Arg, ...]:
    """The arguments of every kernel of lines from the zero points on."""
    return *passed(site.inputs[0].zero_point, layer.y_zero), *layer.clamp_and_form


TWICE, ONCE, TWICE_WIDE, ONCE_SHORT, ONCE_LARGE, COARSE = range(6)
"""MW_TWICE, MW_ONCE, MW_TWICE_WIDE, MW_ONCE_SHORT, MW_ONCE_LARGE, MW_COARSE of
mw_depthwise_channel_s8_dsp.h."""


def _image(lines: Lines) -> tuple[Arg, ...]:
    """Extents of the image, and whether its rows are the lines."""
    along, across = lines.along, lines.across
    return passed(along.size, across.size, along.out_size, across.out_size, lines.by_rows)


def _channels(site: Site) -> tuple[Arg, ...]:
    """Output channels, and how many of them an input channel has."""
    channels = site.outputs[0].shape[3]
    return (*passed(channels), *fixed(channels // site.inputs[0].shape[3]))


def _overlaps(site: Site, lines: Lines) -> tuple[Overlap, ...]:
    if not is_in_place(site, lines):
        return ()
    # Whole rows lower, an output lands on a row gathered even earlier, or on the same column: there
    # outputs that lay behind the image may land on columns that are still to be gathered.
    _, _, width, channels = site.inputs[0].shape
    lower = lines.by_rows or bool(lands_on_gathered(site, lines).all())
    return (Overlap(0, 0, exact=True, step_bytes=width * channels if lower else 0),)


def _together(site: Site, lines: Lines) -> int:
    """Channels the general kernel gathers at once."""
    channels = site.outputs[0].shape[3]
    one_line = lines.across.out_size == 1 and channels == site.inputs[0].shape[3]
    return 4 if one_line and channels >= 4 else 1


def _with_free_stride(lines: Lines) -> Lines:
    """`lines`; a single output has any stride, and 2 needs half the filter's pairs of 1."""
    if lines.along.out_size > 1:
        return lines
    return replace(lines, along=replace(lines.along, stride=2))


def _lower(site: Site) -> Lowered:
    lines = _with_free_stride(best_lines(site))
    along, across = lines.along, lines.across
    layer = _layer(site, lines)
    together = _together(site, lines)
    filter_bytes = 4 * lines.filter_words * (2 if across.taps > 1 else 1)
    return Lowered(
        "mw_depthwise_conv2d_s8_dsp",
        (
            *layer.operands,
            *_channels(site),
            *_image(lines),
            *passed(along.taps, across.taps),
            *fixed(along.stride),
            *passed(across.stride, along.pad, across.pad),
            *passed(lines.line_words, lines.filter_words, together),
            *_zeros_and_clamp(site, layer),
        ),
        layer.tables,
        scratch_bytes=filter_bytes + together * lines.ring_bytes,
        overlaps=_overlaps(site, lines),
    )


def accepts_3x3(site: Site) -> bool:
    """Whether the site has a 3x3 filter and the stride 1 or 2 both ways, exactly computed."""
    op = site.op
    return (
        isinstance(op, DepthwiseConv2D)
        and site.inputs[1].shape[1:3] == (3, 3)
        and op.stride_hw in ((1, 1), (2, 2))
        and accepts(site)
    )


def _fours(site: Site) -> tuple[Arg, ...]:
    """Whether channels can be taken four at a time throughout."""
    channels = site.outputs[0].shape[3]
    return fixed(int(channels == site.inputs[0].shape[3] and channels % 4 == 0))


def _lower_3x3(site: Site) -> Lowered:
    return lower_lines_3x3(site, fixed)


def lower_lines_3x3(
    site: Site,
    stride: Callable[[int], tuple[Arg, ...]],
    *,
    one_by_one: bool = False,
    twice: bool = False,
) -> Lowered:
    """The call, with the stride `fixed`, or `passed`: then layers of either stride share code.

    Channels `one_by_one` need a quarter of the scratch memory. Sums are rounded `twice` where that
    is wanted, so that all layers can share code.
    """
    lines = best_lines(site)
    along, across = lines.along, lines.across
    layer = _layer(site, lines, twice=twice)
    channels = site.outputs[0].shape[3]
    can_take_four = channels == site.inputs[0].shape[3] and channels >= 4
    together = 4 if can_take_four and not one_by_one else 1
    return Lowered(
        "mw_depthwise_conv2d_3x3_s8_dsp",
        (
            *layer.operands,
            *_channels(site),
            *(fixed(-1) if one_by_one else _fours(site)),
            *_image(lines),
            *stride(along.stride),
            *passed(along.pad, across.pad, lines.line_words),
            *_zeros_and_clamp(site, layer),
        ),
        layer.tables,
        scratch_bytes=together * lines.ring_bytes,
        overlaps=_overlaps(site, lines),
    )


LARGEST_PLANES_BYTES = 1024
PLANES_SHARE = 3
"""Whole planes are gathered into so much scratch memory at most, and one part in so many of the
input's: beyond that the time saved is not worth the memory."""


def _accepts_plane(site: Site) -> bool:
    if not accepts_3x3(site):
        return False
    x, (y,) = site.inputs[0], site.outputs
    allowed_bytes = min(LARGEST_PLANES_BYTES, x.size_bytes // PLANES_SHARE)
    return x.shape[3] == y.shape[3] and _planes_bytes(site, _shortest(site)) <= allowed_bytes


def _shortest(site: Site) -> Lines:
    """The direction with the least work."""
    return min(find_lines(site), key=work_of_lines)


def _plane_lines(lines: Lines) -> int:
    """Lines of a padded plane, as many as are read or gathered."""
    across = lines.across
    read = (across.out_size - 1) * across.stride + across.taps
    return max(read, across.pad + across.size)


def _planes_bytes(site: Site, lines: Lines) -> int:
    """Scratch memory of the channels gathered together."""
    together = 4 if site.outputs[0].shape[3] >= 4 else 1
    return 4 * together * _plane_lines(lines) * lines.line_words


def _lower_plane(site: Site) -> Lowered:
    lines = _shortest(site)
    along, across = lines.along, lines.across
    (y,) = site.outputs
    layer = _layer(site, lines)
    pixels_in, pixels_out = (t.shape[1] * t.shape[2] for t in (site.inputs[0], y))
    return Lowered(
        "mw_depthwise_conv2d_3x3_plane_s8_dsp",
        (
            *layer.operands,
            *passed(y.shape[3]),
            *_fours(site),
            *_image(lines),
            *fixed(along.stride),
            *passed(along.pad, across.pad, lines.line_words, _plane_lines(lines)),
            *_zeros_and_clamp(site, layer),
        ),
        layer.tables,
        scratch_bytes=_planes_bytes(site, lines),
        overlaps=(Overlap(0, 0, exact=True),) if pixels_out <= pixels_in else (),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel(
        "depthwise_conv2d_3x3_plane_s8_dsp",
        "mw_depthwise_conv2d_3x3_plane_s8_dsp.h",
        _accepts_plane,
        _lower_plane,
    ),
    DspKernel(
        "depthwise_conv2d_3x3_s8_dsp", "mw_depthwise_conv2d_3x3_s8_dsp.h", accepts_3x3, _lower_3x3
    ),
    DspKernel("depthwise_conv2d_s8_dsp", "mw_depthwise_conv2d_s8_dsp.h", computes, _lower),
)
