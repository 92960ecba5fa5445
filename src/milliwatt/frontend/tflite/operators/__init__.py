# SPDX-License-Identifier: MIT
"""The converters: one function for each builtin operator of TFLite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.call import Call
from milliwatt.frontend.tflite.operators import conv, elementwise, recurrent, shape

_NONE = 0
"""BuiltinOptions: an operator whose options table says nothing that matters."""


@dataclass(frozen=True, slots=True)
class Converter:
    """What turns one builtin into our operators, and the options table it reads."""

    convert: Callable[[Call], None]
    options: int = _NONE


CONVERTERS = {
    "ADD": Converter(elementwise.add, schema.AddOptions.union),
    "ASSIGN_VARIABLE": Converter(recurrent.assign_variable),
    "AVERAGE_POOL_2D": Converter(conv.average_pool_2d, schema.Pool2DOptions.union),
    "CONCATENATION": Converter(shape.concatenation, schema.ConcatenationOptions.union),
    "CONV_2D": Converter(conv.conv_2d, schema.Conv2DOptions.union),
    "DEPTHWISE_CONV_2D": Converter(conv.depthwise_conv_2d, schema.DepthwiseConv2DOptions.union),
    "DEQUANTIZE": Converter(elementwise.dequantize),
    "EXPAND_DIMS": Converter(shape.expand_dims),
    "FILL": Converter(shape.fill),
    "FULLY_CONNECTED": Converter(conv.fully_connected, schema.FullyConnectedOptions.union),
    "LEAKY_RELU": Converter(elementwise.leaky_relu, schema.LeakyReluOptions.union),
    "LOGISTIC": Converter(elementwise.logistic),
    "LOG_SOFTMAX": Converter(elementwise.log_softmax),
    "MAX_POOL_2D": Converter(conv.max_pool_2d, schema.Pool2DOptions.union),
    "MEAN": Converter(elementwise.mean, schema.ReducerOptions.union),
    "MUL": Converter(elementwise.mul, schema.MulOptions.union),
    "PACK": Converter(shape.pack, schema.PackOptions.union),
    "PAD": Converter(shape.pad),
    "PADV2": Converter(shape.padv2),
    "QUANTIZE": Converter(elementwise.quantize),
    "READ_VARIABLE": Converter(recurrent.read_variable),
    "RELU": Converter(elementwise.relu),
    "RELU6": Converter(elementwise.relu6),
    "RELU_N1_TO_1": Converter(elementwise.relu_n1_to_1),
    "RESHAPE": Converter(shape.reshape, schema.ReshapeOptions.union),
    "RESIZE_BILINEAR": Converter(elementwise.resize_bilinear, schema.ResizeBilinearOptions.union),
    "RESIZE_NEAREST_NEIGHBOR": Converter(
        elementwise.resize_nearest_neighbor, schema.ResizeNearestNeighborOptions.union
    ),
    "SHAPE": Converter(shape.shape),
    "SLICE": Converter(shape.slice_),
    "SOFTMAX": Converter(elementwise.softmax, schema.SoftmaxOptions.union),
    "SPLIT": Converter(shape.split, schema.SplitOptions.union),
    "SQUEEZE": Converter(shape.squeeze),
    "STRIDED_SLICE": Converter(shape.strided_slice, schema.StridedSliceOptions.union),
    "SUB": Converter(elementwise.sub, schema.SubOptions.union),
    "SVDF": Converter(recurrent.svdf, schema.SVDFOptions.union),
    "TANH": Converter(elementwise.tanh),
    "TRANSPOSE": Converter(shape.transpose),
    "TRANSPOSE_CONV": Converter(conv.transpose_conv, schema.TransposeConvOptions.union),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Converter(
        recurrent.unidirectional_sequence_lstm, schema.UnidirectionalSequenceLSTMOptions.union
    ),
    "UNPACK": Converter(shape.unpack, schema.UnpackOptions.union),
    "VAR_HANDLE": Converter(recurrent.var_handle, schema.VarHandleOptions.union),
}
"""Every supported builtin but CALL_ONCE, which the importer runs itself."""
