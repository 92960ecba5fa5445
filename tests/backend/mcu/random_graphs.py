# SPDX-License-Identifier: MIT
"""Small random graphs: any operators in any order, views, states, odd inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.types import Array, DType, Quant, Shape, TensorType
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack


@dataclass(frozen=True)
class Size:
    """How large values may be: rows and columns, channels, filters, elements in all."""

    rows: int
    channels: tuple[int, ...]
    filters: int
    elements: int


SMALL = Size(7, tuple(range(1, 10)), 12, 2048)
LARGE = Size(13, (1, 2, 3, 4, 7, 8, 12, 16, 17, 24, 32, 33, 40), 40, 16384)
_FIXED_OUTPUTS: dict[tuple[type[Op], DType], Quant] = {
    (Softmax, DType.INT8): Quant.per_tensor(1 / 256, -128),
    (Logistic, DType.INT8): Quant.per_tensor(1 / 256, -128),
    (Tanh, DType.INT8): Quant.per_tensor(1 / 128, 0),
    (LogSoftmax, DType.INT8): Quant.per_tensor(16 / 256, 127),
    (Softmax, DType.INT16): Quant.per_tensor(1 / 32768, 0),
    (Logistic, DType.INT16): Quant.per_tensor(1 / 32768, 0),
    (Tanh, DType.INT16): Quant.per_tensor(1 / 32768, 0),
}


class RandomGraph:
    """A graph under construction; every method that adds something draws from `rng`."""

    def __init__(self, rng: np.random.Generator, dtype: DType, size: Size) -> None:
        self.rng = rng
        self.size = size
        self.dtype = dtype
        self.nodes: list[Node] = []
        self.types: dict[str, TensorType] = {}
        self.constants: dict[str, Array] = {}
        self.inputs: list[str] = []
        self.states: list[tuple[str, str, Array]] = []

    # What is drawn.

    def number(self, low: int, high: int) -> int:
        """Uniform in low..high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def shape(self) -> Shape:
        rank = self.number(1, 5) if self.chance(0.3) else 4
        if rank == 4:
            batch = 2 if self.chance(0.15) else 1
            rows, columns = self.number(1, self.size.rows), self.number(1, self.size.rows)
            return batch, rows, columns, int(self.rng.choice(self.size.channels))
        return tuple(self.number(1, 5) for _ in range(rank))

    def quant(self) -> Quant | None:
        if self.dtype.is_float:
            return None
        scale = float(np.float32(2.0 ** self.rng.uniform(-5, -1)))
        zero = self.number(-128, 127) if self.chance(0.7) else int(self.rng.choice([-128, 0, 127]))
        return Quant.per_tensor(scale, 0 if self.dtype is DType.INT16 else zero)

    def array(self, kind: TensorType) -> Array:
        if kind.dtype.is_float:
            return self.rng.normal(size=kind.shape).astype(np.float32)
        low, high = kind.dtype.integer_range
        return self.rng.integers(low, high, kind.shape, kind.dtype.numpy, endpoint=True)

    def activation(self) -> Activation:
        return list(Activation)[self.number(0, 3)] if self.chance(0.4) else Activation.NONE

    def value(self, accepts: Callable[[TensorType], bool]) -> str | None:
        """A value of the working type, a recent one more likely than an old one."""
        pool = [
            v
            for v, t in self.types.items()
            if t.dtype is self.dtype and (t.quant is None or t.quant.axis is None) and accepts(t)
        ]
        if not pool:
            return None
        return pool[-1 - min(len(pool) - 1, int(self.rng.exponential(2.5)))]

    # What is added.

    def add_value(self, kind: TensorType) -> str:
        name = f"v{len(self.types)}"
        self.types[name] = kind
        return name

    def add_input(self) -> None:
        self.inputs.append(self.add_value(TensorType(self.shape(), self.dtype, self.quant())))

    def add_constant(self, kind: TensorType, array: Array | None = None) -> str:
        name = self.add_value(kind)
        self.constants[name] = self.array(kind) if array is None else array
        return name

    def add_state(self) -> None:
        kind = TensorType(self.shape(), self.dtype, self.quant())
        self.states.append((self.add_value(kind), "", self.array(kind)))

    def add_node(
        self, op: Op, inputs: Sequence[str], quant: Quant | None, dtype: DType | None = None
    ) -> tuple[str, ...]:
        """Append a node, unless its operator refuses it or its results are large."""
        kinds = [self.types[v] for v in inputs]
        try:
            shapes = op.infer(kinds)
            fixed = _FIXED_OUTPUTS.get((type(op), dtype or self.dtype))
            results = [TensorType(s, dtype or self.dtype, fixed or quant) for s in shapes]
            op.check(kinds, results)
        except ModelError:
            return ()
        if len(results) > 16 or sum(t.elements for t in results) > self.size.elements:
            return ()
        if any(len(t.shape) > 5 for t in results):
            return ()
        outputs = tuple(self.add_value(t) for t in results)
        self.nodes.append(Node(f"n{len(self.nodes)}", op, tuple(inputs), outputs))
        return outputs

    def weights(self, shape: Shape, axis: int, x: TensorType, taps: int) -> tuple[str, str, Quant]:
        """Weights, bias, and an output quantisation that neither saturates nor starves."""
        channels = shape[axis]
        if self.dtype.is_float:
            w = self.add_constant(TensorType(shape, self.dtype))
            return w, self.add_constant(TensorType((channels,), self.dtype)), Quant((1.0,), (0,))
        per_channel = self.chance(0.6)
        count = channels if per_channel else 1
        scales = tuple(float(np.float32(s)) for s in self.rng.uniform(0.005, 0.02, count))
        spread_of = {DType.INT8: 40.0, DType.INT4: 3.0, DType.INT2: 0.8}
        bits = DType.INT8 if self.chance(0.7) else DType.INT4 if self.chance(0.5) else DType.INT2
        low, high = bits.integer_range
        shifted = not per_channel and self.chance(0.2)
        zero = self.number(max(low, -4), min(high, 4)) if shifted else 0
        kind = TensorType(
            shape,
            bits,
            Quant(scales, (zero,) * count, axis if per_channel else None),
        )
        accumulator = [s * x.scale for s in scales]
        bias_quant = Quant(tuple(accumulator), (0,) * count, 0 if per_channel else None)
        bias = TensorType((channels,), DType.INT32, bias_quant)
        spread = spread_of[bits] * 70.0 * taps**0.5
        if self.dtype is DType.INT16:
            spread *= 256
        w = self.add_constant(kind)
        b = self.add_constant(bias, self.rng.normal(0, spread, channels).round().astype(np.int32))
        range_codes = 32767 if self.dtype is DType.INT16 else 127
        scale = float(np.float32(max(accumulator) * spread * 2 / range_codes))
        zero = 0 if self.dtype is DType.INT16 else self.number(-128, 127)
        return w, b, Quant.per_tensor(scale, zero)

    def own(self, quant: Quant) -> Quant | None:
        return None if self.dtype.is_float else quant

    def finish(self, name: str) -> Graph:
        """Outputs and next states drawn from all values."""
        computed = [v for n in self.nodes for v in n.outputs]
        states = [
            State(before, self._after(before, computed), initial)
            for before, _, initial in self.states
        ]
        everything = [*self.types] if self.chance(0.3) else (computed or [*self.types])
        everything = [v for v in everything if self.types[v].dtype.bits >= 8]
        read = {v for node in self.nodes for v in node.inputs}
        unread = [v for v in computed if v not in read]
        self.rng.shuffle(unread)
        outputs = unread[: self.number(1, 3)] or [str(self.rng.choice(everything))]
        outputs += [str(self.rng.choice(everything)) for _ in range(self.number(0, 1))]
        return Graph(
            name=name,
            nodes=tuple(self.nodes),
            types=self.types,
            constants=self.constants,
            inputs=tuple(self.inputs),
            outputs=tuple(outputs),
            states=tuple(states),
        )

    def _after(self, before: str, computed: Sequence[str]) -> str:
        kind = self.types[before]
        # States that swap are refused by design: a state may follow an earlier one only.
        earlier = [b for b, _, _ in self.states[: [s[0] for s in self.states].index(before) + 1]]
        same = [v for v in (*computed, *self.inputs, *earlier) if self.types[v] == kind]
        return str(self.rng.choice(same)) if same else before


