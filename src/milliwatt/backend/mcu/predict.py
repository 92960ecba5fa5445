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

from milliwatt.backend.mcu.code_bytes import Code, code_of
from milliwatt.backend.mcu.kernel import Core, Lowered, Site

TABLE = Path(__file__).with_name("predictions.csv")


@dataclass(frozen=True, slots=True)
class Fitted:
    """Instructions for each multiply-accumulate, each output element and each call.

    The errors are relative.
    """

    per_mac: float
    per_output: float
    per_call: float
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
    "mve": Fitted(0.5, 30, 500, 1.0, 1.0),
    "dsp": Fitted(1.5, 30, 500, 1.0, 1.0),
    "base": Fitted(8, 40, 500, 1.0, 1.0),
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
            per_mac=float(row["per_mac"]),
            per_output=float(row["per_output"]),
            per_call=float(row["per_call"]),
            mean_error=float(row["mean_error"]),
            max_error=float(row["max_error"]),
        )
        for row in rows
    }


def predict(kernel: str, lowered: Lowered, site: Site, core: Core) -> Predicted:
    """Cost of the kernel of that name, `lowered` for `site`, on `core`."""
    where = core_class(core)
    fitted = fitted_kernels().get((where, kernel), _UNKNOWN[where])
    macs = site.op.macs(site.inputs, site.outputs)
    outputs = sum(kind.elements for kind in site.outputs)
    return Predicted(
        instructions=fitted.per_mac * macs + fitted.per_output * outputs + fitted.per_call,
        code=code_of(lowered),
        table_bytes=sum(int(table.data.nbytes) for table in lowered.tables),
    )
