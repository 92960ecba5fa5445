# SPDX-License-Identifier: MIT
"""The page bench/imc/README.md, from figures and times."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.imc.figures import Figures
from bench.imc.peer import RECORDED, RECORDED_SECONDS

EXPLANATION = Path(__file__).parent / "explanation.md"
_HEAD = """# In-memory computing beside ZigZag

Written by `python -m bench.imc`. ZigZag (zigzag-dse 3.9.1) and milliwatt map the same work on
ZigZag's own example arrays: 128 × 128 8-bit weights in 28 nm, digital (one input bit a cycle,
3.757 ns) and analogue (two, 14.07 ns; 8-bit ADCs). The machine files in `machines/` cite ZigZag's,
number by number. The layer is a 3×3 convolution, 64 → 64 channels on 16×16, 8 bits: 9.4 million
MACs. No silicon stands behind either column: both are models.
"""


def cost_table(ours: Mapping[str, Figures]) -> str:
    """Cycles, time and energy side by side; the same wherever it is computed."""
    lines = [
        "| | milliwatt | ZigZag, measured 2026-11 | ours / theirs |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, mine in ours.items():
        lines += _cost_lines(name, mine, RECORDED[name])
    return "\n".join(lines) + "\n"


def _cost_lines(name: str, mine: Figures, theirs: Figures) -> list[str]:
    return [
        _line(f"{name}: cycles", mine.cycles, theirs.cycles, 0),
        _line(f"{name}: time, µs", mine.nanoseconds / 1e3, theirs.nanoseconds / 1e3, 1),
        _line(f"{name}: energy of the array, µJ", mine.array_uj, theirs.array_uj, 2),
        _line(f"{name}: energy outside it, µJ", mine.other_uj, theirs.other_uj, 2),
        _line(f"{name}: energy, µJ", mine.total_uj, theirs.total_uj, 2),
    ]


def _line(what: str, mine: float, theirs: float, digits: int) -> str:
    return f"| {what} | {mine:,.{digits}f} | {theirs:,.{digits}f} | {mine / theirs:.2f} |"


def time_table(ours: Mapping[str, float], theirs: Mapping[str, float], machine: str) -> str:
    """Wall times to map and cost; theirs measured in the same run where ZigZag was installed."""
    lines = [
        f"Median of the runs on {machine}.",
        "",
        "| | milliwatt, ms | ZigZag, s, this run | ours / theirs | ZigZag, s, recorded 2026-11 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, seconds in ours.items():
        peer = theirs.get(name)
        here = "–" if peer is None else f"{peer:.1f}"
        ratio = "–" if peer is None else f"1 / {peer / seconds:,.0f}"
        mine = f"{seconds * 1e3:.2f}"
        lines.append(f"| {name} | {mine} | {here} | {ratio} | {RECORDED_SECONDS[name]} |")
    return "\n".join(lines) + "\n"


def render(costs: str, times: str) -> str:
    """The whole page."""
    explanation = EXPLANATION.read_text("utf-8")
    return f"{_HEAD}\n## Time to map\n\n{times}\n## Cost\n\n{costs}\n{explanation}"
