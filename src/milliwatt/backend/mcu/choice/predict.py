# SPDX-License-Identifier: MIT
"""What a kernel will cost on a site, where nothing was measured.

The table beside this file was fitted to measurements (`python -m bench.predictions`); it states
the error of each kernel's row, found on layers left out of the fit.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from milliwatt.backend.mcu.choice.code_bytes import Code, code_of
from milliwatt.backend.mcu.kernel import Core, Lowered, Site

TABLE = Path(__file__).with_name("predictions.csv")


FEATURES = ("mac", "output", "input", "pixel", "channel", "weight", "call")
"""What a layer is counted by: multiply-accumulates; elements of the outputs and of the first input;
the first output's pixels and channels; constant weights; and 1."""


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


_UNKNOWN = {
    "mve": Fitted((0.5, 30, 0, 0, 0, 0, 500), 1.0, 1.0),
    "dsp": Fitted((1.5, 30, 0, 0, 0, 0, 500), 1.0, 1.0),
    "base": Fitted((8, 40, 0, 0, 0, 0, 500), 1.0, 1.0),
}
"""For kernels without a row, by what their core has. A guess."""


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
    weights = site.inputs[1] if len(site.inputs) > 1 and site.constants[1] is not None else None
    (y, *_), channels = site.outputs, site.outputs[0].shape[-1] if site.outputs[0].shape else 1
    return (
        site.op.macs(site.inputs, site.outputs),
        sum(kind.elements for kind in site.outputs),
        site.inputs[0].elements if site.inputs else 0,
        y.elements // max(channels, 1),
        channels,
        0 if weights is None else weights.elements,
        1,
    )


def predict(kernel: str, lowered: Lowered, site: Site, core: Core) -> Predicted:
    """Cost of the kernel of that name, `lowered` for `site`, on `core`."""
    where = core_class(core)
    fitted = fitted_kernels().get((where, kernel), _UNKNOWN[where])
    return Predicted(
        instructions=sum(r * n for r, n in zip(fitted.rates, features_of(site), strict=True)),
        code=code_of(lowered),
        table_bytes=sum(int(table.data.nbytes) for table in lowered.tables),
    )
