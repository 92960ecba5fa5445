# SPDX-License-Identifier: MIT
"""Kernels of int8 weights given weights that lie in flash in another form.

The whole table is brought to its usual form in scratch memory, behind what the kernel itself works
in, and the kernel reads it there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, Kernel, Lowered, Ref, Site, Table
from milliwatt.backend.mcu.lowering._shared import passed
from milliwatt.backend.mcu.lowering.dsp_layout import DspKernel
from milliwatt.backend.mcu.lowering.rice import GROUP, encode
from milliwatt.units import align_up

LARGEST_SHARE = 0.97
"""Codes larger than this share of the table are not worth decoding."""


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """What lies in flash, and the numbers that say how to read it."""

    table: Table
    parameters: tuple[int, ...]


def from_scratch(lowered: Lowered, function: str, stored: StoredWeights) -> Lowered:
    """The call `lowered`, as `function`, with its table "weights" made from `stored` first."""
    plain = weights_of(lowered)
    offset = align_up(lowered.scratch_bytes, 4)
    made = passed(offset, plain.data.nbytes, *stored.parameters)
    args: list[Arg] = []
    for arg in lowered.args:
        args += [arg, *made] if arg == Ref("weights") else [arg]
    return replace(
        lowered,
        function=function,
        args=tuple(args),
        tables=tuple(stored.table if t.name == "weights" else t for t in lowered.tables),
        scratch_bytes=offset + made_bytes(plain.data.nbytes),
    )


def made_bytes(count: int) -> int:
    """Scratch memory for `count` bytes made of codes: whole groups, and a word written behind."""
    return align_up(count, GROUP) + 4


def codedweights_of(lowered: Lowered) -> StoredWeights:
    """The table "weights" in the lossless code, byte by byte."""
    plain = weights_of(lowered)
    coded = encode(np.ascontiguousarray(plain.data).view(np.int8))
    return StoredWeights(Table("weights", coded.data, plain.role, alignment=1), (coded.k,))


def coded_kernel(base: Kernel, header: str) -> Kernel:
    """`base` with its weights in the lossless code, for sites where that takes less flash."""
    middle = "_coded_s8_dsp"

    def accepts(site: Site) -> bool:
        if not (isinstance(base, DspKernel) and base.accepts(site)):
            return False
        lowered = base.lower(site)
        before = weights_of(lowered).data.nbytes
        return codedweights_of(lowered).table.data.nbytes < LARGEST_SHARE * before

    def lower(site: Site) -> Lowered:
        lowered = base.lower(site)
        function = lowered.function.replace("_s8_dsp", middle)
        return from_scratch(lowered, function, codedweights_of(lowered))

    return DspKernel(base.name.replace("_s8_dsp", "_s8_coded"), header, accepts, lower)


def weights_of(lowered: Lowered) -> Table:
    """The table "weights" of a call."""
    return next(table for table in lowered.tables if table.name == "weights")
