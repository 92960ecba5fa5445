# SPDX-License-Identifier: MIT
"""Small networks as files: what the tests of the importer start from."""

from __future__ import annotations

import numpy as np

from milliwatt.frontend.tflite import schema
from tests.frontend.tflite_file import Graph, Op, T, write

CONV = schema.Conv2DOptions


def conv_tensors() -> list[T]:
    """Input, weights, bias, output of a 3x3 convolution, per channel; and a reshape's shape."""
    rng = np.random.default_rng(1)
    weights = rng.integers(-127, 128, (4, 3, 3, 2)).astype(np.int8)
    bias = rng.integers(-100, 100, 4).astype(np.int32)
    scales = [0.01, 0.02, 0.03, 0.04]
    bias_scales = [0.5 * s for s in scales]
    return [
        T([1, 6, 5, 2], scale=[0.5], zero_point=[3], name="image"),
        T([4, 3, 3, 2], data=weights, scale=scales, zero_point=[0] * 4, name="conv/weights"),
        T([4], "INT32", data=bias, scale=bias_scales, zero_point=[0] * 4, name="conv/bias"),
        T([1, 3, 3, 4], scale=[0.25], zero_point=[-5], name="net/conv;net/relu"),
        T([2], "INT32", data=np.array([1, -1], np.int32), name="shape"),
        T([1, 36], scale=[0.25], zero_point=[-5], name="flat:0"),
    ]


def conv_op(**changes: int) -> Op:
    """The convolution: stride 2, SAME, RELU; `changes` sets options by name."""
    options = {
        CONV.padding: schema.PADDING_SAME,
        CONV.stride_h: 2,
        CONV.stride_w: 2,
        CONV.fused_activation_function: schema.ACTIVATION_NAMES.index("RELU"),
    }
    options |= {getattr(CONV, name): value for name, value in changes.items()}
    return Op("CONV_2D", [0, 1, 2], [3], options, CONV)


def tiny_network() -> bytes:
    """A convolution and a reshape."""
    reshape = Op("RESHAPE", [3, 4], [5], {}, schema.ReshapeOptions)
    return write(Graph(conv_tensors(), [conv_op(), reshape], [0], [5]))


QUANT = {"scale": [0.5], "zero_point": [3]}


def streaming_network(*, initial: bool = True) -> bytes:
    """The last two inputs together: a ring buffer in a resource variable, set up by CALL_ONCE."""
    reading = {schema.VarHandleOptions.shared_name: "memory/states"}
    handle = Op("VAR_HANDLE", [], [1], reading, schema.VarHandleOptions)
    ints = [np.array(v, np.int32) for v in ([0, 1, 0], [0, 0, 0], [1, 1, 1])]
    slicing = {schema.StridedSliceOptions.begin_mask: 5, schema.StridedSliceOptions.end_mask: 7}
    joining = {schema.ConcatenationOptions.axis: 1}
    once = {schema.CallOnceOptions.init_subgraph_index: 1}
    main = Graph(
        [
            T([1, 1, 4], name="x", **QUANT),
            T([], "RESOURCE", name="handle"),
            T([1, 2, 4], name="memory", **QUANT),
            T([1, 3, 4], name="joined", **QUANT),
            *(T([3], "INT32", data=v) for v in ints),
            T([1, 2, 4], name="kept", **QUANT),
        ],
        [
            *([Op("CALL_ONCE", [], [], once, schema.CallOnceOptions)] if initial else []),
            handle,
            Op("READ_VARIABLE", [1], [2]),
            Op("CONCATENATION", [2, 0], [3], joining, schema.ConcatenationOptions),
            Op("STRIDED_SLICE", [3, 4, 5, 6], [7], slicing, schema.StridedSliceOptions),
            Op("ASSIGN_VARIABLE", [1, 7], []),
        ],
        [0],
        [3],
    )
    values = np.arange(8, dtype=np.int8)
    setup = Graph(
        [T([], "RESOURCE"), T([1, 2, 4], data=values, **QUANT)],
        [
            Op("VAR_HANDLE", [], [0], reading, schema.VarHandleOptions),
            Op("ASSIGN_VARIABLE", [0, 1], []),
        ],
        [],
        [],
    )
    return write(main, setup) if initial else write(main)


def uint8_network() -> bytes:
    """A fully connected layer and a padding in uint8, the weights with a zero point."""
    rng = np.random.default_rng(2)
    weights = rng.integers(0, 256, (3, 8)).astype(np.uint8)
    bias = rng.integers(-500, 500, 3).astype(np.int32)
    pads = np.array([0, 0, 1, 2], np.int32)
    return write(
        Graph(
            [
                T([1, 8], "UINT8", scale=[0.5], zero_point=[120], name="x"),
                T([3, 8], "UINT8", data=weights, scale=[0.01], zero_point=[131], name="w"),
                T([3], "INT32", data=bias, scale=[0.005], name="b"),
                T([1, 3], "UINT8", scale=[0.25], zero_point=[128], name="y"),
                T([2, 2], "INT32", data=pads, name="pads"),
                T([1, 6], "UINT8", scale=[0.25], zero_point=[128], name="padded"),
            ],
            [
                Op("FULLY_CONNECTED", [0, 1, 2], [3], {}, schema.FullyConnectedOptions),
                Op("PAD", [3, 4], [5]),
            ],
            [0],
            [5],
        )
    )


def lstm_tensors() -> list[T]:
    """x, 8 weights, 4 biases, hidden and cell state, output, of a float LSTM of 3 units."""
    rng = np.random.default_rng(3)

    def stored(name: str, *shape: int) -> T:
        values = rng.uniform(-1, 1, shape).astype(np.float32)
        return T(shape, "FLOAT32", data=values, name=name)

    return [
        T([1, 2, 5], "FLOAT32", name="x"),
        *(stored(f"input_{gate}", 3, 5) for gate in "ifco"),
        *(stored(f"recurrent_{gate}", 3, 3) for gate in "ifco"),
        *(stored(f"bias_{gate}", 3) for gate in "ifco"),
        T([1, 3], "FLOAT32", name="hidden", variable=True),
        T([1, 3], "FLOAT32", name="cell", variable=True),
        T([1, 2, 3], "FLOAT32", name="y"),
    ]


LSTM_INPUTS = [0, *range(1, 9), -1, -1, -1, *range(9, 13), -1, -1, 13, 14, -1, -1, -1, -1]


def lstm_network(inputs: list[int] | None = None, **options: float) -> bytes:
    """A fused LSTM; `options` sets its options by name."""
    fields = schema.UnidirectionalSequenceLSTMOptions
    values = {fields.fused_activation_function: schema.ACTIVATION_NAMES.index("TANH")}
    values |= {getattr(fields, name): value for name, value in options.items()}
    kind = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    op = Op(kind, LSTM_INPUTS if inputs is None else inputs, [15], values, fields)
    return write(Graph(lstm_tensors(), [op], [0], [15]))
