# SPDX-License-Identifier: MIT
"""What a microcontroller kernel tells the compiler about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Op


@dataclass(frozen=True, slots=True)
class Core:
    """What kernel choice needs to know of a processor.

    `swar`: it multiplies one pair at a time, so that two int8 products in one multiplication pay.
    """

    dsp: bool = False
    mve: bool = False
    swar: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One operator application to be given a kernel.

    `constants` holds, for each input, its value where it is known at compile time, else None. A
    site equals only itself, so that a cache may keep what several kernels ask of it.
    """

    op: Op
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    constants: tuple[Array | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A constant array the kernel reads, already laid out as its loop wants it.

    `data` is 1-D and of a NumPy type that is emitted as it stands (int8, uint8, int16, int32,
    uint32, int64, float32). `role` is "weights" (weights and biases) or "constants" (everything
    the arithmetic needs besides them: multipliers, shifts, look-up tables). Of a table of constants
    `weight_bytes` are weights or biases all the same.
    """

    name: str
    data: Array = field(compare=False)
    role: str = "weights"
    alignment: int = 4
    weight_bytes: int = 0


@dataclass(frozen=True, slots=True)
class In:
    """Pointer to input `index` of the site."""

    index: int


@dataclass(frozen=True, slots=True)
class Out:
    """Pointer to output `index` of the site."""

    index: int


@dataclass(frozen=True, slots=True)
class Scratch:
    """Pointer to the kernel's scratch memory."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Pointer to the table of that name."""

    table: str


@dataclass(frozen=True, slots=True)
class Lit:
    """A number known at compile time.

    A `fixed` one is a constant inside the compiled kernel, so that each different value costs a
    copy of its code; one that is not fixed is passed at run time, and layers share the code.
    """

    value: int | float
    fixed: bool = True


@dataclass(frozen=True, slots=True)
class RowCount:
    """A number that depends on how many rows a layer of a stream computes in a call.

    `variable` is "out_rows" (rows made), "in_rows" (rows read) or "pad_rows" (rows of padding
    above them). The number is `scale * variable + offset`, or the one that `cases` pairs with it.
    """

    variable: str
    scale: int = 0
    offset: int = 0
    cases: tuple[tuple[int, int], ...] = ()

    def at(self, rows: int) -> int:
        """The number for so many rows."""
        return dict(self.cases)[rows] if self.cases else self.scale * rows + self.offset


Arg = In | Out | Scratch | Ref | Lit | RowCount


@dataclass(frozen=True, slots=True)
class Overlap:
    """Permission for output `output` to share memory with input `input`.

    The output may start at the input's first byte, or lower by any amount that is at least
    `gap_bytes` (0: the very same address is allowed). Above the input it may not start unless it
    lies wholly beyond it. With `exact` it may start at the input's first byte, less `gap_bytes`,
    and nowhere else, or where `step_bytes` is not 0, any multiple of that below.
    """

    input: int
    output: int
    gap_bytes: int = 0
    exact: bool = False
    step_bytes: int = 0

    def allows(self, below_bytes: int) -> bool:
        """Whether the output may start so many bytes below the input and share its memory."""
        further = below_bytes - self.gap_bytes
        if not self.exact:
            return further >= 0
        return further == 0 or (
            self.step_bytes > 0 and further > 0 and further % self.step_bytes == 0
        )


@dataclass(frozen=True, slots=True)
class Lowered:
    """A kernel applied to a site: the C call `function(args…)` and what it needs."""

    function: str
    args: tuple[Arg, ...]
    tables: tuple[Table, ...] = ()
    scratch_bytes: int = 0
    overlaps: tuple[Overlap, ...] = ()


class Kernel(Protocol):
    """One C kernel: a header in `kernels/` and the rule that lowers an operator to it.

    The header defines `function` as `static inline`, with `MW_INLINE` from `mw_common.h`, taking
    the arguments of `Lowered.args` in their order; it includes only other kernel headers.
    """

    @property
    def name(self) -> str:
        """Unique, e.g. `conv2d_1x1_s8_dsp`."""
        ...

    @property
    def header(self) -> str:
        """File name in `kernels/`, e.g. `mw_conv2d_1x1_s8_dsp.h`."""
        ...

    def supports(self, site: Site, core: Core) -> bool:
        """Whether this kernel computes this site exactly on this core."""
        ...

    def lower(self, site: Site) -> Lowered:
        """The call. Only for sites that `supports` accepted."""
        ...


Kernels = Sequence[Kernel]
