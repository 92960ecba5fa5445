# SPDX-License-Identifier: MIT
"""A kernel called for a few rows at a time: the call for any of them from those for each.

A layer's kernel is lowered for every distinct number of rows it is called with, as if each were an
image of its own. What differs between these calls must be numbers passed at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from milliwatt.backend.mcu.kernel import (
    Arg,
    Core,
    Kernel,
    Lit,
    Lowered,
    Overlap,
    RowCount,
    Site,
    Table,
)
from milliwatt.backend.mcu.streaming.rows import Slice, map_inputs
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import TensorType
from milliwatt.ops.base import Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.shape import Slice as SliceOp

Kernels = Callable[[int, Site], Sequence[Kernel]]
"""The kernels that compute a site of the node of that index, the preferred one first."""
LEAN = "_lean_"
"""In the names of kernels that take less scratch memory than those they stand for."""


def lean_kernels(kernels: Sequence[Kernel]) -> list[Kernel]:
    """Those that take less scratch memory and are made for the same instructions as the first."""
    family = [kernel.name.rpartition("_")[2] for kernel in kernels[:1]]
    return [k for k in kernels if LEAN in k.name and k.name.rpartition("_")[2] in family]


def lean_first(kernels: Kernels) -> Kernels:
    """The same kernels, those that take less scratch memory preferred."""

    def chosen(index: int, site: Site) -> list[Kernel]:
        found = kernels(index, site)
        lean = lean_kernels(found)
        names = {kernel.name for kernel in lean}
        return [*lean, *(kernel for kernel in found if kernel.name not in names)]

    return chosen


def remembering(kernels: Kernels) -> Kernels:
    """The same kernels; what they make of a site is found out once."""
    known: dict[Hashable, Sequence[Kernel]] = {}
    calls: dict[Hashable, Lowered] = {}

    def found(index: int, site: Site) -> Sequence[Kernel]:
        key = _site_key(index, site)
        if key not in known:
            known[key] = [_Remembered(index, kernel, calls) for kernel in kernels(index, site)]
        return known[key]

    return found


def _site_key(index: int, site: Site) -> Hashable:
    """What tells the sites of one node apart when it is computed by rows."""
    return index, site.op, tuple(kind.shape for kind in (*site.inputs, *site.outputs))


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A kernel for sites of one node."""

    index: int
    base: Kernel
    calls: dict[Hashable, Lowered]

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def header(self) -> str:
        return self.base.header

    def supports(self, site: Site, core: Core) -> bool:
        return self.base.supports(site, core)

    def lower(self, site: Site) -> Lowered:
        key = self.name, _site_key(self.index, site)
        if key not in self.calls:
            self.calls[key] = self.base.lower(site)
        return self.calls[key]


@dataclass(frozen=True, slots=True)
class RowKernel:
    """A kernel and its call for any number of rows."""

    kernel: str
    header: str
    lowered: Lowered


def lower_rows(
    graph: Graph, index: int, slices: Sequence[Slice], kernels: Kernels
) -> RowKernel | None:
    """The call that computes each of `slices` of a node; None where no kernel has one."""
    plain = [replace(s, first=0) for s in slices]
    distinct = sorted(set(plain), key=lambda s: (-plain.count(s), plain.index(s)))
    sites = [_site(graph, graph.nodes[index], s) for s in distinct]
    others = [{kernel.name for kernel in kernels(index, site)} for site in sites[1:]]
    for kernel in kernels(index, sites[0]):
        if all(kernel.name in names for names in others):
            lowered = _join(distinct, [kernel.lower(site) for site in sites])
            if lowered is not None:
                return RowKernel(kernel.name, kernel.header, lowered)
    return None


def _site(graph: Graph, node: Node, piece: Slice) -> Site:
    maps = map_inputs(graph, node)
    kinds = graph.input_types(node)
    return Site(
        _op_of(node.op, piece),
        tuple(_of_rows(t, piece.in_rows) if i in maps else t for i, t in enumerate(kinds)),
        tuple(_of_rows(t, piece.out_rows) for t in graph.output_types(node)),
        graph.constant_inputs(node),
    )


def _of_rows(kind: TensorType, rows: int) -> TensorType:
    return replace(kind, shape=(kind.shape[0], rows, *kind.shape[2:]))


def _op_of(op: Op, piece: Slice) -> Op:
    if isinstance(op, Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D):
        around = op.padding
        padding = Padding(piece.pad_rows, piece.pad_below, around.left, around.right)
        return replace(op, padding=padding)
    if isinstance(op, SliceOp):
        return replace(op, size=(op.size[0], piece.out_rows, *op.size[2:]))
    return op


def _join(slices: Sequence[Slice], calls: Sequence[Lowered]) -> Lowered | None:
    """One call for all slices."""
    first = calls[0]
    if any(not _same_code(first, other) for other in calls[1:]):
        return None
    args: list[Arg] = []
    for column in zip(*(call.args for call in calls), strict=True):
        arg = _join_arg(slices, column)
        if arg is None:
            return None
        args.append(arg)
    return replace(
        first,
        args=tuple(args),
        scratch_bytes=max(call.scratch_bytes for call in calls),
        overlaps=_join_overlaps(calls),
    )


def _same_code(one: Lowered, other: Lowered) -> bool:
    return (
        one.function == other.function
        and len(one.args) == len(other.args)
        and len(one.tables) == len(other.tables)
        and all(_same_table(a, b) for a, b in zip(one.tables, other.tables, strict=True))
    )


def _same_table(one: Table, other: Table) -> bool:
    return one == other and one.data.tobytes() == other.data.tobytes()


def _join_arg(slices: Sequence[Slice], column: Sequence[Arg]) -> Arg | None:
    if all(arg == column[0] for arg in column):
        return column[0]
    numbers: list[int] = []
    for arg in column:
        if not isinstance(arg, Lit) or arg.fixed or not isinstance(arg.value, int):
            return None
        numbers.append(arg.value)
    return _row_count(slices, numbers)


def _row_count(slices: Sequence[Slice], numbers: Sequence[int]) -> RowCount | None:
    """`numbers` as a function of one number of rows: a line, or a case for each."""
    known = {
        "out_rows": [s.out_rows for s in slices],
        "in_rows": [s.in_rows for s in slices],
        "pad_rows": [s.pad_rows for s in slices],
    }
    tabled: RowCount | None = None
    for variable, rows in known.items():
        cases = dict(zip(rows, numbers, strict=True))
        if any(cases[r] != n for r, n in zip(rows, numbers, strict=True)):
            continue
        low, high = min(cases), max(cases)
        scale = (cases[high] - cases[low]) // (high - low)
        offset = cases[low] - scale * low
        if all(offset + scale * r == n for r, n in cases.items()):
            return RowCount(variable, scale, offset)
        tabled = tabled or RowCount(variable, cases=tuple(sorted(cases.items())))
    return tabled


def _join_overlaps(calls: Sequence[Lowered]) -> tuple[Overlap, ...]:
    """What every call allows."""
    found: list[Overlap] = []
    for pair in dict.fromkeys((o.input, o.output) for o in calls[0].overlaps):
        several = [o for call in calls for o in call.overlaps if (o.input, o.output) == pair]
        exact = {(o.gap_bytes, o.step_bytes) for o in several if o.exact}
        gap = max(o.gap_bytes for o in several)
        step = max((step for _, step in exact), default=0)
        if len(several) == len(calls) and (not exact or exact == {(gap, step)}):
            found.append(Overlap(*pair, gap, bool(exact), step))
    return tuple(found)
