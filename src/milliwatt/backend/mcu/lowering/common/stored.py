# SPDX-License-Identifier: MIT
"""Kernels of int8 weights given weights that lie in flash in another form (mw_stored.h).

The table is brought to its usual form in scratch memory, behind what the kernel itself works in,
and the kernel reads it there: all of it, or one block of channels after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, Kernel, Lowered, Ref, Site, Table
from milliwatt.backend.mcu.lowering.common.rice import encode
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel
from milliwatt.ir.types import Array
from milliwatt.units import align_up, ceil_div

LARGEST_SHARE = 0.97
"""Codes larger than this share of the table are not worth decoding."""
MOST_CHANNELS = 16
"""Channels of a convolution whose weights are made at a time, where not all are."""
_WORD_BYTES = 4
_GROUP_BYTES = 16
"""Bytes that one word of int2 weights makes; codes come in groups of 8."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in flash, and how to read it.

    `bits` of a weight, 0 for a code; `k`, the code's parameter, or the power of two that weights
    are times; `low_bytes` of a code's first part, else 0.
    """

    table: Table
    bits: int
    k: int
    low_bytes: int


def coded(values: Array) -> Stored:
    """int8 values in the lossless code."""
    return _coded(values.tobytes())


@lru_cache(maxsize=64)
def _coded(content: bytes) -> Stored:
    """What is asked for when a kernel is chosen, lowered and weighed, and by layers alike."""
    found = encode(np.frombuffer(content, np.int8))
    return Stored(Table("weights", found.data, alignment=1), 0, found.k, found.low_bytes)


def packed(values: Array, bits: int, shift: int = 0) -> Stored:
    """int8 values that fit so many bits, to be unpacked as 2**shift times themselves."""
    per_word = 8 // bits
    filled = np.zeros(align_up(len(values), _WORD_BYTES * per_word), np.int64)
    filled[: len(values)] = values
    numbers = (filled + (1 << (bits - 1))).reshape(-1, per_word, _WORD_BYTES)
    places = bits * np.arange(per_word)[:, None] + 8 * np.arange(_WORD_BYTES)
    words = (numbers << places).sum(axis=(1, 2)).astype(np.uint32).view(np.int32)
    return Stored(Table("weights", words), bits, shift, 0)


def made_bytes(count: int) -> int:
    """Scratch memory for `count` bytes made of what is stored: whole groups, and a word more."""
    return align_up(count, _GROUP_BYTES) + _WORD_BYTES


def weights_of(lowered: Lowered) -> Table:
    """The table "weights" of a call."""
    return next(table for table in lowered.tables if table.name == "weights")


def bytes_of(table: Table) -> Array:
    """A table's bytes, int8."""
    return np.ascontiguousarray(table.data).view(np.int8)


def with_table(lowered: Lowered, table: Table) -> tuple[Table, ...]:
    """The call's tables with another one for the weights."""
    return tuple(table if t.name == "weights" else t for t in lowered.tables)


def with_numbers(lowered: Lowered, *numbers: Arg) -> tuple[Arg, ...]:
    """The call's arguments with more of them behind the weights."""
    at = lowered.args.index(Ref("weights")) + 1
    return (*lowered.args[:at], *numbers, *lowered.args[at:])


def from_scratch(lowered: Lowered, function: str, stored: Stored) -> Lowered:
    """The call `lowered`, as `function`, with its weights made from `stored` first."""
    count = weights_of(lowered).data.nbytes
    offset = align_up(lowered.scratch_bytes, _WORD_BYTES)
    places = passed(offset, count, stored.k, stored.low_bytes)
    return replace(
        lowered,
        function=function,
        args=with_numbers(lowered, *places, *fixed(stored.bits)),
        tables=with_table(lowered, stored.table),
        scratch_bytes=offset + made_bytes(count),
    )


@dataclass(frozen=True, slots=True)
class BlockBytes:
    """Scratch memory of a block of channels: its weights, and its outputs if they are put there."""

    weights: int
    outputs: int

    @property
    def together(self) -> int:
        return self.weights + self.outputs


def block_bytes(unit_bytes: int, unit: int, most: int, site: Site) -> BlockBytes:
    """Of at most `most` of a convolution's channels, whose weights come in units of some."""
    _, height, width, channels = site.outputs[0].shape
    units = ceil_div(min(most, channels), unit)
    outputs = site.outputs[0].shape[0] * height * width * min(most, channels)
    return BlockBytes(made_bytes(units * unit_bytes), align_up(outputs, _WORD_BYTES))


def memory_saved(lowered: Lowered, site: Site, blocks: BlockBytes) -> int:
    """Bytes by which blocks need less than the whole layer, whose outputs may lie on inputs."""
    shared = min(site.inputs[0].size_bytes, site.outputs[0].size_bytes) if lowered.overlaps else 0
    return made_bytes(weights_of(lowered).data.nbytes) - blocks.together - shared


def by_blocks(
    lowered: Lowered, function: str, stored: Stored, blocks: BlockBytes, layout: tuple[Arg, ...]
) -> Lowered:
    """The call `lowered`, as `function`, with weights made from `stored` a block at a time.

    `layout` says how channels lie in the tables.
    """
    offset = align_up(lowered.scratch_bytes, _WORD_BYTES)
    places = passed(offset, offset + blocks.weights, stored.k, stored.low_bytes)
    return replace(
        lowered,
        function=function,
        args=with_numbers(lowered, *places, *layout),
        tables=with_table(lowered, stored.table),
        scratch_bytes=offset + blocks.together,
        overlaps=(),
    )


def is_smaller(stored: Stored, plain: Table) -> bool:
    """Whether storing it so is worth the time that it takes."""
    return stored.table.data.nbytes < LARGEST_SHARE * plain.data.nbytes


def coded_kernel(base: Kernel, header: str) -> Kernel:
    """`base` with its weights in the lossless code, for sites where that takes less flash."""

    def accepts(site: Site) -> bool:
        if not (isinstance(base, DspKernel) and base.accepts(site)):
            return False
        plain = weights_of(base.lower(site))
        return is_smaller(coded(bytes_of(plain)), plain)

    def lower(site: Site) -> Lowered:
        lowered = base.lower(site)
        function = lowered.function.replace("_s8_dsp", "_coded_s8_dsp")
        return from_scratch(lowered, function, coded(bytes_of(weights_of(lowered))))

    return DspKernel(base.name.replace("_s8_dsp", "_s8_coded"), header, accepts, lower)
