# SPDX-License-Identifier: MIT
"""The numbers of the TFLite schema that the importer reads: fields, enumerations, unions.

Source: tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3 (TensorFlow 2.18). One class a
table; a test compares every number with the published `tflite` package.
"""

from __future__ import annotations

from milliwatt.frontend.tflite.flat import Ref, Scalar
from milliwatt.frontend.tflite.operator_names import OPERATOR_NAMES
from milliwatt.ir.types import DType

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3

CUSTOM_OPERATOR = OPERATOR_NAMES.index("CUSTOM")

TENSOR_TYPE_NAMES = (
    "FLOAT32",
    "FLOAT16",
    "INT32",
    "UINT8",
    "INT64",
    "STRING",
    "BOOL",
    "INT16",
    "COMPLEX64",
    "INT8",
    "FLOAT64",
    "COMPLEX128",
    "UINT64",
    "RESOURCE",
    "VARIANT",
    "UINT32",
    "UINT16",
    "INT4",
    "BFLOAT16",
)
"""TensorType: the name of each code."""

DTYPES = {TENSOR_TYPE_NAMES.index(d.name): d for d in DType if d.name in TENSOR_TYPE_NAMES}
"""The element types that a file and a graph can hold."""

ACTIVATION_NAMES = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
"""ActivationFunctionType: the name of each code."""

PADDING_SAME, PADDING_VALID = 0, 1


class Model:
    """Fields of Model."""

    version = Scalar(0, "uint32")
    operator_codes = Ref(1)
    subgraphs = Ref(2)
    buffers = Ref(4)


class OperatorCode:
    """Fields of OperatorCode."""

    # Files written before code 127 existed hold the code in the 8-bit field alone.
    deprecated_builtin_code = Scalar(0, "int8")
    custom_code = Ref(1)
    builtin_code = Scalar(3, "int32")


class SubGraph:
    """Fields of SubGraph."""

    tensors = Ref(0)
    inputs = Ref(1)
    outputs = Ref(2)
    operators = Ref(3)


class Tensor:
    """Fields of Tensor."""

    shape = Ref(0)
    type = Scalar(1, "int8")
    buffer = Scalar(2, "uint32")
    name = Ref(3)
    quantization = Ref(4)
    is_variable = Scalar(5, "bool")
    sparsity = Ref(6)


class QuantizationParameters:
    """Fields of QuantizationParameters."""

    scale = Ref(2)
    zero_point = Ref(3)
    details_type = Scalar(4, "uint8")
    quantized_dimension = Scalar(6, "int32")


class Operator:
    """Fields of Operator."""

    opcode_index = Scalar(0, "uint32")
    inputs = Ref(1)
    outputs = Ref(2)
    builtin_options_type = Scalar(3, "uint8")
    builtin_options = Ref(4)


class Buffer:
    """Fields of Buffer."""

    data = Ref(0)
    offset = Scalar(1, "uint64")


class Conv2DOptions:
    """Fields of Conv2DOptions."""

    union = 1
    padding = Scalar(0, "int8")
    stride_w = Scalar(1, "int32")
    stride_h = Scalar(2, "int32")
    fused_activation_function = Scalar(3, "int8")
    dilation_w_factor = Scalar(4, "int32", 1)
    dilation_h_factor = Scalar(5, "int32", 1)


class DepthwiseConv2DOptions:
    """Fields of DepthwiseConv2DOptions."""

    union = 2
    padding = Scalar(0, "int8")
    stride_w = Scalar(1, "int32")
    stride_h = Scalar(2, "int32")
    depth_multiplier = Scalar(3, "int32")
    fused_activation_function = Scalar(4, "int8")
    dilation_w_factor = Scalar(5, "int32", 1)
    dilation_h_factor = Scalar(6, "int32", 1)


class TransposeConvOptions:
    """Fields of TransposeConvOptions."""

    union = 49
    padding = Scalar(0, "int8")
    stride_w = Scalar(1, "int32")
    stride_h = Scalar(2, "int32")
    fused_activation_function = Scalar(3, "int8")


