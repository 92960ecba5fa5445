# SPDX-License-Identifier: MIT
"""The picture of instructions per multiply-accumulate, layer by layer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.limits import MVE_PER_MAC, SMLAD_PER_MAC
from bench.measure import LAYER_TYPES, OTHER
from bench.rows import LayerFigures
from bench.suite import Suite

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE = "instructions_per_mac.svg"
_LARGEST_DOT = 160.0
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2")
STYLE = {"svg.hashsalt": "milliwatt", "svg.fonttype": "none", "font.size": 9}


@dataclass(frozen=True, slots=True)
class _Core:
    """A row of panels: the platforms of a core, its bound, and the axis' ticks."""

    platforms: tuple[str, ...]
    title: str
    bound: float
    instruction: str
    ticks: tuple[float, ...]


_CORES = (
    _Core(("m4", "m4-more"), "Cortex-M4", SMLAD_PER_MAC, "SMLAD", (0.5, 1, 2, 4, 8, 16)),
    _Core(
        ("m55", "m55-more"),
        "Cortex-M55",
        MVE_PER_MAC,
        "VMLADAVA",
        (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4),
    ),
)


def draw(suite: Suite, layers: Sequence[LayerFigures]) -> str:
    """An SVG: a panel for each core and type of layer, a dot for each layer.

    A dot's area is the layer's share of its network's layers of that type. A bar marks their mean
    by multiply-accumulates. The same layers give the same text.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    compiler = suite.headline.compiler
    by_core = [(core, _shown(layers, core, compiler)) for core in _CORES]
    rows = [(core, shown) for core, shown in by_core if shown]
    types = [kind for kind in LAYER_TYPES if any(o.type == kind for _, some in rows for o in some)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.4 * max(len(rows), 1) + 0.4), layout="constrained")
        grid = figure.subplots(max(len(rows), 1), max(len(types), 1), sharey="row", squeeze=False)
        for panels, (core, shown) in zip(grid, rows, strict=False):
            _row(list(panels), core, shown, types)
        _layers_legend(figure)
        return svg_text(figure)


def svg_text(figure: Figure) -> str:
    """The figure as SVG; equal figures give equal text."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _shown(layers: Sequence[LayerFigures], core: _Core, compiler: str) -> list[LayerFigures]:
    groups = [f"{platform}-{compiler}" for platform in core.platforms]
    return [one for one in layers if one.group in groups and one.type != OTHER and one.macs]


def _row(
    panels: Sequence[Axes], core: _Core, shown: Sequence[LayerFigures], types: Sequence[str]
) -> None:
    models = list(dict.fromkeys(layer.model for layer in shown))
    for axes, kind, colour in zip(panels, types, _COLOURS, strict=False):
        axes.set_title(f"{core.title}, {kind}")
        _bound(axes, core, len(models))
        _panel(axes, [layer for layer in shown if layer.type == kind], models, colour)
    panels[0].set_ylabel("instructions per MAC")
    panels[0].set_yscale("log")
    panels[0].set_yticks(core.ticks, [_tick(tick) for tick in core.ticks])
    panels[0].minorticks_off()
    panels[0].set_ylim(0.75 * core.bound)


def _tick(value: float) -> str:
    return f"{value:g}" if value >= 0.5 else f"1/{1 / value:g}"


def _bound(axes: Axes, core: _Core, models: int) -> None:
    axes.axhline(core.bound, color="black", linewidth=0.8, linestyle="--")
    text = f"{core.instruction}: {_tick(core.bound)}"
    axes.text(models - 0.6, core.bound, text, ha="right", va="bottom", fontsize=7)


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
    axes.set_xticks(range(len(models)), models, rotation=90)
    axes.set_xlim(-0.6, len(models) - 0.4)
    axes.grid(axis="y", linewidth=0.3)


def _layers_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    dot = Line2D([], [], marker="o", linestyle="", color="grey", alpha=0.6, markersize=8)
    mean = Line2D([], [], color="black", linewidth=1.2)
    bound = Line2D([], [], color="black", linewidth=0.8, linestyle="--")
    texts = [
        "a layer; its area: share of the network's instructions in layers of this type",
        "mean by multiply-accumulates",
        "nothing but multiply-accumulate instructions",
    ]
    figure.legend([dot, mean, bound], texts, loc="outside lower center", ncols=3, frameon=False)
