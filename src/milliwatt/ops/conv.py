# SPDX-License-Identifier: MIT
"""Convolutions over NHWC images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, Shape, TensorType
from milliwatt.ops._convolve import convolve, convolve_depthwise, convolve_transposed
from milliwatt.ops._linear import centred, check_linear, finish, finish_float
from milliwatt.ops._operands import expect_count, expect_rank
from milliwatt.ops.base import Activation, Op, Padding, Types
from milliwatt.ops.window import image_hw, window_output_hw
from milliwatt.quant.scaling import convolution_factors


@dataclass(frozen=True, slots=True)
class Conv2D(Op):
    """Convolution: x[N,H,W,Cin], weights[Cout,KH,KW,Cin/groups], bias[Cout] -> y[N,OH,OW,Cout].

    Groups = Cin / weights.shape[3]; output channels are split over the groups in order.
    """

    stride_hw: tuple[int, int]
    dilation_hw: tuple[int, int]
    padding: Padding
    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 3)
        x, weights, bias = inputs
        expect_rank(self, "input", x, 4)
        expect_rank(self, "weights", weights, 4)
        channels, depth = weights.shape[0], weights.shape[3]
        if x.shape[3] % depth or channels % (x.shape[3] // depth):
            raise ModelError(f"{self.kind}: input {x} and weights {weights} do not go together")
        if bias.shape != (channels,):
            raise ModelError(f"{self.kind}: bias {bias} must have {channels} elements")
        rows, columns = window_output_hw(
            self,
            image_hw(x.shape),
            image_hw(weights.shape),
            self.stride_hw,
            self.padding,
            self.dilation_hw,
        )
        return ((x.shape[0], rows, columns, channels),)

    def check(self, inputs: Types, outputs: Types) -> None:
        check_linear(self, inputs, outputs, channel_axis=0)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        x, weights = centred(values[0], inputs[0]), centred(values[1], inputs[1])
        (y,) = outputs
        sums = convolve(
            x, weights, self.stride_hw, self.dilation_hw, self.padding, image_hw(y.shape)
        )
        return (_output(sums, values[2], inputs, y, self.activation),)

    def macs(self, inputs: Types, outputs: Types) -> int:
        return outputs[0].elements * prod(inputs[1].shape[1:])


@dataclass(frozen=True, slots=True)
class DepthwiseConv2D(Op):
    """Depthwise convolution: x[N,H,W,C], weights[1,KH,KW,C*M], bias[C*M] -> y[N,OH,OW,C*M].

    Output channel c*M + m reads input channel c.
    """

    stride_hw: tuple[int, int]
    dilation_hw: tuple[int, int]
    padding: Padding
    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 3)
        x, weights, bias = inputs
        expect_rank(self, "input", x, 4)
        expect_rank(self, "weights", weights, 4)
        channels = weights.shape[3]
        if weights.shape[0] != 1 or channels % x.shape[3]:
            raise ModelError(f"{self.kind}: input {x} and weights {weights} do not go together")
        if bias.shape != (channels,):
            raise ModelError(f"{self.kind}: bias {bias} must have {channels} elements")
        rows, columns = window_output_hw(
            self,
            image_hw(x.shape),
            image_hw(weights.shape),
            self.stride_hw,
            self.padding,
            self.dilation_hw,
        )
        return ((x.shape[0], rows, columns, channels),)

    def check(self, inputs: Types, outputs: Types) -> None:
        check_linear(self, inputs, outputs, channel_axis=3)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        x, weights = centred(values[0], inputs[0]), centred(values[1], inputs[1])
        (y,) = outputs
        sums = convolve_depthwise(
            x, weights, self.stride_hw, self.dilation_hw, self.padding, image_hw(y.shape)
        )
        return (_output(sums, values[2], inputs, y, self.activation),)

    def macs(self, inputs: Types, outputs: Types) -> int:
        return outputs[0].elements * prod(inputs[1].shape[1:3])


@dataclass(frozen=True, slots=True)
class TransposeConv2D(Op):
    """Transposed convolution: x[N,H,W,Cin], weights[Cout,KH,KW,Cin], bias[Cout].

    Input pixel (i, j) adds its products to output rows i*stride - padding.top + 0..KH-1 (columns
    alike), where they lie inside `output_hw`; padding.bottom and padding.right say nothing new.
    """

    stride_hw: tuple[int, int]
    padding: Padding
    output_hw: tuple[int, int]
    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 3)
        x, weights, bias = inputs
        expect_rank(self, "input", x, 4)
        expect_rank(self, "weights", weights, 4)
        channels = weights.shape[0]
        if weights.shape[3] != x.shape[3]:
            raise ModelError(f"{self.kind}: input {x} and weights {weights} do not go together")
        if bias.shape != (channels,):
            raise ModelError(f"{self.kind}: bias {bias} must have {channels} elements")
        if (
            min(*self.stride_hw, *self.output_hw) < 1
            or min(self.padding.top, self.padding.left) < 0
        ):
            raise ModelError(
                f"{self.kind}: stride {self.stride_hw} and output {self.output_hw} must be "
                "positive and padding not negative"
            )
        return ((x.shape[0], *self.output_hw, channels),)

    def check(self, inputs: Types, outputs: Types) -> None:
        check_linear(self, inputs, outputs, channel_axis=0)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        x, weights = centred(values[0], inputs[0]), centred(values[1], inputs[1])
        (y,) = outputs
        sums = convolve_transposed(x, weights, self.stride_hw, self.padding, image_hw(y.shape))
        return (_output(sums, values[2], inputs, y, self.activation),)

    def macs(self, inputs: Types, outputs: Types) -> int:
        return inputs[0].elements * prod(inputs[1].shape[:3])


def _output(
    sums: Array, bias: Array, inputs: Types, y: TensorType, activation: Activation
) -> Array:
    x, weights, bias_type = inputs
    if x.dtype.is_float:
        return finish_float(sums, bias, activation)
    factors = convolution_factors(x, weights, y, y.shape[3])
    return finish(sums, bias, factors, y, bias_type, activation)
