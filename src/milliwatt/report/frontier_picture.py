# SPDX-License-Identifier: MIT
"""SRAM against instructions, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milliwatt.figures import picture
from milliwatt.report.frontier import Frontier

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OURS, _BOUND = "#4c78a8", "#e45756"


def frontier_picture(frontier: Frontier, suffix: str = ".svg") -> bytes:
    """Instructions over SRAM, and the SRAM that no choice goes below.

    `suffix` is one of `figures.PICTURE_SUFFIXES`. The same frontier gives the same bytes.
    """
    return picture(suffix, (6.4, 4.0), lambda figure: _draw(figure, frontier))


def _draw(figure: Figure, frontier: Frontier) -> None:
    axes = figure.add_subplot()
    sizes = [point.sram_bytes for point in frontier.points]
    counts = [point.instructions for point in frontier.points]
    axes.step(sizes, counts, where="pre", color=_OURS, linewidth=1)
    axes.plot(sizes, counts, "o", color=_OURS, markersize=4, label="compiled, verified, counted")
    axes.axvline(
        frontier.lower_bound_bytes,
        color=_BOUND,
        linewidth=1,
        linestyle="--",
        label=f"no choice needs less: {frontier.lower_bound_bytes:,} B",
    )
    _name_points(axes, frontier)
    axes.set_xlim(0, 1.2 * max(sizes))
    axes.set_ylim(0, 1.6 * max(counts))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("SRAM without stack (bytes)")
    axes.set_ylabel("instructions of an inference")
    fed = ", rows pushed" if frontier.push_rows else ""
    axes.set_title(f"{frontier.model} on {frontier.target}{fed}")
    axes.legend(loc="lower left", frameon=False)


def _name_points(axes: Axes, frontier: Frontier) -> None:
    """Each point's figures beside it, upwards, so that neighbours stay legible."""
    least = frontier.points[0].instructions
    for point in frontier.points:
        axes.annotate(
            f"{point.sram_bytes:,} B, {point.instructions / least - 1:+.1%}",
            (point.sram_bytes, point.instructions),
            fontsize=6,
            rotation=60,
            xytext=(0, 5),
            textcoords="offset points",
        )
