# SPDX-License-Identifier: MIT
"""The picture of instructions per multiply-accumulate, layer by layer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.limits import MVE_PER_MAC, SMLAD_PER_MAC
from bench.measure import LAYER_TYPES, OTHER
from bench.rows import LayerFigures
from bench.suite import Suite

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE = "instructions_per_mac.svg"
_LARGEST_DOT = 160.0
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2")
_ROWS = (
    ("m4", "Cortex-M4", SMLAD_PER_MAC, "SMLAD", (0.5, 1, 2, 4, 8, 16)),
    ("m55", "Cortex-M55", MVE_PER_MAC, "MVE", (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4)),
)
"""Platform, title, bound and its name, ticks."""


def draw(suite: Suite, layers: Sequence[LayerFigures]) -> str:
    """An SVG: a panel for each core and type of layer, a dot for each layer.

    A dot's area is the layer's instructions. A bar marks the mean over a network's layers of that
    type, by multiply-accumulates. The same layers give the same text.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    compiler = suite.headline.compiler
    by_row = [_shown(layers, f"{row[0]}-{compiler}") for row in _ROWS]
    types = [
        kind for kind in LAYER_TYPES if any(one.type == kind for some in by_row for one in some)
    ]
    rows = [(row, some) for row, some in zip(_ROWS, by_row, strict=True) if some]
    with mpl.rc_context({"svg.hashsalt": "milliwatt", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10, 3.4 * max(len(rows), 1)), layout="constrained")
        grid = figure.subplots(max(len(rows), 1), max(len(types), 1), sharey="row", squeeze=False)
        for panels, (row, shown) in zip(grid, rows, strict=False):
            _row(list(panels), row, shown, types)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _shown(layers: Sequence[LayerFigures], group: str) -> list[LayerFigures]:
    return [one for one in layers if one.group == group and one.type != OTHER and one.macs]


def _row(
    panels: Sequence[Axes],
    row: tuple[str, str, float, str, tuple[float, ...]],
    shown: Sequence[LayerFigures],
    types: Sequence[str],
) -> None:
    _, title, bound, name, ticks = row
    models = list(dict.fromkeys(layer.model for layer in shown))
    for axes, kind, colour in zip(panels, types, _COLOURS, strict=False):
        axes.set_title(f"{title}, {kind}")
        _bound(axes, bound, name, len(models))
        _panel(axes, [layer for layer in shown if layer.type == kind], models, colour)
    panels[0].set_ylabel("instructions per MAC")
    panels[0].set_yscale("log")
    panels[0].set_yticks(
        ticks, [f"{tick:g}" if tick >= 0.5 else f"1/{1 / tick:g}" for tick in ticks]
    )
    panels[0].minorticks_off()
    panels[0].set_ylim(0.8 * bound)


def _bound(axes: Axes, bound: float, name: str, models: int) -> None:
    axes.axhline(bound, color="black", linewidth=0.8, linestyle="--")
    axes.text(models - 0.6, bound, name, ha="right", va="bottom", fontsize=7)


def _panel(axes: Axes, layers: Sequence[LayerFigures], models: Sequence[str], colour: str) -> None:
    for at, model in enumerate(models):
        own = [layer for layer in layers if layer.model == model]
        if not own:
            continue
        most = max(layer.instructions for layer in own)
        axes.scatter(
            [at] * len(own),
            [layer.instructions / layer.macs for layer in own],
            s=[_LARGEST_DOT * layer.instructions / most for layer in own],
            color=colour,
            alpha=0.45,
            linewidth=0,
        )
        mean = sum(layer.instructions for layer in own) / sum(layer.macs for layer in own)
        axes.plot([at - 0.35, at + 0.35], [mean, mean], color="black", linewidth=1.2)
    axes.set_xticks(range(len(models)), models, rotation=60)
    axes.set_xlim(-0.6, len(models) - 0.4)
    axes.grid(axis="y", linewidth=0.3)
