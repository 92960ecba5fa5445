# SPDX-License-Identifier: MIT
"""Pictures of a comparison: energy by level, energy a day by rate, mixes and sizes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from milliwatt.errors import OptionError
from milliwatt.report.compare_daily import DayEnergy, day_energy
from milliwatt.report.compare_sweeps import MixPoint, SizePoint
from milliwatt.report.compare_types import Candidate, Comparison, Known, Quantity
from milliwatt.report.pictures import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#eeca3b")
_RATE_STEPS = 60
_SLOWEST_HZ, _FASTEST_HZ = 1 / 86_400, 1_000.0


def comparison_picture(
    comparison: Comparison,
    suffix: str,
    mixes: Sequence[MixPoint] = (),
    sizes: Sequence[SizePoint] = (),
) -> bytes:
    """Energy by level, and by day over the rate; then mixes and sizes where given.

    `suffix` is one of PICTURE_SUFFIXES; the same comparison gives the same bytes. OptionError for
    another suffix or where matplotlib is not installed.
    """
    check_picture(suffix)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    count = 2 + bool(mixes) + bool(sizes)
    with mpl.rc_context({"svg.hashsalt": "milliwatt", "font.size": 8}):
        figure = Figure(figsize=(10, 4 * math.ceil(count / 2)), layout="constrained")
        axes = [figure.add_subplot(math.ceil(count / 2), 2, i + 1) for i in range(count)]
        _draw_levels(axes[0], comparison)
        _draw_rates(axes[1], comparison.candidates)
        if mixes:
            _draw_mixes(axes[2], mixes)
        if sizes:
            _draw_sizes(axes[-1], sizes)
        stream = io.BytesIO()
        metadata: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(
            suffix, {}
        )
        figure.savefig(stream, format=suffix[1:], metadata=metadata, dpi=120)
    return stream.getvalue()


def check_picture(suffix: str) -> None:
    """Raise OptionError unless a picture of that suffix can be drawn here."""
    if suffix not in PICTURE_SUFFIXES:
        raise OptionError(f"pictures are {', '.join(PICTURE_SUFFIXES)} files, not '{suffix}'")
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise OptionError(
            "pictures need matplotlib; to install: pip install 'milliwatt[report]'"
        ) from error
    del mpl


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
    axes.set_xticks(range(len(rows)), [row.target for row in rows], rotation=20)
    for place, level in enumerate(levels):
        axes.bar(0, 0, color=_COLOURS[place], label=level)
    axes.legend()
    axes.set_ylabel("energy of one inference (µJ)")
    axes.set_title(f"{comparison.model}: energy by level; a missing bar is unknown")


def _draw_rates(axes: Axes, rows: Sequence[Candidate]) -> None:
    ratio = _FASTEST_HZ / _SLOWEST_HZ
    rates = [_SLOWEST_HZ * ratio ** (i / _RATE_STEPS) for i in range(_RATE_STEPS + 1)]
    for index, row in enumerate(rows):
        found = [day_energy(row, rate) for rate in rates]
        days = [day for day in found if isinstance(day, DayEnergy)]
        shown = [day.rate_hz for day in days]
        colour = _COLOURS[index % len(_COLOURS)]
        axes.plot(shown, [d.inference_j for d in days], color=colour, label=row.target)
        bounded = [d for d in days if not math.isinf(d.high_j)]
        axes.fill_between(
            [d.rate_hz for d in bounded],
            [d.low_j for d in bounded],
            [d.high_j for d in bounded],
            color=colour,
            alpha=0.2,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("inferences a second")
    axes.set_ylabel("energy a day (J)")
    axes.set_title("Line: inferences alone; band: with standby")
    axes.legend()


def _draw_mixes(axes: Axes, points: Sequence[MixPoint]) -> None:
    other = list(points[0].shares)[-1]
    first = next(iter(points[0].shares))
    for index, target in enumerate(points[0].pj_per_mac):
        axes.plot(
            [point.shares[other] for point in points],
            [point.pj_per_mac[target] for point in points],
            color=_COLOURS[index % len(_COLOURS)],
            label=target,
        )
    axes.set_yscale("log")
    axes.set_xlabel(f"share of MACs in {other} layers, the rest in {first} ones")
    axes.set_ylabel("system energy (pJ/MAC)")
    axes.legend()


def _draw_sizes(axes: Axes, points: Sequence[SizePoint]) -> None:
    for index, row in enumerate(points[0].rows):
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
            color=_COLOURS[index % len(_COLOURS)],
            label=row.target,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("weights (KiB)")
    axes.set_ylabel("system energy of one inference (µJ)")
    axes.legend()
