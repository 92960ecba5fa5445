# SPDX-License-Identifier: MIT
"""Small random convolutional networks, one value at a time or with branches, for streams."""

from __future__ import annotations

import numpy as np

from milliwatt.ir.graph import Graph
from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.activation import Logistic, Relu
from milliwatt.ops.arith import Add, Mul
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.shape import Concat
from tests.backend.mcu.random_graphs import LARGE, RandomGraph


class RandomCnn(RandomGraph):
    """Layers that work by rows, each on the value made last."""

    def __init__(self, seed: int, dtype: DType = DType.INT8) -> None:
        super().__init__(np.random.default_rng(seed), dtype, LARGE)

    def start(self) -> str:
        shape = (1, self.number(5, 21), self.number(1, 13), self.number(1, 9))
        name = self.add_value(TensorType(shape, self.dtype, self.quant()))
        self.inputs.append(name)
        return name

    def layer(self, x: str) -> str:
        """One more layer, or a block with a branch; `x` itself where nothing fits."""
        match self.number(0, 9):
            case 0 | 1 | 2:
                return self.conv(x, self.number(1, 5), self.number(1, 5))
            case 3 | 4:
                return self.conv(x, 1, 1, self.number(1, 12))
            case 5 | 6:
                return self.depthwise(x)
            case 7:
                return self.pool(x)
            case 8:
                return self.block(x)
            case _:
                wide = self.dtype is DType.INT16
                return self.one(Relu(Activation.RELU) if wide else Logistic(), x)

    def block(self, x: str) -> str:
        """A branch of one or two layers that keep the shape, joined with what it began from."""
        y = self.same(x)
        y = self.same(y) if self.chance(0.5) else y
        match self.number(0, 2):
            case 0:
                return self.one(Add(self.activation()), x, y)
            case 1:
                return self.one(Mul(self.activation()), y, x)
            case _:
                return self.one(Concat(3), x, y, quant=False)

    def same(self, x: str) -> str:
        """A convolution that keeps the shape."""
        kind = self.types[x]
        rows, columns = 2 * self.number(0, 2) + 1, 2 * self.number(0, 1) + 1
        pads = Padding(rows // 2, rows // 2, columns // 2, columns // 2)
        op = Conv2D((1, 1), (1, 1), pads, self.activation())
        return self.filtered(op, x, (kind.shape[3], rows, columns, kind.shape[3]), 0)

    def conv(self, x: str, rows: int, columns: int, channels: int | None = None) -> str:
        depth = self.types[x].shape[3]
        shape = (channels or self.number(1, 9), rows, columns, depth)
        op = Conv2D(self.strides(), self.dilation(), self.pads(rows, columns), self.activation())
        return self.filtered(op, x, shape, 0)

    def depthwise(self, x: str) -> str:
        rows, columns = (3, 3) if self.chance(0.5) else (self.number(1, 5), self.number(1, 5))
        times = 2 if self.chance(0.2) else 1
        shape = (1, rows, columns, self.types[x].shape[3] * times)
        if self.chance(0.7):
            both = self.number(1, 2)
            stride = both, both
        else:
            stride = self.strides()
        op = DepthwiseConv2D(stride, self.dilation(), self.pads(rows, columns), self.activation())
        return self.filtered(op, x, shape, 3)

    def filtered(self, op: Op, x: str, shape: tuple[int, ...], axis: int) -> str:
        taps = shape[1] * shape[2] * (1 if axis else shape[3])
        w, b, quant = self.weights(shape, axis, self.types[x], taps)
        made = self.add_node(op, (x, w, b), self.own(quant))
        return made[0] if made else x

    def pool(self, x: str) -> str:
        rows, columns = self.number(1, 3), self.number(1, 3)
        make = MaxPool2D if self.chance(0.5) else AveragePool2D
        pads = Padding(*(self.number(0, t - 1) for t in (rows, rows, columns, columns)))
        return self.one(
            make((rows, columns), self.strides(), pads, self.activation()), x, quant=False
        )

    def one(self, op: Op, *inputs: str, quant: bool = True) -> str:
        kind = self.types[inputs[0]]
        made = self.add_node(op, inputs, self.quant() if quant else kind.quant)
        return made[0] if made else inputs[0]

    def strides(self) -> tuple[int, int]:
        return (self.number(1, 3), self.number(1, 2)) if self.chance(0.4) else (1, 1)

    def dilation(self) -> tuple[int, int]:
        return (self.number(1, 2), self.number(1, 2)) if self.chance(0.15) else (1, 1)

    def pads(self, rows: int, columns: int) -> Padding:
        """None, the same on both sides, or any."""
        match self.number(0, 2):
            case 0:
                return Padding()
            case 1:
                return Padding((rows - 1) // 2, rows // 2, (columns - 1) // 2, columns // 2)
            case _:
                return Padding(*(self.number(0, t) for t in (rows, rows, columns, columns)))


def random_cnn(seed: int, dtype: DType = DType.INT8, layers: int = 6) -> Graph:
    """A network of up to so many layers; equal seeds give equal networks."""
    return finished(RandomCnn(seed, dtype), f"cnn{seed}", layers)


def finished(net: RandomCnn, name: str, layers: int) -> Graph:
    """The network with up to so many layers."""
    x = net.start()
    while not net.nodes:
        x = net.same(x)
    for _ in range(net.number(1, layers)):
        x = net.layer(x)
    used = {v for node in net.nodes for v in (*node.inputs, *node.outputs)}
    return Graph(
        name=name,
        nodes=tuple(net.nodes),
        types={v: t for v, t in net.types.items() if v in used},
        constants={v: a for v, a in net.constants.items() if v in used},
        inputs=tuple(net.inputs),
        outputs=(x,),
    )


def chain() -> Graph:
    """Three convolutions of stride 1, 2 and 1 with padding, then a pool: 16 rows to 8."""
    net = RandomCnn(5)
    shape = (1, 16, 12, 3)
    x = net.add_value(TensorType(shape, net.dtype, net.quant()))
    net.inputs.append(x)
    for stride in (1, 2, 1):
        depth = net.types[x].shape[3]
        pads = Padding(1, 1, 1, 1) if stride == 1 else Padding(0, 1, 0, 1)
        op = Conv2D((stride, stride), (1, 1), pads, Activation.NONE)
        x = net.filtered(op, x, (8, 3, 3, depth), 0)
    y = net.one(MaxPool2D((8, 6), (8, 6), Padding(), Activation.NONE), x, quant=False)
    return Graph(
        name="chain",
        nodes=tuple(net.nodes),
        types=net.types,
        constants=net.constants,
        inputs=tuple(net.inputs),
        outputs=(y,),
    )