class FullyConnectedOptions:
    """Fields of FullyConnectedOptions."""

    union = 8
    fused_activation_function = Scalar(0, "int8")
    weights_format = Scalar(1, "int8")
    keep_num_dims = Scalar(2, "bool")


class Pool2DOptions:
    """Fields of Pool2DOptions."""

    union = 5
    padding = Scalar(0, "int8")
    stride_w = Scalar(1, "int32")
    stride_h = Scalar(2, "int32")
    filter_width = Scalar(3, "int32")
    filter_height = Scalar(4, "int32")
    fused_activation_function = Scalar(5, "int8")


class AddOptions:
    """Fields of AddOptions."""

    union = 11
    fused_activation_function = Scalar(0, "int8")


class SubOptions:
    """Fields of SubOptions."""

    union = 28
    fused_activation_function = Scalar(0, "int8")


class MulOptions:
    """Fields of MulOptions."""

    union = 21
    fused_activation_function = Scalar(0, "int8")


class SoftmaxOptions:
    """Fields of SoftmaxOptions."""

    union = 9
    beta = Scalar(0, "float32")


class LeakyReluOptions:
    """Fields of LeakyReluOptions."""

    union = 75
    alpha = Scalar(0, "float32")


class ConcatenationOptions:
    """Fields of ConcatenationOptions."""

    union = 10
    axis = Scalar(0, "int32")
    fused_activation_function = Scalar(1, "int8")


class ReshapeOptions:
    """Fields of ReshapeOptions."""

    union = 17
    new_shape = Ref(0)


class SqueezeOptions:
    """Fields of SqueezeOptions."""

    union = 30
    squeeze_dims = Ref(0)


class SplitOptions:
    """Fields of SplitOptions."""

    union = 35
    num_splits = Scalar(0, "int32")


class PackOptions:
    """Fields of PackOptions."""

    union = 59
    values_count = Scalar(0, "int32")
    axis = Scalar(1, "int32")


class UnpackOptions:
    """Fields of UnpackOptions."""

    union = 64
    num = Scalar(0, "int32")
    axis = Scalar(1, "int32")


class ReducerOptions:
    """Fields of ReducerOptions."""

    union = 27
    keep_dims = Scalar(0, "bool")


class StridedSliceOptions:
    """Fields of StridedSliceOptions."""

    union = 32
    begin_mask = Scalar(0, "int32")
    end_mask = Scalar(1, "int32")
    ellipsis_mask = Scalar(2, "int32")
    new_axis_mask = Scalar(3, "int32")
    shrink_axis_mask = Scalar(4, "int32")
    offset = Scalar(5, "bool")


class ResizeBilinearOptions:
    """Fields of ResizeBilinearOptions."""

    union = 15
    align_corners = Scalar(2, "bool")
    half_pixel_centers = Scalar(3, "bool")


class ResizeNearestNeighborOptions:
    """Fields of ResizeNearestNeighborOptions."""

    union = 74
    align_corners = Scalar(0, "bool")
    half_pixel_centers = Scalar(1, "bool")


class SVDFOptions:
    """Fields of SVDFOptions."""

    union = 6
    rank = Scalar(0, "int32")
    fused_activation_function = Scalar(1, "int8")


class UnidirectionalSequenceLSTMOptions:
    """Fields of UnidirectionalSequenceLSTMOptions."""

    union = 71
    fused_activation_function = Scalar(0, "int8")
    cell_clip = Scalar(1, "float32")
    proj_clip = Scalar(2, "float32")
    time_major = Scalar(3, "bool")


class CallOnceOptions:
    """Fields of CallOnceOptions."""

    union = 103
    init_subgraph_index = Scalar(0, "int32")


class VarHandleOptions:
    """Fields of VarHandleOptions."""

    union = 111
    container = Ref(0)
    shared_name = Ref(1)
