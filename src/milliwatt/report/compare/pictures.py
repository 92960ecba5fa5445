# SPDX-License-Identifier: MIT
"""Pictures of a comparison: energy by level, energy a day by rate, mixes and sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from milliwatt.figures import picture
from milliwatt.report.compare.candidate import Candidate, Comparison, Known, Quantity
from milliwatt.report.compare.daily import DayEnergy, day_energy
from milliwatt.report.compare.regions import MIXED, Shares, costed_on_all, winner_regions
from milliwatt.report.compare.sweeps import KindCost, SizePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#eeca3b")
_CORNER_TEXTS = (("center", -0.03), ("center", -0.03), ("center", 0.03))
_RATE_STEPS = 40
_SLOWEST_HZ, _FASTEST_HZ = 1 / 86_400, 1_000.0


def comparison_picture(
    comparison: Comparison,
    suffix: str,
    kinds: Sequence[KindCost] = (),
    sizes: Sequence[SizePoint] = (),
) -> bytes:
    """Energy by level, and by day over the rate; then mixes of `kinds` and sizes where given.

    `suffix` is one of `figures.PICTURE_SUFFIXES`; the same comparison gives the same bytes.
    OptionError for another suffix or where matplotlib is not installed.
    """
    colours = {
        row.target: _COLOURS[index % len(_COLOURS)] for index, row in enumerate(comparison.rows)
    }
    count = 2 + bool(kinds) + bool(sizes)
    rows = math.ceil(count / 2)

    def draw(figure: Figure) -> None:
        axes = [figure.add_subplot(rows, 2, i + 1) for i in range(count)]
        _draw_levels(axes[0], comparison)
        _draw_rates(axes[1], comparison.candidates, colours)
        if kinds:
            _draw_mixes(axes[2], kinds, colours)
        if sizes:
            _draw_sizes(axes[-1], sizes, colours)
        for panel in axes:
            panel.minorticks_off()  # log axes have hundreds

    return picture(suffix, (10, 4 * rows), draw)


def _draw_levels(axes: Axes, comparison: Comparison) -> None:
    rows = comparison.candidates
    levels = ("macro", "accelerator", "system")
    for place, level in enumerate(levels):
        for index, row in enumerate(rows):
            known: Known = getattr(row, f"{level}_energy_j")
            if isinstance(known, Quantity):
                low, high = known.bounds
                spread = [[(known.value - low) * 1e6], [(high - known.value) * 1e6]]
                where = index + (place - 1) * 0.26
                colour = _COLOURS[place]
                axes.bar(where, known.value * 1e6, 0.24, yerr=spread, capsize=2, color=colour)
    axes.set_yscale("log")
    axes.set_xticks(range(len(rows)), [row.target for row in rows], rotation=30, ha="right")
    for place, level in enumerate(levels):
        axes.bar(0, 0, color=_COLOURS[place], label=level)
    axes.legend()
    axes.set_ylabel("energy of one inference (µJ)")
    axes.set_title(f"{comparison.model}: energy by level; a missing bar is unknown")


def _draw_rates(axes: Axes, rows: Sequence[Candidate], colours: Mapping[str, str]) -> None:
    ratio = _FASTEST_HZ / _SLOWEST_HZ
    rates = [_SLOWEST_HZ * ratio ** (i / _RATE_STEPS) for i in range(_RATE_STEPS + 1)]
    for row in rows:
        found = [day_energy(row, rate) for rate in rates]
        days = [day for day in found if isinstance(day, DayEnergy)]
        shown, colour = [day.rate_hz for day in days], colours[row.target]
        axes.plot(shown, [d.inference_j for d in days], color=colour, label=row.target)
        if math.isinf(row.standby.high_w):
            continue
        most = [day.high_j for day in days]
        if row.standby.low_w is None:
            axes.plot(shown, most, color=colour, linestyle=":", linewidth=0.8)
        else:
            axes.fill_between(shown, [d.low_j for d in days], most, color=colour, alpha=0.2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("inferences a second")
    axes.set_ylabel("energy a day (J)")
    axes.set_title("Band: standby known; dots: unknown, drawn as if never resting")
    axes.legend()


def _draw_mixes(axes: Axes, costs: Sequence[KindCost], colours: Mapping[str, str]) -> None:
    """The triangle of mixes, each part in the colour of the target that takes least."""
    compared = costed_on_all(costs)
    for region in winner_regions(costs):
        points = [_in_triangle(corner) for corner in region.corners]
        axes.fill(
            [x for x, _ in points],
            [y for _, y in points],
            color=colours[region.target],
            alpha=0.6,
            label=region.target,
        )
    for index, (kind, (across, above)) in enumerate(zip(MIXED, _CORNER_TEXTS, strict=True)):
        shares: Shares = (float(index == 0), float(index == 1), float(index == 2))
        x, y = _in_triangle(shares)
        best = min(compared, key=lambda target: compared[target][index])
        text = f"all {kind}\n{best}: {compared[best][index]:.3g} pJ/MAC"
        axes.text(x, y + above, text, ha=across, va="bottom" if above > 0 else "top")
    axes.set_xlim(-0.7, 1.5)
    axes.set_ylim(-0.2, 1.1)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.legend(loc="upper left")
    axes.set_title("Least system energy by share of MACs in each kind of layer")


def _in_triangle(shares: Shares) -> tuple[float, float]:
    """Where a mix lies in an equilateral triangle of side 1: first left, second right, third up."""
    _, right, top = shares
    return right + top / 2, top * math.sqrt(3) / 2


def _draw_sizes(axes: Axes, points: Sequence[SizePoint], colours: Mapping[str, str]) -> None:
    for row in points[0].rows:
        known = [
            (point.weight_bytes / 1024, other.system_energy_j.value * 1e6)
            for point in points
            for other in point.rows
            if other.target == row.target
            and isinstance(other, Candidate)
            and isinstance(other.system_energy_j, Quantity)
        ]
        axes.plot(
            [size for size, _ in known],
            [energy for _, energy in known],
            marker="o",
            color=colours[row.target],
            label=row.target,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("weights (KiB)")
    axes.set_ylabel("system energy of one inference (µJ)")
    axes.set_title("Four 3x3 convolutions by size; a line ends at a refusal")
    axes.set_ylim(bottom=axes.get_ylim()[0] / 30)  # room for the names
    axes.legend(loc="lower right", ncols=2)
