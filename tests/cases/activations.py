# SPDX-License-Identifier: MIT
"""Activations, softmax and log-softmax."""

from __future__ import annotations

import numpy as np

from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.base import Activation, Op
from tests.cases.build import Case, case, tensor, values

S8, S16, F32 = DType.INT8, DType.INT16, DType.FLOAT32
ROWS = [(1, 12), (3, 2), (1, 1), (2, 5, 138), (1, 3000)]


def _case(op: Op, x: TensorType, y: TensorType, rng: np.random.Generator) -> Case:
    array = values(x, rng)
    if x.dtype is S8 and array.size >= 256:
        array.reshape(-1)[:256] = np.arange(-128, 128)
    return case(op, [(x, array)], [y])


def elementwise_s8(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for scale, zero in ((0.05, 0), (0.002, -128), (1.3, 127), (0.1, -7)):
        x = tensor((2, 150), S8, scale, zero)
        found.append(_case(Logistic(), x, tensor(x.shape, S8, 1 / 256, -128), rng))
        found.append(_case(Tanh(), x, tensor(x.shape, S8, 1 / 128, 0), rng))
        for y in (x, tensor(x.shape, S8, scale * 1.7, 5), tensor(x.shape, S8, scale / 9, -128)):
            found.append(_case(LeakyRelu(0.1), x, y, rng))
            found.append(_case(LeakyRelu(-0.7), x, y, rng))
            found += [_case(Relu(a), x, y, rng) for a in Activation]
    return found


def elementwise_s16(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for scale in (2.0**-12, 2.0**-11, 0.0001, 0.003, 2.0**-15, 0.9, 3.0, 9.0, 40.0):
        x = tensor((1, 3000), S16, scale)
        y = tensor(x.shape, S16, 1 / 32768)
        found += [_case(op, x, y, rng) for op in (Logistic(), Tanh())]
        for other in (x, tensor(x.shape, S16, scale * 2.3)):
            found.append(_case(LeakyRelu(0.3), x, other, rng))
            found += [_case(Relu(a), x, other, rng) for a in Activation]
    return found


def _rows(x: TensorType, kind: int, rng: np.random.Generator) -> Array:
    """Rows at random, all equal, or with one element far above the rest."""
    low, high = x.dtype.integer_range
    if kind == 0:
        return values(x, rng)
    array = np.full(x.shape, high if kind == 1 else low, x.dtype.numpy)
    if kind == 2:
        array[..., -1] = high
    return array


def softmax_s8(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for shape in ROWS:
        for scale, beta in ((0.1, 1.0), (0.004, 1.0), (1.9, 1.0), (0.02, 3.5)):
            for kind in range(3):
                x = tensor(shape, S8, scale, 4)
                array = _rows(x, kind, rng)
                for y in (
                    tensor(shape, S8, 1 / 256, -128),
                    tensor(shape, S16, 1 / 65536, -32768),
                ):
                    found.append(case(Softmax(beta), [(x, array)], [y]))
                if beta == 1.0:
                    y = tensor(shape, S8, 1 / 16, 127)
                    found.append(case(LogSoftmax(), [(x, array)], [y]))
    return found


def softmax_s16(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for shape in [*ROWS, (1, 30000)]:
        for scale in (1 / 4096, 1e-5, 0.01):
            for kind in range(3):
                x, y = tensor(shape, S16, scale), tensor(shape, S16, 1 / 32768)
                found.append(case(Softmax(1.0), [(x, _rows(x, kind, rng))], [y]))
    return found


def elementwise_f32(seed: int) -> list[Case]:
    """Those that compute no function: equal to the last bit."""
    rng = np.random.default_rng(seed)
    x = tensor((4, 70), F32)
    ops = [LeakyRelu(0.1), *(Relu(a) for a in Activation)]
    return [_case(op, x, x, rng) for op in ops]


def functions_f32(seed: int) -> list[Case]:
    """Those that are within a bound."""
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for shape in ROWS:
        for spread in (1.0, 12.0):
            x = tensor(shape, F32)
            array = (values(x, rng) * np.float32(spread)).astype(np.float32)
            ops: list[Op] = [Logistic(), Tanh(), Softmax(1.0), Softmax(0.3), LogSoftmax()]
            found += [case(op, [(x, array)], [x]) for op in ops]
    return found


FAMILIES = {
    "activation_s8": elementwise_s8,
    "activation_s16": elementwise_s16,
    "softmax_s8": softmax_s8,
    "softmax_s16": softmax_s16,
    "activation_f32": elementwise_f32,
    "functions_f32": functions_f32,
}
