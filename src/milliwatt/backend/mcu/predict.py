# SPDX-License-Identifier: MIT
"""What a kernel will cost on a site, where nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.backend.mcu.kernel import Kernel, Site

_CODE_BYTES = 800
_PER_OUTPUT = 20.0
_PER_MAC = {"mve": 0.3, "dsp": 1.2}
_PORTABLE_PER_MAC = 6.0


@dataclass(frozen=True, slots=True)
class Predicted:
    """Cost of one kernel on one site.

    `instructions` and `code_bytes` are predictions; `table_bytes` (weights, biases and constants)
    and `scratch_bytes` are exact.
    """

    instructions: float
    code_bytes: int
    table_bytes: int
    scratch_bytes: int

    @property
    def flash_bytes(self) -> int:
        """Code and tables, as if no other layer shared them."""
        return self.code_bytes + self.table_bytes


def predict(kernel: Kernel, site: Site) -> Predicted:
    """Cost of `kernel` on a site that it supports."""
    lowered = kernel.lower(site)
    macs = site.op.macs(site.inputs, site.outputs)
    outputs = sum(kind.elements for kind in site.outputs)
    per_mac = _PER_MAC.get(kernel.name.rpartition("_")[2], _PORTABLE_PER_MAC)
    return Predicted(
        instructions=per_mac * macs + _PER_OUTPUT * outputs,
        code_bytes=_CODE_BYTES,
        table_bytes=sum(int(table.data.nbytes) for table in lowered.tables),
        scratch_bytes=lowered.scratch_bytes,
    )
