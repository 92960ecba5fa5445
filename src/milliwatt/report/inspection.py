# SPDX-License-Identifier: MIT
"""What a model is made of, before any target is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import TensorType
from milliwatt.report.layout import Column, FittedTable, paragraphs
from milliwatt.units import format_bytes, format_si

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One operator of the model."""

    name: str
    op: str
    input: str
    output: str
    macs: int
    parameter_bytes: int
    live_bytes: int
    """Bytes of all values alive while this layer runs in file order, nothing done in place."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Operators, shapes, multiply-accumulates, parameters and memory over time of a graph."""

    model: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[LayerRow, ...]
    state_bytes: int

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.layers)

    @property
    def parameter_bytes(self) -> int:
        return sum(row.parameter_bytes for row in self.layers)

    @property
    def peak(self) -> LayerRow | None:
        """The layer at which most bytes are alive."""
        return max(self.layers, key=lambda row: row.live_bytes, default=None)

    def as_json(self) -> dict[str, Any]:
        """Values that `json.dumps` takes."""
        return {
            **asdict(self),
            "macs": self.macs,
            "parameter_bytes": self.parameter_bytes,
            "peak_live_bytes": 0 if self.peak is None else self.peak.live_bytes,
        }


def inspect_graph(graph: Graph) -> Inspection:
    """Describe `graph` as it stands, in its own order."""
    live = _live_bytes(graph)
    counted: set[str] = set()
    rows: list[LayerRow] = []
    for node, alive in zip(graph.nodes, live, strict=True):
        own = [v for v in node.inputs if v in graph.constants and v not in counted]
        counted.update(own)
        rows.append(_row(graph, node, sum(graph.types[v].size_bytes for v in own), alive))
    return Inspection(
        model=graph.name,
        inputs=tuple(_describe(v, graph.types[v]) for v in graph.inputs),
        outputs=tuple(_describe(v, graph.types[v]) for v in graph.outputs),
        layers=tuple(rows),
        state_bytes=sum(graph.types[s.before].size_bytes for s in graph.states),
    )


def _row(graph: Graph, node: Node, parameter_bytes: int, live_bytes: int) -> LayerRow:
    inputs, outputs = graph.input_types(node), graph.output_types(node)
    return LayerRow(
        name=node.name,
        op=node.op.kind,
        input=str(inputs[0]) if inputs else "",
        output=str(outputs[0]),
        macs=node.op.macs(inputs, outputs),
        parameter_bytes=parameter_bytes,
        live_bytes=live_bytes,
    )


def _describe(value: str, kind: TensorType) -> str:
    if kind.quant is None or len(kind.quant.scale) != 1:
        return f"{value}: {kind}"
    return f"{value}: {kind}, scale {kind.scale:.6g}, zero point {kind.zero_point}"


def _live_bytes(graph: Graph) -> list[int]:
    """For each node, bytes of the computed values that exist while it runs."""
    first = dict.fromkeys(graph.inputs, 0)
    last = dict.fromkeys(graph.inputs, 0)
    for i, node in enumerate(graph.nodes):
        first.update((v, i) for v in node.outputs)
        last.update((v, i) for v in (*node.inputs, *node.outputs) if v in first)
    last.update((v, len(graph.nodes)) for v in graph.outputs if v in first)
    return [
        sum(graph.types[v].size_bytes for v in first if first[v] <= i <= last[v])
        for i in range(len(graph.nodes))
    ]


def inspection_table(inspection: Inspection) -> RenderableType:
    """The layers as a table with a bar of memory over time, and the sums."""
    from rich.console import Group
    from rich.text import Text

    rows = inspection.layers
    table = FittedTable(
        (
            Column("layer", tuple(row.name for row in rows)),
            Column("operator", tuple(row.op for row in rows), optional=2),
            Column("input", tuple(row.input for row in rows), optional=3),
            Column("output", tuple(row.output for row in rows), optional=1),
            Column("MACs", tuple(f"{row.macs:,}" for row in rows), right=True),
            Column("parameters", tuple(f"{row.parameter_bytes:,}" for row in rows), right=True),
            Column("live", tuple(f"{row.live_bytes:,}" for row in rows), right=True),
            Column("memory over time", _bars(rows)),
        )
    )
    title = Text(inspection.model, style="bold")
    return Group(title, table, Text(""), paragraphs(_summary(inspection), indent="  "))


def _bars(rows: Sequence[LayerRow]) -> tuple[str, ...]:
    peak_bytes = max((row.live_bytes for row in rows), default=0)
    return tuple("█" * max(1, round(16 * row.live_bytes / max(peak_bytes, 1))) for row in rows)


def _summary(inspection: Inspection) -> list[tuple[str, str]]:
    counts = Counter(row.op for row in inspection.layers)
    lines = [("input", text) for text in inspection.inputs]
    lines += [("output", text) for text in inspection.outputs]
    lines += [
        ("operators", ", ".join(f"{name} {count}" for name, count in counts.most_common())),
        ("MACs", format_si(inspection.macs, "")),
        ("parameters", format_bytes(inspection.parameter_bytes)),
        ("state", format_bytes(inspection.state_bytes)),
    ]
    if inspection.peak is not None:
        at = f"{format_bytes(inspection.peak.live_bytes)} at {inspection.peak.name}"
        lines.append(("peak live", f"{at} (file order, nothing in place; `compile` does better)"))
    return lines
