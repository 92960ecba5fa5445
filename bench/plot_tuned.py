# SPDX-License-Identifier: MIT
"""The picture of what tuning gained, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.plot import STYLE, svg_text
from bench.tuning_rows import TunedLayerCost

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE = "tuned_ic.svg"
_DEFAULT, _TUNED = "#c4c9d1", "#4c78a8"
_HEIGHT = 0.38
_LEAST = 0.005
"""A change of less than this share of a layer's cycles is not told."""


def draw(layers: Sequence[TunedLayerCost]) -> str:
    """An SVG: two bars for each layer, modelled cycles by default and tuned.

    Beside them the kernel that tuning chose and the change. Equal layers give equal text.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 0.6 + 0.42 * len(layers)), layout="constrained")
        _bars(figure.subplots(), layers)
        return svg_text(figure)


def _bars(axes: Axes, layers: Sequence[TunedLayerCost]) -> None:
    rows = range(len(layers))
    before = [layer.default_cycles / 1e6 for layer in layers]
    after = [layer.tuned_cycles / 1e6 for layer in layers]
    axes.barh([r - _HEIGHT / 2 for r in rows], before, _HEIGHT, color=_DEFAULT, label="default")
    axes.barh([r + _HEIGHT / 2 for r in rows], after, _HEIGHT, color=_TUNED, label="tuned")
    for row, layer in enumerate(layers):
        end = max(before[row], after[row])
        axes.text(end + 0.01 * max(before), row, _remark(layer), va="center", fontsize=8)
    axes.set_yticks(rows, [f"{layer.layer}  {layer.what}" for layer in layers])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.55 * max(before))
    axes.set_xlabel("modelled cycles, millions")
    change = sum(after) / sum(before) - 1
    axes.set_title(f"ic on a Cortex-M4, default and tuned: {_percent(change)} in all", loc="left")
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _remark(layer: TunedLayerCost) -> str:
    """The tuned kernel and the change, where something changed."""
    change = layer.tuned_cycles / layer.default_cycles - 1
    if layer.tuned_kernel == layer.default_kernel or abs(change) < _LEAST:
        return ""
    return f"{_percent(change)}  {layer.tuned_kernel}"


def _percent(change: float) -> str:
    return f"{change:+.0%}".replace("-", "−")
