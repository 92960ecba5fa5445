# SPDX-License-Identifier: MIT
"""The picture of instructions per multiply-accumulate, layer by layer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.measure import LAYER_TYPES, OTHER
from bench.rows import LayerFigures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE = "instructions_per_mac.svg"
BOUND_PER_MAC = 0.5
"""SMLAD does two multiply-accumulates."""
_LARGEST_DOT = 160.0
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2")


def draw(layers: Sequence[LayerFigures]) -> str:
    """An SVG: a panel for each type of layer, a dot for each layer, its area the instructions.

    A bar marks the mean over a network's layers of that type, by multiply-accumulates. The same
    layers give the same text.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = [layer for layer in layers if layer.type != OTHER and layer.macs]
    types = [kind for kind in LAYER_TYPES if any(layer.type == kind for layer in shown)]
    models = list(dict.fromkeys(layer.model for layer in shown))
    with mpl.rc_context({"svg.hashsalt": "milliwatt", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        panels = figure.subplots(1, len(types), sharey=True, squeeze=False)[0]
        for axes, kind, colour in zip(panels, types, _COLOURS, strict=False):
            axes.set_title(kind)
            _panel(axes, [layer for layer in shown if layer.type == kind], models, colour)
        panels[0].set_ylabel("instructions per MAC")
        panels[0].set_yscale("log")
        ticks = [0.5, 1, 2, 4, 8, 16]
        panels[0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        panels[0].minorticks_off()
        panels[0].set_ylim(0.4)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _panel(axes: Axes, layers: Sequence[LayerFigures], models: Sequence[str], colour: str) -> None:
    axes.axhline(BOUND_PER_MAC, color="black", linewidth=0.8, linestyle="--")
    axes.text(len(models) - 0.6, BOUND_PER_MAC, "SMLAD", ha="right", va="bottom", fontsize=7)
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
