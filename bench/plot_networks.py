# SPDX-License-Identifier: MIT
"""The picture of instructions per multiply-accumulate, network by network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.goals import best_build
from bench.plot import STYLE, svg_text
from bench.suite import Group, Suite
from bench.tables import Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NETWORKS = "networks_per_mac.svg"
_OURS, _THEIRS = "#4c78a8", "#bab0ac"
_COLUMNS = 4
_WIDTH = 0.4


@dataclass(frozen=True, slots=True)
class _Bars:
    """Instructions per multiply-accumulate of a network, ours and the best peer's."""

    model: str
    ours: float
    theirs: float | None


def draw_networks(suite: Suite, tables: Tables) -> str:
    """An SVG: a panel for each core, two bars for each network: ours and CMSIS-NN's best build.

    The same tables give the same text.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = _panels(suite, tables)
    lines = max(-(-len(panels) // _COLUMNS), 1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 2.7 * lines + 0.4), layout="constrained")
        grid = figure.subplots(lines, _COLUMNS, squeeze=False)
        for at, axes in enumerate(grid.flat):
            if at < len(panels):
                _panel(axes, *panels[at], with_label=at % _COLUMNS == 0)
            else:
                axes.set_axis_off()
        _legend(figure)
        return svg_text(figure)


def _panels(suite: Suite, tables: Tables) -> list[tuple[str, list[_Bars]]]:
    """By core the networks that were measured there, built for speed."""
    found: dict[str, list[_Bars]] = {}
    for group in suite.groups:
        if not _is_shown(suite, group):
            continue
        bars = found.setdefault(group.core_title.partition(",")[0], [])
        for row in tables.figures:
            if row.group == group.name:
                best = best_build(row, tables.peers)
                theirs = None if best is None else best / row.macs
                bars.append(_Bars(row.model, row.instructions / row.macs, theirs))
    return [(core, bars) for core, bars in found.items() if bars]


def _is_shown(suite: Suite, group: Group) -> bool:
    """Whether it is the platform's plain build by the headline's compiler, or the one it has."""
    plain = [g for g in suite.platforms()[group.platform] if g.is_plain]
    chosen = [g for g in plain if g.compiler == suite.headline.compiler] or plain
    return group == chosen[0]


def _panel(axes: Axes, core: str, bars: Sequence[_Bars], *, with_label: bool) -> None:
    axes.set_title(core)
    if with_label:
        axes.set_ylabel("instructions per MAC")
    places = range(len(bars))
    half = _WIDTH / 2
    axes.bar([at - half for at in places], [bar.ours for bar in bars], _WIDTH, color=_OURS)
    known = [(at + half, bar.theirs) for at, bar in enumerate(bars) if bar.theirs is not None]
    axes.bar([at for at, _ in known], [theirs for _, theirs in known], _WIDTH, color=_THEIRS)
    axes.set_xticks(places, [bar.model for bar in bars], rotation=90)
    axes.grid(axis="y", linewidth=0.3)
    axes.set_axisbelow(True)


def _legend(figure: Figure) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=_OURS), Patch(color=_THEIRS)]
    texts = ["milliwatt, for speed", "the best build that calls CMSIS-NN, where one was measured"]
    figure.legend(patches, texts, loc="outside lower center", ncols=2, frameon=False)
