# SPDX-License-Identifier: MIT
"""The converters: one function for each supported ONNX operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.operators import (
    activation,
    arith,
    conv,
    dense,
    pool,
    quantize,
    resize,
    shape,
)

CONVERTERS: Mapping[str, Callable[[Call], None]] = {
    "Add": arith.add,
    "AveragePool": pool.average_pool,
    "BatchNormalization": arith.batch_normalization,
    "Cast": shape.cast,
    "Clip": activation.clip,
    "Concat": shape.concat,
    "Conv": conv.conv,
    "ConvTranspose": conv.conv_transpose,
    "DequantizeLinear": quantize.dequantize_linear,
    "Div": arith.div,
    "Dropout": shape.identity,
    "Flatten": shape.flatten,
    "Gather": shape.gather,
    "Gemm": dense.gemm,
    "GlobalAveragePool": pool.global_average_pool,
    "GlobalMaxPool": pool.global_max_pool,
    "HardSigmoid": activation.hard_sigmoid,
    "HardSwish": activation.hard_swish,
    "Identity": shape.identity,
    "LeakyRelu": activation.leaky_relu,
    "LogSoftmax": activation.log_softmax,
    "MatMul": dense.matmul,
    "MaxPool": pool.max_pool,
    "Mul": arith.mul,
    "Pad": shape.pad,
    "QuantizeLinear": quantize.quantize_linear,
    "ReduceMean": pool.reduce_mean,
    "Relu": activation.relu,
    "Reshape": shape.reshape,
    "Resize": resize.resize,
    "Sigmoid": activation.sigmoid,
    "Slice": shape.slice_,
    "Softmax": activation.softmax,
    "Split": shape.split,
    "Squeeze": shape.squeeze,
    "Sub": arith.sub,
    "Tanh": activation.tanh,
    "Transpose": shape.transpose,
    "Unsqueeze": shape.unsqueeze,
    "Upsample": resize.upsample,
}
"""By operator name; folding.py has more, for constants alone."""
