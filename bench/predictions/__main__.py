# SPDX-License-Identifier: MIT
"""`python -m bench.predictions [base] [dsp] [mve]`: fit the predictor of kernel costs.

Every kernel of every layer of some networks is measured as `milliwatt tune` does it, and every
kernel of each class of cores on layers alone; then rows are fitted and written, and the page about
their errors, before and after. Rows and sections of classes that are not named stay. Firmware and
networks' counts are cached: what has not changed is not built again.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.predictions.measure import Sample, measure_layers, measure_network
from bench.predictions.page import PAGE, Measured, render
from bench.predictions.rows import Samples, fit_rows, read_table, write_table
from bench.suite import load_suite
from milliwatt.backend.mcu.choice.predict import TABLE, fitted_kernels
from milliwatt.backend.mcu.compile import core_of
from milliwatt.errors import OptionError
from milliwatt.hardware import load_target
from milliwatt.output import write_file
from tests.support import find_shared

BOARDS = {"base": "rpi-pico", "dsp": "nucleo-l4r5zi", "mve": "corstone-300"}
"""For each class of cores the board whose core is measured."""
OTHER_CORES = {"base": ("cortex-m3", "rv32imc"), "dsp": ("cortex-m7", "cortex-m33"), "mve": ()}
"""Cores that share a class's rows."""
MODELS = ("ad", "kws", "vww", "ic", "sww", "kws-m")
LARGE = "models/mlperf_tiny/ic_resnet_large_int8.tflite"
"""A network outside the suite; without packed multiplication it would be emulated for too long."""


def main(classes: Sequence[str]) -> None:
    """Measure, fit, write; say what changed."""
    unknown = [name for name in classes if name not in BOARDS]
    if unknown:
        raise OptionError(f"no class {', '.join(unknown)}; there are: {', '.join(BOARDS)}")
    shared = find_shared()
    if shared is None:
        raise OptionError("the shared models are not here")
    before = dict(fitted_kernels())
    found = {name: _measured(name, shared) for name in classes or BOARDS}
    rows = [row for row in read_table() if row.core not in found]
    for name, measured in found.items():
        rows += fit_rows(name, measured.networks, measured.layers)
    networks = f"{', '.join(MODELS)} and, but for base, {Path(LARGE).stem}"
    write_table(TABLE, rows, networks)
    old = PAGE.read_text("utf-8") if PAGE.is_file() else ""
    page = render(old, before, rows, found, networks)
    write_file(PAGE, page.encode())
    print(page)


def _measured(name: str, shared: Path) -> Measured:
    target = load_target(BOARDS[name])
    networks: list[Sample] = []
    files = [model.file for model in load_suite().models if model.key in MODELS]
    for file in (*files, *([] if name == "base" else [LARGE])):
        print(f"{BOARDS[name]} {file}", file=sys.stderr)
        networks += measure_network(shared / file, target)
    core = core_of(target)
    return Measured(
        board=BOARDS[name],
        networks=_by_kernel(networks),
        layers=_by_kernel(measure_layers(target.core, core)),
        others={other: _by_kernel(measure_layers(other, core)) for other in OTHER_CORES[name]},
    )


def _by_kernel(samples: Sequence[Sample]) -> Samples:
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.instructions > 0:
            found[sample.kernel].append(sample)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
