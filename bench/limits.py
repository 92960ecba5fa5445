# SPDX-License-Identifier: MIT
"""What limits each kernel: its counted loop beside what whole layers took."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.markdown import table
from bench.rows import LayerFigures
from bench.suite import BENCH, Suite

SMLAD_PER_MAC = 0.5
"""SMLAD does two multiply-accumulates."""
MVE_PER_MAC = 1 / 16
"""A vector multiply-accumulate of Helium does sixteen."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a kernel's header says of its loop, and what stands in the way of the bound."""

    loop_per_mac: float | None
    limit: str


def load_limits(path: Path = BENCH / "limits.toml") -> dict[str, Limit]:
    """By kernel."""
    content = tomllib.loads(path.read_text("utf-8"))
    return {
        kernel: Limit(entry.get("loop_per_mac"), entry["limit"])
        for kernel, entry in content.items()
    }


def bound_per_mac(core: str) -> float:
    """Fewest instructions for each multiply-accumulate on a core with these instructions."""
    return MVE_PER_MAC if core == "cortex-m55" else SMLAD_PER_MAC


_SHOWN = (
    ("m4-gcc", "Cortex-M4, M7, M33: bound 0.5"),
    ("m55-gcc", "Cortex-M55: bound 1/16"),
    ("m0plus-gcc", "Cortex-M0+, M3, RV32IMC: no packed multiplication"),
)
"""Groups whose kernels are listed, and for which cores they stand."""


def limits_section(suite: Suite, layers: Iterable[LayerFigures]) -> str:
    """A table for each kind of core: what its kernels take, and what limits them."""
    rows = list(layers)
    titles = {group.name: group.title for group in suite.groups}
    parts = ["## What limits each kernel now\n", _ABOUT]
    for name, title in _SHOWN:
        group = [row for row in rows if row.group == name]
        if group:
            parts += [f"### {title}\n", f"Measured: {titles[name]}.\n", _kernel_table(group), ""]
    return "\n".join(parts)


_ABOUT = """\
All networks of the core together. The loop's count stands at the top of each kernel's header; what
is measured includes requantisation, windows, borders and calls. Kernels of int4, int2, coded and
sparse weights, and Winograd's: [docs/kernels.md](../docs/kernels.md).
"""


def _kernel_table(layers: Iterable[LayerFigures]) -> str:
    known = load_limits()
    work: dict[str, tuple[int, int]] = {}
    for layer in layers:
        macs, instructions = work.get(layer.kernel, (0, 0))
        work[layer.kernel] = macs + layer.macs, instructions + layer.instructions
    total = sum(instructions for _, instructions in work.values())
    lines: list[list[str]] = []
    for kernel, (macs, instructions) in sorted(work.items(), key=lambda item: -item[1][1]):
        limit = known.get(kernel, Limit(None, ""))
        lines.append(
            [
                f"`{kernel}`",
                f"{instructions / total:.1%}",
                f"{instructions / macs:.3g}" if macs else "–",
                "–" if limit.loop_per_mac is None else f"{limit.loop_per_mac:g}",
                limit.limit,
            ]
        )
    what = "what limits it"
    return table(["kernel", "share", "per MAC", "its loop", what], lines, texts=[what])
