# SPDX-License-Identifier: MIT
"""Instructions per multiply-accumulate of the DSP kernels, layer by layer, on a Cortex-M4.

Layers of the MLPerf Tiny networks and two MicroNets, random values, every output compared with
the reference. Usage: python -m bench.kernels.dsp_layers [gcc|zig] [-O2|-Os|-O3]
"""

from __future__ import annotations

import sys

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.dsp import (
    conv as dsp_conv,
)
from milliwatt.backend.mcu.lowering.dsp import (
    dense as dsp_dense,
)
from milliwatt.backend.mcu.lowering.dsp import (
    depthwise as dsp_depthwise,
)
from milliwatt.backend.mcu.lowering.portable import (
    conv,
    dense,
)
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.linear import PLAIN, Window
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job
from tests.kernels.symmetric import symmetric

RELU = Activation.RELU
SAME = "same"


def _pointwise(h: int, w: int, depth: int, out: int) -> Window:
    return Window((1, h, w, depth), out, activation=RELU)


def _depthwise(h: int, w: int, channels: int, stride: int, kernel=(3, 3), padding=SAME) -> Window:
    return Window((1, h, w, channels), channels, kernel, (stride, stride), (1, 1), padding, 1, RELU)


def _conv(x, out: int, kernel, stride: int) -> Window:
    return Window((1, *x), out, kernel, (stride, stride), (1, 1), SAME, 1, RELU)


