# SPDX-License-Identifier: MIT
"""Rows of the predictor's table: one for each kernel, and one for all kernels of an operator."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.predictions.fit import Array, best_fit
from bench.predictions.measure import Sample
from bench.sources import commit_of
from milliwatt.backend.mcu.choice.predict import FEATURES, TABLE
from milliwatt.output import write_file

Samples = Mapping[str, Sequence[Sample]]
"""By kernel."""

ENOUGH = 6
"""So many layers of networks are fitted alone; with fewer, layers alone are fitted with them."""

_COLUMNS = (
    *("core", "kernel"),
    *(f"per_{feature}" for feature in FEATURES),
    *("layers", "mean_error", "max_error"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one kernel costs on one class of cores; errors are of layers left out of the fit."""

    core: str
    kernel: str
    rates: tuple[float, ...]
    layers: int
    mean_error: float
    max_error: float


def arrays(samples: Sequence[Sample]) -> tuple[Array, Array]:
    """Features[samples, features] and counts[samples]."""
    features = np.array([sample.features for sample in samples], np.float64)
    return features, np.array([sample.instructions for sample in samples], np.float64)


def fitted_samples(kernel: str, networks: Samples, layers: Samples) -> list[Sample]:
    """What the kernel's row is fitted to."""
    some = list(networks.get(kernel, ()))
    return some if len(some) >= ENOUGH else [*some, *layers.get(kernel, ())]


def fit_rows(core: str, networks: Samples, layers: Samples) -> list[Row]:
    """A row for each kernel that was measured, and for each operator."""
    families: dict[str, list[Sample]] = defaultdict(list)
    rows: list[Row] = []
    for kernel in {**networks, **layers}:
        some = fitted_samples(kernel, networks, layers)
        rows.append(_row(core, kernel, some))
        for sample in (*networks.get(kernel, ()), *layers.get(kernel, ())):
            families[sample.family].append(sample)
    return rows + [_row(core, family, some) for family, some in families.items()]


def _row(core: str, kernel: str, samples: Sequence[Sample]) -> Row:
    rates, errors = best_fit(*arrays(samples))
    rounded = tuple(float(f"{rate:.4g}") for rate in rates)
    return Row(core, kernel, rounded, len(samples), float(errors.mean()), float(errors.max()))


def write_table(path: Path, rows: Iterable[Row], networks: str) -> None:
    """The table, in the order of cores and kernels."""
    text = io.StringIO()
    text.write(
        f"# fitted by `python -m bench.predictions` at {commit_of()}: gcc -O2, {networks}, and "
        "layers alone\n"
    )
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in sorted(rows, key=lambda row: (row.core, row.kernel)):
        errors = (f"{error:.3f}" for error in (row.mean_error, row.max_error))
        rates = (f"{rate:.4g}" for rate in row.rates)
        writer.writerow((row.core, row.kernel, *rates, row.layers, *errors))
    write_file(path, text.getvalue().encode())


def read_table(path: Path = TABLE) -> list[Row]:
    """The committed rows."""
    lines = (line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
    return [
        Row(
            core=line["core"],
            kernel=line["kernel"],
            rates=tuple(float(line[f"per_{feature}"]) for feature in FEATURES),
            layers=int(line["layers"]),
            mean_error=float(line["mean_error"]),
            max_error=float(line["max_error"]),
        )
        for line in csv.DictReader(lines)
    ]
