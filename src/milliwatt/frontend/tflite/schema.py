# SPDX-License-Identifier: MIT
"""The numbers of the TFLite schema that the importer reads: fields, enumerations, unions.

Source: tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3 (TensorFlow 2.18). One class a
table; a test compares every number with the published `tflite` package.
"""

from __future__ import annotations

from milliwatt.frontend.tflite.flat import Ref, Scalar
from milliwatt.ir.types import DType

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3

OPERATOR_NAMES = tuple(
    [
        "ADD",
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DEPTH_TO_SPACE",
        "DEQUANTIZE",
        "EMBEDDING_LOOKUP",
        "FLOOR",
        "FULLY_CONNECTED",
        "HASHTABLE_LOOKUP",
        "L2_NORMALIZATION",
        "L2_POOL_2D",
        "LOCAL_RESPONSE_NORMALIZATION",
        "LOGISTIC",
        "LSH_PROJECTION",
        "LSTM",
        "MAX_POOL_2D",
        "MUL",
        "RELU",
        "RELU_N1_TO_1",
        "RELU6",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RNN",
        "SOFTMAX",
        "SPACE_TO_DEPTH",
        "SVDF",
        "TANH",
        "CONCAT_EMBEDDINGS",
        "SKIP_GRAM",
        "CALL",
        "CUSTOM",
        "EMBEDDING_LOOKUP_SPARSE",
        "PAD",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "GATHER",
        "BATCH_TO_SPACE_ND",
        "SPACE_TO_BATCH_ND",
        "TRANSPOSE",
        "MEAN",
        "SUB",
        "DIV",
        "SQUEEZE",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "STRIDED_SLICE",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "EXP",
        "TOPK_V2",
        "SPLIT",
        "LOG_SOFTMAX",
        "DELEGATE",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "CAST",
        "PRELU",
        "MAXIMUM",
        "ARG_MAX",
        "MINIMUM",
        "LESS",
        "NEG",
        "PADV2",
        "GREATER",
        "GREATER_EQUAL",
        "LESS_EQUAL",
        "SELECT",
        "SLICE",
        "SIN",
        "TRANSPOSE_CONV",
        "SPARSE_TO_DENSE",
        "TILE",
        "EXPAND_DIMS",
        "EQUAL",
        "NOT_EQUAL",
        "LOG",
        "SUM",
        "SQRT",
        "RSQRT",
        "SHAPE",
        "POW",
        "ARG_MIN",
        "FAKE_QUANT",
        "REDUCE_PROD",
        "REDUCE_MAX",
        "PACK",
        "LOGICAL_OR",
        "ONE_HOT",
        "LOGICAL_AND",
        "LOGICAL_NOT",
        "UNPACK",
        "REDUCE_MIN",
        "FLOOR_DIV",
        "REDUCE_ANY",
        "SQUARE",
        "ZEROS_LIKE",
        "FILL",
        "FLOOR_MOD",
        "RANGE",
        "RESIZE_NEAREST_NEIGHBOR",
        "LEAKY_RELU",
        "SQUARED_DIFFERENCE",
        "MIRROR_PAD",
        "ABS",
        "SPLIT_V",
        "UNIQUE",
        "CEIL",
        "REVERSE_V2",
        "ADD_N",
        "GATHER_ND",
        "COS",
        "WHERE",
        "RANK",
        "ELU",
        "REVERSE_SEQUENCE",
        "MATRIX_DIAG",
        "QUANTIZE",
        "MATRIX_SET_DIAG",
        "ROUND",
        "HARD_SWISH",
        "IF",
        "WHILE",
        "NON_MAX_SUPPRESSION_V4",
        "NON_MAX_SUPPRESSION_V5",
        "SCATTER_ND",
        "SELECT_V2",
        "DENSIFY",
        "SEGMENT_SUM",
        "BATCH_MATMUL",
        "PLACEHOLDER_FOR_GREATER_OP_CODES",
        "CUMSUM",
        "CALL_ONCE",
        "BROADCAST_TO",
        "RFFT2D",
        "CONV_3D",
        "IMAG",
        "REAL",
        "COMPLEX_ABS",
        "HASHTABLE",
        "HASHTABLE_FIND",
        "HASHTABLE_IMPORT",
        "HASHTABLE_SIZE",
        "REDUCE_ALL",
        "CONV_3D_TRANSPOSE",
        "VAR_HANDLE",
        "READ_VARIABLE",
        "ASSIGN_VARIABLE",
        "BROADCAST_ARGS",
        "RANDOM_STANDARD_NORMAL",
        "BUCKETIZE",
        "RANDOM_UNIFORM",
        "MULTINOMIAL",
        "GELU",
        "DYNAMIC_UPDATE_SLICE",
        "RELU_0_TO_1",
        "UNSORTED_SEGMENT_PROD",
        "UNSORTED_SEGMENT_MAX",
        "UNSORTED_SEGMENT_SUM",
        "ATAN2",
        "UNSORTED_SEGMENT_MIN",
        "SIGN",
        "BITCAST",
        "BITWISE_XOR",
        "RIGHT_SHIFT",
        "STABLEHLO_LOGISTIC",
        "STABLEHLO_ADD",
        "STABLEHLO_DIVIDE",
        "STABLEHLO_MULTIPLY",
        "STABLEHLO_MAXIMUM",
        "STABLEHLO_RESHAPE",
        "STABLEHLO_CLAMP",
        "STABLEHLO_CONCATENATE",
        "STABLEHLO_BROADCAST_IN_DIM",
        "STABLEHLO_CONVOLUTION",
        "STABLEHLO_SLICE",
        "STABLEHLO_CUSTOM_CALL",
        "STABLEHLO_REDUCE",
        "STABLEHLO_ABS",
        "STABLEHLO_AND",
        "STABLEHLO_COSINE",
        "STABLEHLO_EXPONENTIAL",
        "STABLEHLO_FLOOR",
        "STABLEHLO_LOG",
        "STABLEHLO_MINIMUM",
        "STABLEHLO_NEGATE",
        "STABLEHLO_OR",
        "STABLEHLO_POWER",
        "STABLEHLO_REMAINDER",
        "STABLEHLO_RSQRT",
        "STABLEHLO_SELECT",
        "STABLEHLO_SUBTRACT",
        "STABLEHLO_TANH",
        "STABLEHLO_SCATTER",
        "STABLEHLO_COMPARE",
        "STABLEHLO_CONVERT",
        "STABLEHLO_DYNAMIC_SLICE",
        "STABLEHLO_DYNAMIC_UPDATE_SLICE",
        "STABLEHLO_PAD",
        "STABLEHLO_IOTA",
        "STABLEHLO_DOT_GENERAL",
        "STABLEHLO_REDUCE_WINDOW",
        "STABLEHLO_SORT",
        "STABLEHLO_WHILE",
        "STABLEHLO_GATHER",
        "STABLEHLO_TRANSPOSE",
        "DILATE",
        "STABLEHLO_RNG_BIT_GENERATOR",
        "REDUCE_WINDOW",
        "STABLEHLO_COMPOSITE",
        "STABLEHLO_SHIFT_LEFT",
        "STABLEHLO_CBRT",
    ]
)
"""BuiltinOperator: the name of each code."""

CUSTOM_OPERATOR = OPERATOR_NAMES.index("CUSTOM")

TENSOR_TYPE_NAMES = tuple(
    [
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
    ]
)
"""TensorType: the name of each code."""

DTYPES = {TENSOR_TYPE_NAMES.index(d.name): d for d in DType}
"""The element types that a graph can hold."""

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
