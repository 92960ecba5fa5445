# SPDX-License-Identifier: MIT
"""What a kernel will cost on a site, where nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.backend.mcu.code_bytes import Code, code_of
from milliwatt.backend.mcu.kernel import Core, Lowered, Site

_PER_OUTPUT = 20.0
_PER_MAC = {"mve": 0.3, "dsp": 1.2, "swar": 2.5}
_PORTABLE_PER_MAC = 6.0


@dataclass(frozen=True, slots=True)
class Predicted:
    """Cost of one kernel on one site.

    `instructions` and `code` are predictions; `table_bytes` (weights, biases and constants) is
    exact.
    """

    instructions: float
    code: Code
    table_bytes: int


def predict(kernel: str, lowered: Lowered, site: Site, core: Core) -> Predicted:
    """Cost of the kernel of that name, `lowered` for `site`, on `core`."""
    del core
    macs = site.op.macs(site.inputs, site.outputs)
    outputs = sum(kind.elements for kind in site.outputs)
    per_mac = _PER_MAC.get(kernel.rpartition("_")[2], _PORTABLE_PER_MAC)
    return Predicted(
        instructions=per_mac * macs + _PER_OUTPUT * outputs,
        code=code_of(lowered),
        table_bytes=sum(int(table.data.nbytes) for table in lowered.tables),
    )
