# SPDX-License-Identifier: MIT
"""What a kernel will cost on a site, where nothing was measured.

The table beside this file was fitted to measurements (`python -m bench.predictions`); it states
the error of each kernel's row, found on layers left out of the fit. bench/predictions/README.md
shows the errors.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

import numpy as np

from milliwatt.backend.mcu.choice.code_bytes import Code, code_of
from milliwatt.backend.mcu.kernel import Core, Lowered, Site
from milliwatt.errors import UnknownFigureError
from milliwatt.ir.types import Array
from milliwatt.ops.pool import AveragePool2D, MaxPool2D

TABLE = Path(__file__).with_name("predictions.csv")


FEATURES = (
    *("mac", "product", "output", "byte", "input", "pixel", "channel", "weight"),
    "call",
)
"""What a layer is counted by: multiply-accumulates; those by weights that are not zero, and of
pools what their windows read; elements and bytes of the outputs; elements of the first input; the
first output's pixels and channels; constant weights; and 1."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Instructions for each of FEATURES. The errors are relative."""

    rates: tuple[float, ...]
    mean_error: float
    max_error: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """Cost of one kernel on one site.

    `instructions` and `code` are predictions; `table_bytes` (weights, biases and constants) is
    exact.
    """

    instructions: float
    code: Code
    table_bytes: int


def core_class(core: Core) -> str:
    """What a row of the table holds for: `mve`, `dsp` or `base`."""
    return "mve" if core.mve else "dsp" if core.dsp else "base"


@cache
def fitted_kernels() -> dict[tuple[str, str], Fitted]:
    """The table, by class of core and kernel."""
    lines = TABLE.read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {
        (row["core"], row["kernel"]): Fitted(
            rates=tuple(float(row[f"per_{feature}"]) for feature in FEATURES),
            mean_error=float(row["mean_error"]),
            max_error=float(row["max_error"]),
        )
        for row in rows
    }


def features_of(site: Site) -> tuple[int, ...]:
    """The site's FEATURES."""
    in_elements = [kind.elements for kind in site.inputs]
    weights = site.constants[1] if len(in_elements) > 1 else None
    (y, *_), channels = site.outputs, site.outputs[0].shape[-1] if site.outputs[0].shape else 1
    return (
        site.op.macs(site.inputs, site.outputs),
        _products(site, weights),
        sum(kind.elements for kind in site.outputs),
        sum(kind.size_bytes for kind in site.outputs),
        in_elements[0] if in_elements else 0,
        y.elements // max(channels, 1),
        channels,
        0 if weights is None else in_elements[1],
        1,
    )


def _products(site: Site, weights: Array | None) -> int:
    if isinstance(site.op, AveragePool2D | MaxPool2D):
        return site.outputs[0].elements * prod(site.op.filter_hw)
    macs = site.op.macs(site.inputs, site.outputs)
    if weights is None or weights.size == 0:
        return macs
    return macs * int(np.count_nonzero(weights)) // weights.size


def family_of(site: Site) -> str:
    """The name of the row for kernels of the site's operator that have none of their own."""
    return f"any {site.op.kind}"


def predict(kernel: str, lowered: Lowered, site: Site, core: Core) -> Predicted:
    """Cost of the kernel of that name, `lowered` for `site`, on `core`.

    A kernel without a row of its own has that of all kernels of its operator, whose error the
    table states too; UnknownFigureError where there is neither.
    """
    where, table = core_class(core), fitted_kernels()
    fitted = table.get((where, kernel)) or table.get((where, family_of(site)))
    if fitted is None:
        raise UnknownFigureError(
            f"nothing predicts what kernel '{kernel}' costs for {site.op.kind} on cores of class "
            f"{where}; to fit a row: python -m bench.predictions {where}"
        )
    return Predicted(
        instructions=sum(r * n for r, n in zip(fitted.rates, features_of(site), strict=True)),
        code=code_of(lowered),
        table_bytes=sum(int(one.data.nbytes) for one in lowered.tables),
    )
