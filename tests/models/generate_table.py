# SPDX-License-Identifier: MIT
"""Writes docs/models.md: python -m tests.models.generate_table"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.models.measure import CALLS, FLOAT_BOUND, Row, measure
from tests.models.on_core import CORE_CALLS, FLOAT_TOLERANCE, measure_on_core
from tests.support import REPOSITORY, find_shared

TABLE = REPOSITORY / "docs" / "models.md"

COMMAND = "python -m tests.models.generate_table"

_HEADER = f"""\
# Published networks, and what milliwatt makes of them

Every .tflite file of the collection that the tests use: does it import, and does it compute what
the oracle computes? Written by `{COMMAND}`; a test compares each row with what it measures.

**equal**: every value of every layer, over {CALLS} calls with random inputs over the full range
(states go on from call to call), equals the oracle's, bit for bit. The oracle is TFLM, the
`tflite-micro` wheel; for uint8 networks, which TFLM no longer runs, LiteRT's reference kernels.
Float layers are compared within {FLOAT_BOUND:g} of the layer's largest value (at least 1).

**on the core**: the network compiled to C for a Cortex-M4 and run on the emulated core,
{CORE_CALLS} calls with random inputs. Its outputs equal the reference's bit for bit; where they
come out of float arithmetic, within {FLOAT_TOLERANCE:g} of the output's largest value.

Notes:

- `arm/kws_suite/basic_lstm_*`: TFLM refuses their FILL of computed dimensions; it is given the file
  with that constant stored.
- `micronets/micronet_ad_l_int8`: as published, biases of several layers carry the scales of others.
  TFLM does not look at per-channel bias scales, and uses the integers as they are; so do we.
- `mit/mcunet-320kb-1mb_imagenet_int8`: some weight scales are negative; those channels get weights
  and bias of the other sign. Its last RESHAPE declares another scale than its input has: the
  integers are copied, as TFLM does.
- `tflm/person_detect`: the quantised axis of its biases is out of range; a vector has only one.

| file | imports | values | compared | on the core | operators in the file |
|---|---|---|---|---|---|
"""


def files(root: Path) -> list[Path]:
    """Every .tflite file, in order."""
    return sorted(root.rglob("*.tflite"))


def render(rows: Sequence[Row], on_core: Sequence[str]) -> str:
    """The whole document."""
    lines = [row.markdown(cell) for row, cell in zip(rows, on_core, strict=True)]
    return _HEADER + "".join(f"{line}\n" for line in lines)


def main() -> int:
    shared = find_shared()
    if shared is None:
        print("the shared models are not here", file=sys.stderr)
        return 2
    root = shared / "models"
    rows = [measure(path, root) for path in files(root)]
    cells = [measure_on_core(path) for path in files(root)]
    TABLE.write_text(render(rows, cells), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