def _image(graph: RandomGraph) -> str | None:
    return graph.value(lambda t: len(t.shape) == 4)


def _padding(graph: RandomGraph, limit: int) -> Padding:
    return Padding(*(graph.number(0, limit) for _ in range(4))) if graph.chance(0.6) else Padding()


def _conv(graph: RandomGraph) -> None:
    x = _image(graph)
    if x is None:
        return
    kind = graph.types[x]
    channels = kind.shape[3]
    groups = int(graph.rng.choice([g for g in range(1, channels + 1) if channels % g == 0]))
    groups = groups if graph.chance(0.2) else 1
    taps = (graph.number(1, 3), graph.number(1, 3)) if graph.chance(0.6) else (1, 1)
    filters = groups * graph.number(1, max(1, graph.size.filters // groups))
    shape = (filters, *taps, channels // groups)
    w, b, quant = graph.weights(shape, 0, kind, prod(shape[1:]))
    stride = (graph.number(1, 2), graph.number(1, 2))
    dilation = (graph.number(1, 2), 1) if graph.chance(0.2) else (1, 1)
    op = Conv2D(stride, dilation, _padding(graph, 3), graph.activation())
    graph.add_node(op, (x, w, b), graph.own(quant))


def _depthwise(graph: RandomGraph) -> None:
    x = _image(graph)
    if x is None:
        return
    kind = graph.types[x]
    taps = (3, 3) if graph.chance(0.6) else (graph.number(1, 4), graph.number(1, 4))
    multiplier = graph.number(1, 3) if graph.chance(0.3) else 1
    shape = (1, *taps, kind.shape[3] * multiplier)
    w, b, quant = graph.weights(shape, 3, kind, prod(taps))
    stride = (graph.number(1, 2),) * 2 if graph.chance(0.7) else (graph.number(1, 3), 1)
    dilation = (1, graph.number(1, 2)) if graph.chance(0.2) else (1, 1)
    op = DepthwiseConv2D(stride, dilation, _padding(graph, 2), graph.activation())
    graph.add_node(op, (x, w, b), graph.own(quant))


def _transpose_conv(graph: RandomGraph) -> None:
    x = _image(graph)
    if x is None:
        return
    kind = graph.types[x]
    taps = graph.number(1, 3), graph.number(1, 3)
    shape = (graph.number(1, 5), *taps, kind.shape[3])
    w, b, quant = graph.weights(shape, 0, kind, prod(shape[1:]))
    output = graph.number(1, 9), graph.number(1, 9)
    op = TransposeConv2D((2, graph.number(1, 2)), Padding(1, 0, 0, 0), output, graph.activation())
    graph.add_node(op, (x, w, b), graph.own(quant))


def _dense(graph: RandomGraph) -> None:
    x = graph.value(lambda t: t.elements <= 300 and len(t.shape) > 0)
    if x is None:
        return
    kind = graph.types[x]
    keep = graph.chance(0.3)
    depth = kind.shape[-1] if keep else kind.elements // (kind.shape[0] if graph.chance(0.8) else 1)
    shape = (graph.number(1, 12), depth)
    w, b, quant = graph.weights(shape, 0, kind, depth)
    graph.add_node(FullyConnected(graph.activation(), keep), (x, w, b), graph.own(quant))


def _pool(graph: RandomGraph) -> None:
    x = _image(graph)
    if x is None:
        return
    make = MaxPool2D if graph.chance(0.5) else AveragePool2D
    taps = graph.number(1, 3), graph.number(1, 3)
    pads = Padding(*(graph.number(0, t - 1) for t in (taps[0], taps[0], taps[1], taps[1])))
    op = make(taps, (graph.number(1, 2), graph.number(1, 2)), pads, graph.activation())
    graph.add_node(op, (x,), graph.types[x].quant)


def _mean(graph: RandomGraph) -> None:
    x = graph.value(lambda t: len(t.shape) > 1)
    if x is None:
        return
    rank = len(graph.types[x].shape)
    axes = tuple(i for i in range(rank) if graph.chance(0.5)) or (0,)
    if len(axes) < rank:
        graph.add_node(Mean(axes, graph.chance(0.5)), (x,), graph.quant())


def _binary(graph: RandomGraph) -> None:
    x = graph.value(lambda t: len(t.shape) > 0)
    if x is None:
        return
    shape = graph.types[x].shape
    other = graph.value(lambda t: _broadcasts(t.shape, shape))
    if other is None or graph.chance(0.25):
        small = tuple(1 if graph.chance(0.5) else d for d in shape)
        small = small[graph.number(0, len(small) - 1) :] if graph.chance(0.3) else small
        other = graph.add_constant(TensorType(small, graph.dtype, graph.quant()))
    pair = (x, other) if graph.chance(0.5) else (other, x)
    make = (Add, Sub, Mul)[graph.number(0, 2)]
    graph.add_node(make(graph.activation()), pair, graph.quant())


def _broadcasts(one: Shape, other: Shape) -> bool:
    try:
        return np.broadcast_shapes(one, other) is not None
    except ValueError:
        return False


def _unary(graph: RandomGraph) -> None:
    x = graph.value(lambda t: len(t.shape) > 0)
    if x is None:
        return
    same = graph.types[x].quant if graph.chance(0.5) else graph.quant()
    ops: tuple[Op, ...] = (
        Relu(list(Activation)[graph.number(1, 3)]),
        Relu(Activation.RELU),
        LeakyRelu(0.1),
        Logistic(),
        Tanh(),
        Softmax(1.0),
        LogSoftmax(),
    )
    op = ops[graph.number(0, len(ops) - 1)]
    if not graph.dtype.is_float and graph.chance(0.3):
        op = Quantize()
    graph.add_node(op, (x,), same)


def _factors(graph: RandomGraph, elements: int) -> Shape:
    """Some shape of so many elements."""
    shape: list[int] = []
    while elements > 1 and len(shape) < 3:
        divisors = [d for d in range(1, elements + 1) if elements % d == 0]
        shape.append(int(graph.rng.choice(divisors)))
        elements //= shape[-1]
    return (*shape, elements)


def _reshape(graph: RandomGraph) -> None:
    x = graph.value(lambda _: True)
    if x is None:
        return
    kind = graph.types[x]
    shape = kind.shape if graph.chance(0.15) else _factors(graph, kind.elements)
    quant = graph.quant() if graph.chance(0.1) else kind.quant
    graph.add_node(Reshape(shape), (x,), quant)


def _move(graph: RandomGraph) -> None:
    """Transpose, slice, pad, resize: one operand, the same number format."""
    x = graph.value(lambda t: len(t.shape) > 0)
    if x is None:
        return
    kind = graph.types[x]
    shape = kind.shape
    op: Op
    match graph.number(0, 4):
        case 0:
            op = Transpose(tuple(int(i) for i in graph.rng.permutation(len(shape))))
        case 1:
            op = _slice(graph, shape)
        case 2:
            pads = tuple(
                (graph.number(0, 2), graph.number(0, 2)) if graph.chance(0.4) else (0, 0)
                for _ in shape
            )
            zero = 0 if graph.dtype.is_float else kind.zero_point
            op = Pad(pads, zero if graph.chance(0.7) else 3)
        case 3:
            op = ResizeNearest((graph.number(1, 8), graph.number(1, 8)), graph.chance(0.5), False)
        case _:
            op = ResizeBilinear((graph.number(1, 8), graph.number(1, 8)), False, graph.chance(0.5))
    graph.add_node(op, (x,), kind.quant)


def _slice(graph: RandomGraph, shape: Shape) -> Slice:
    begin, size, strides = [], [], []
    for extent in shape:
        start = graph.number(0, extent - 1)
        stride = -1 if graph.chance(0.15) else graph.number(1, 2)
        room = (start if stride < 0 else extent - 1 - start) // abs(stride) + 1
        begin.append(start)
        size.append(graph.number(1, room))
        strides.append(stride)
    return Slice(tuple(begin), tuple(size), tuple(strides))


def _cut(graph: RandomGraph) -> None:
    """Split and Unpack: several results, of which some are never read."""
    x = graph.value(lambda t: len(t.shape) > 0)
    if x is None:
        return
    kind = graph.types[x]
    axis = 0 if graph.chance(0.5) else graph.number(0, len(kind.shape) - 1)
    if graph.chance(0.5) and len(kind.shape) > 1:
        graph.add_node(Unpack(axis), (x,), kind.quant)
        return
    parts = [p for p in range(1, kind.shape[axis] + 1) if kind.shape[axis] % p == 0]
    graph.add_node(Split(axis, int(graph.rng.choice(parts))), (x,), kind.quant)


def _join(graph: RandomGraph) -> None:
    x = graph.value(lambda t: len(t.shape) > 0)
    if x is None:
        return
    kind = graph.types[x]
    parts = [x]
    for _ in range(graph.number(0, 3)):
        other = graph.value(lambda t: t == kind)
        if other is None or graph.chance(0.3):
            other = graph.add_constant(kind)
        parts.insert(graph.number(0, len(parts)), other)
    axis = graph.number(0, len(kind.shape) - 1)
    graph.add_node(Pack(axis) if graph.chance(0.3) else Concat(axis), parts, kind.quant)


def _enter(graph: RandomGraph) -> None:
    """An input of another number format, brought to the working one."""
    others = [d for d in (DType.FLOAT32, DType.INT8, DType.UINT8) if d is not graph.dtype]
    if graph.dtype.is_float:
        others.remove(DType.UINT8)
    kind = TensorType(graph.shape(), others[graph.number(0, len(others) - 1)], _any_quant(graph))
    if kind.dtype.is_float:
        kind = TensorType(kind.shape, kind.dtype)
    x = graph.add_value(kind)
    graph.inputs.append(x)
    graph.add_node(Dequantize() if graph.dtype.is_float else Quantize(), (x,), graph.quant())


def _leave(graph: RandomGraph) -> None:
    """A value brought to another number format, which no other node reads."""
    x = graph.value(lambda _: True)
    if x is None:
        return
    if graph.chance(0.5) and not graph.dtype.is_float:
        graph.add_node(Dequantize(), (x,), None, DType.FLOAT32)
        return
    dtype = (DType.INT8, DType.UINT8, DType.INT16)[graph.number(0, 2)]
    if dtype is not graph.dtype:
        quant = Quant.per_tensor(0.05, 0) if dtype is DType.INT16 else _any_quant(graph)
        graph.add_node(Quantize(), (x,), quant, dtype)


def _any_quant(graph: RandomGraph) -> Quant:
    """Of a type that takes any zero point of 0..127."""
    return Quant.per_tensor(
        float(np.float32(2.0 ** graph.rng.uniform(-5, -1))), graph.number(0, 127)
    )


_STEPS = (
    _enter,
    _leave,
    _conv,
    _conv,
    _depthwise,
    _transpose_conv,
    _dense,
    _pool,
    _mean,
    _binary,
    _binary,
    _unary,
    _unary,
    _reshape,
    _reshape,
    _move,
    _cut,
    _join,
)


def random_graph(seed: int, dtype: DType = DType.INT8, size: Size = SMALL) -> Graph:
    """A graph of up to nine nodes whose activations have this type; one seed, one graph."""
    rng = np.random.default_rng(seed)
    graph = RandomGraph(rng, dtype, size)
    for _ in range(graph.number(1, 2)):
        graph.add_input()
    for _ in range(graph.number(0, 2) if graph.chance(0.4) else 0):
        graph.add_state()
    wanted = graph.number(1, 9)
    for _ in range(60):
        if len(graph.nodes) >= wanted:
            break
        _STEPS[graph.number(0, len(_STEPS) - 1)](graph)
    return graph.finish(f"random {seed}")