LAYERS = {
    "kws": [
        ("conv", _conv((49, 10, 1), 64, (10, 4), 2), 1),
        ("dw", _depthwise(25, 5, 64, 1), 4),
        ("conv", _pointwise(25, 5, 64, 64), 4),
        ("dense", (1, 64, 12), 1),
    ],
    "vww": [
        ("conv", _conv((96, 96, 3), 8, (3, 3), 2), 1),
        ("dw", _depthwise(48, 48, 8, 1), 1),
        ("conv", _pointwise(48, 48, 8, 16), 1),
        ("dw", _depthwise(48, 48, 16, 2), 1),
        ("conv", _pointwise(24, 24, 16, 32), 1),
        ("dw", _depthwise(24, 24, 32, 1), 1),
        ("conv", _pointwise(24, 24, 32, 32), 1),
        ("dw", _depthwise(24, 24, 32, 2), 1),
        ("conv", _pointwise(12, 12, 32, 64), 1),
        ("dw", _depthwise(12, 12, 64, 1), 1),
        ("conv", _pointwise(12, 12, 64, 64), 1),
        ("dw", _depthwise(12, 12, 64, 2), 1),
        ("conv", _pointwise(6, 6, 64, 128), 1),
        ("dw", _depthwise(6, 6, 128, 1), 5),
        ("conv", _pointwise(6, 6, 128, 128), 5),
        ("dw", _depthwise(6, 6, 128, 2), 1),
        ("conv", _pointwise(3, 3, 128, 256), 1),
        ("dw", _depthwise(3, 3, 256, 1), 1),
        ("conv", _pointwise(3, 3, 256, 256), 1),
        ("dense", (1, 256, 2), 1),
    ],
    "ic": [
        ("conv", _conv((32, 32, 3), 16, (3, 3), 1), 1),
        ("conv", _conv((32, 32, 16), 16, (3, 3), 1), 2),
        ("conv", _conv((32, 32, 16), 32, (3, 3), 2), 1),
        ("conv", _conv((16, 16, 32), 32, (3, 3), 1), 1),
        ("conv", _conv((32, 32, 16), 32, (1, 1), 2), 1),
        ("conv", _conv((16, 16, 32), 64, (3, 3), 2), 1),
        ("conv", _conv((8, 8, 64), 64, (3, 3), 1), 1),
        ("conv", _conv((16, 16, 32), 64, (1, 1), 2), 1),
        ("dense", (1, 64, 10), 1),
    ],
    "ad": [
        ("dense", (1, 640, 128), 1),
        ("dense", (1, 128, 128), 6),
        ("dense", (1, 128, 8), 1),
        ("dense", (1, 8, 128), 1),
        ("dense", (1, 128, 640), 1),
    ],
    "sww": [
        ("dw", _depthwise(30, 1, 40, 1, (3, 1), "valid"), 1),
        ("conv", _pointwise(28, 1, 40, 128), 1),
        ("dw", _depthwise(28, 1, 128, 1, (5, 1), "valid"), 1),
        ("conv", _pointwise(24, 1, 128, 128), 1),
        ("dw", _depthwise(24, 1, 128, 1, (10, 1), "valid"), 1),
        ("conv", _pointwise(15, 1, 128, 128), 1),
        ("dw", _depthwise(15, 1, 128, 1, (15, 1), "valid"), 1),
        ("conv", _pointwise(1, 1, 128, 32), 1),
        ("dense", (1, 32, 3), 1),
    ],
    "kws-m": [
        ("conv", _conv((49, 10, 1), 140, (10, 4), 1), 1),
        ("dw", _depthwise(49, 10, 140, 2), 1),
        ("conv", _pointwise(25, 5, 140, 140), 3),
        ("dw", _depthwise(25, 5, 140, 1), 3),
        ("conv", _pointwise(25, 5, 140, 112), 1),
        ("dw", _depthwise(25, 5, 112, 1), 1),
        ("conv", _pointwise(25, 5, 112, 196), 1),
        ("conv", _pointwise(1, 1, 196, 12), 1),
    ],
    "ad-l": [
        ("conv", _conv((32, 32, 1), 276, (3, 3), 1), 1),
        ("dw", _depthwise(32, 32, 276, 2), 1),
        ("conv", _pointwise(16, 16, 276, 248), 1),
        ("dw", _depthwise(16, 16, 248, 1), 1),
        ("conv", _pointwise(16, 16, 248, 276), 1),
        ("dw", _depthwise(16, 16, 276, 1), 1),
        ("conv", _pointwise(16, 16, 276, 276), 1),
        ("dw", _depthwise(16, 16, 276, 2), 1),
        ("conv", _pointwise(8, 8, 276, 248), 1),
        ("dw", _depthwise(8, 8, 248, 2), 1),
        ("conv", _pointwise(4, 4, 248, 248), 1),
        ("conv", _pointwise(1, 1, 248, 8), 1),
    ],
}
MAKERS = {"conv": linear.convolution, "dw": linear.depthwise, "dense": linear.dense}
MODULES = (dsp_conv, dsp_depthwise, dsp_dense, conv, dense)
KERNELS = [kernel for module in MODULES for kernel in module.KERNELS]


def main() -> None:
    """Print every layer and every network total."""
    compiler = sys.argv[1] if len(sys.argv) > 1 else "gcc"
    optimisation = sys.argv[2] if len(sys.argv) > 2 else "-O2"
    models = sys.argv[3:] or list(LAYERS)
    core = Core(dsp=True)
    for model in models:
        layers = LAYERS[model]
        cases = [symmetric(MAKERS[kind](shape, DType.INT8, PLAIN, 1)) for kind, shape, _ in layers]
        jobs = [
            Job(next(k for k in KERNELS if k.supports(site, core)), site, inputs)
            for site, inputs in cases
        ]
        result = check_emulated(jobs, "cortex-m4", compiler, optimisation=optimisation)
        total = macs_total = 0
        for (_, _, times), job, count in zip(layers, jobs, result.instructions, strict=True):
            site = job.site
            macs = site.op.macs(site.inputs, site.outputs)
            total += times * count
            macs_total += times * macs
            outs = site.outputs[0].elements
            print(
                f"  {job.kernel.name:26} {site.inputs[0]!s:18} {site.inputs[1]!s:20} x{times}"
                f" {count:>10,} {count / macs:6.3f}/MAC {count / outs:8.1f}/output"
            )
        print(f"{model}: {total:,} for {macs_total:,} MAC: {total / macs_total:.3f}", flush=True)


if __name__ == "__main__":
    main()
