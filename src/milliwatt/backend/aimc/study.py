# SPDX-License-Identifier: MIT
"""Accuracy of a placed network as a distribution over chips and over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.aimc.crossbar import ALL_ERRORS, Error
from milliwatt.backend.aimc.placement import Placement
from milliwatt.backend.aimc.simulate import age_chip, calibrate_chip, program_chip, run_chip
from milliwatt.errors import DataError
from milliwatt.ir.types import Array

TIMES_S = (1.0, 60.0, 3600.0, 86400.0, 2_592_000.0, 31_557_600.0)
"""A second, a minute, an hour, a day, thirty days, a year."""
Progress = Callable[[int, int], None]
Score = Callable[[Array], float]


@dataclass(frozen=True, slots=True)
class AtTime:
    """Accuracies, 0 to 1, of several chips at one time after programming."""

    time_s: float
    accuracies: tuple[float, ...]
    """One for each chip."""

    @property
    def mean(self) -> float:
        """Mean over the chips."""
        return float(np.mean(self.accuracies))

    @property
    def std(self) -> float:
        """Standard deviation over the chips."""
        return float(np.std(self.accuracies, ddof=1)) if len(self.accuracies) > 1 else 0.0

    def quantile(self, share: float) -> float:
        """The accuracy below which that share of the chips lies, interpolated."""
        return float(np.quantile(self.accuracies, share))


@dataclass(frozen=True, slots=True)
class AccuracyOverTime:
    """What a network's accuracy becomes on a machine."""

    machine: str
    model: str
    samples: int
    times: tuple[AtTime, ...]


def accuracy_over_time(
    placement: Placement,
    inputs: Sequence[Array],
    labels: Array,
    *,
    seeds: Sequence[int] = range(10),
    times_s: Sequence[float] = TIMES_S,
    errors: frozenset[Error] = ALL_ERRORS,
    calibration: Sequence[Array] | None = None,
    progress: Progress | None = None,
) -> AccuracyOverTime:
    """Share of samples whose largest output is their label, for each chip at each time.

    `inputs` are stacked samples [samples, *shape] for each graph input, `labels` [samples]
    integers. `calibration` (stacked samples too) sets the converters' ranges; without it they are
    the machine's own. Each seed is a chip, programmed once and aged to every time. `progress` is
    told chips done and chips in all.
    """
    if len(labels) == 0 or any(len(value) != len(labels) for value in inputs):
        raise DataError(f"{len(labels)} labels for {[len(value) for value in inputs]} samples")

    def right(outputs: Array) -> float:
        classes = outputs.reshape(len(labels), -1).argmax(axis=1)
        return float(np.mean(classes == labels))

    return score_over_time(
        placement,
        inputs,
        right,
        seeds=seeds,
        times_s=times_s,
        errors=errors,
        calibration=calibration,
        progress=progress,
    )


def score_over_time(
    placement: Placement,
    inputs: Sequence[Array],
    score: Score,
    *,
    seeds: Sequence[int] = range(10),
    times_s: Sequence[float] = TIMES_S,
    errors: frozenset[Error] = ALL_ERRORS,
    calibration: Sequence[Array] | None = None,
    progress: Progress | None = None,
) -> AccuracyOverTime:
    """As `accuracy_over_time`, with what `score` makes of a chip's first output for all samples."""
    if not seeds or not times_s:
        raise DataError("a distribution needs at least one seed and one time")
    found: dict[float, list[float]] = {time_s: [] for time_s in times_s}
    scales: Mapping[str, tuple[float, ...]] = {}
    for done, seed in enumerate(seeds, 1):
        chip = program_chip(placement, seed, errors)
        if calibration is not None:
            # Ranges come from the exact network: they are the same for every chip.
            scales = scales or calibrate_chip(chip, calibration).full_scales
            chip = replace(chip, full_scales=scales)
        for time_s in times_s:
            found[time_s].append(score(run_chip(age_chip(chip, time_s), inputs)[0]))
        if progress is not None:
            progress(done, len(seeds))
    graph = placement.graph
    return AccuracyOverTime(
        placement.machine.name,
        "" if graph is None else graph.name,
        len(inputs[0]),
        tuple(AtTime(time_s, tuple(values)) for time_s, values in found.items()),
    )


def markdown_table(result: AccuracyOverTime) -> str:
    """The distribution as a Markdown table, accuracies in per cent."""
    lines = ["| after | mean | std | 5 % | median | 95 % |", "|---|---:|---:|---:|---:|---:|"]
    for at in result.times:
        values = (at.mean, at.std, at.quantile(0.05), at.quantile(0.5), at.quantile(0.95))
        cells = " | ".join(f"{100 * value:.1f}" for value in values)
        lines.append(f"| {_readable(at.time_s)} | {cells} |")
    return "\n".join(lines)


def accuracy_picture(results: Sequence[AccuracyOverTime], reference: float | None = None) -> bytes:
    """A PNG: mean and the band from 5 % to 95 % over time, one line a result.

    `reference` draws the integer network's accuracy, 0 to 1.
    """
    from io import BytesIO

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for result in results:
        times = [at.time_s for at in result.times]
        (line,) = axes.plot(
            times, [100 * at.mean for at in result.times], marker="o", label=result.machine
        )
        low = [100 * at.quantile(0.05) for at in result.times]
        high = [100 * at.quantile(0.95) for at in result.times]
        axes.fill_between(times, low, high, alpha=0.2, color=line.get_color())
    if reference is not None:
        axes.axhline(100 * reference, linestyle="--", color="grey", label="integer reference")
    axes.set_xscale("log")
    axes.set_xlabel("time after programming (s)")
    axes.set_ylabel("accuracy (%)")
    axes.legend()
    target = BytesIO()
    figure.savefig(target, format="png", dpi=120, metadata={"Software": None})
    return target.getvalue()


def _readable(time_s: float) -> str:
    for unit, seconds in (("year", 31_557_600.0), ("day", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if time_s >= seconds:
            count = time_s / seconds
            plural = "s" if count != 1 and unit in ("year", "day") else ""
            return f"{count:g} {unit}{plural}"
    return f"{time_s:g} s"
