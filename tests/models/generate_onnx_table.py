# SPDX-License-Identifier: MIT
"""Writes docs/models_onnx.md: python -m tests.models.generate_onnx_table"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.models.measure_onnx import FLOAT_BOUND, RANDOM_CALLS, OnnxRow, measure_onnx
from tests.support import REPOSITORY, find_shared

TABLE = REPOSITORY / "docs" / "models_onnx.md"

RUNTIME = "1.31"

COMMAND = "python -m tests.models.generate_onnx_table"

_HEADER = f"""\
# Published ONNX networks, and what milliwatt makes of them

Every .onnx file of the collection that the tests use, beside ONNX Runtime without optimisations.
Written by `{COMMAND}` with ONNX Runtime {RUNTIME} on x86-64; a test measures again, and compares
all but the counts, which depend on the order of the oracle's float sums.

ONNX's QDQ form says what a network computes in float32 between integers: ties of rounding, and
sums of float32 products, fall as they may. milliwatt computes with integers alone, as TFLM does.
So integers near a boundary of rounding differ by a step. **layers**: every layer (what computes
one QuantizeLinear's integers) alone, on the oracle's own integers, over {RANDOM_CALLS} calls with
random inputs over the full range and all the samples; and in the whole network, where a step
goes on into the layers behind it. Float networks are compared at their outputs, within
{FLOAT_BOUND:g} of the largest value (at least 1).

**samples**: real inputs, prepared as the networks' authors do. The winner can be another one only
where the oracle's two best are within so few of the output's quantisation steps. `ic_resnet8` sees
photographs of other things than CIFAR-10's, the autoencoders hear speech and no machines.

| file | imports | values | layers | samples | operators in the file |
|---|---|---|---|---|---|
"""


def onnx_files(root: Path) -> list[Path]:
    """Every .onnx file, in order."""
    return sorted(root.rglob("*.onnx"))


def render(rows: Sequence[OnnxRow]) -> str:
    """The whole document."""
    return _HEADER + "".join(f"{row.markdown()}\n" for row in rows)


def main() -> int:
    shared = find_shared()
    if shared is None:
        print("the shared models are not here", file=sys.stderr)
        return 2
    root = shared / "models"
    rows = [measure_onnx(path, root, shared / "data") for path in onnx_files(root)]
    TABLE.write_text(render(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
