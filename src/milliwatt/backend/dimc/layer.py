# SPDX-License-Identifier: MIT
"""One layer as the mapper sees it: how many kernels, how long, over how many pixels."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.errors import ModelError
from milliwatt.units import ceil_div


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or fully connected layer (1×1 output); precisions as the machine runs them.

    `in_channels` and `kernels` count all groups; depthwise has `groups` = `in_channels`.
    """

    name: str
    in_channels: int
    kernel_hw: tuple[int, int]
    kernels: int
    out_hw: tuple[int, int]
    weight_bits: int
    activation_bits: int
    groups: int = 1
    stride_hw: tuple[int, int] = (1, 1)
    inserted_hw: tuple[int, int] = (1, 1)
    """Rows and columns of the padded map for each of the input: zeros put in between, as a
    transposed convolution of that stride asks for."""
    repeats: int = 1
    """Times the layer runs, each waiting for the last: the steps of a recurrence."""
    zero_rows: int = 0
    """Kernel rows, a row for each slice of each kernel, that are all zero and are left out."""
    stored_weight_bits: int | None = None
    """Kernel bits that are loaded, where a source counts others than the layer has."""

    def __post_init__(self) -> None:
        numbers = (*self.kernel_hw, *self.out_hw, *self.stride_hw, *self.inserted_hw)
        counts = (self.in_channels, self.kernels, self.groups, self.repeats)
        if min(*numbers, *counts, self.weight_bits, self.activation_bits) < 1:
            raise ModelError(f"layer '{self.name}': every size must be positive")
        if self.in_channels % self.groups or self.kernels % self.groups:
            raise ModelError(
                f"layer '{self.name}': {self.groups} groups do not divide {self.in_channels} "
                f"channels and {self.kernels} kernels"
            )

    @property
    def kernel_elements(self) -> int:
        """Weights of one kernel."""
        return self.in_channels // self.groups * self.kernel_hw[0] * self.kernel_hw[1]

    @property
    def kernel_bits(self) -> int:
        """Bits of one kernel, all its slices."""
        return self.kernel_elements * self.weight_bits

    @property
    def pixels(self) -> int:
        """Output positions."""
        return self.out_hw[0] * self.out_hw[1]

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those with inserted zeros too."""
        return self.repeats * self.pixels * self.kernels * self.kernel_elements

    @property
    def load_bits(self) -> int:
        """Kernel bits loaded for one inference, each once."""
        return self.stored_weight_bits or self.kernels * self.kernel_bits

    @property
    def in_hw(self) -> tuple[int, int]:
        """Input rows and columns, padding that keeps the size left out."""
        rows, columns = (n * s for n, s in zip(self.out_hw, self.stride_hw, strict=True))
        return ceil_div(rows, self.inserted_hw[0]), ceil_div(columns, self.inserted_hw[1])

    @property
    def input_bits(self) -> int:
        """Bits of the input feature map, of one repeat."""
        return self.in_channels * self.in_hw[0] * self.in_hw[1] * self.activation_bits

    @property
    def output_bits(self) -> int:
        """Bits of the output feature map in the precision of the input, of one repeat."""
        return self.kernels * self.pixels * self.activation_bits
