# SPDX-License-Identifier: MIT
"""One layer as the mapper sees it: how many kernels, how long, over how many pixels."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.errors import ModelError


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
    stored_weight_bits: int | None = None
    """Kernel bits that are loaded, where a source counts others than the layer has."""

    def __post_init__(self) -> None:
        numbers = (*self.kernel_hw, *self.out_hw, *self.stride_hw, self.in_channels, self.kernels)
        if min(*numbers, self.groups, self.weight_bits, self.activation_bits) < 1:
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
        """Multiply-accumulates."""
        return self.pixels * self.kernels * self.kernel_elements

    @property
    def load_bits(self) -> int:
        """Kernel bits loaded for one inference, each once."""
        return self.stored_weight_bits or self.kernels * self.kernel_bits

    @property
    def in_hw(self) -> tuple[int, int]:
        """Input rows and columns, padding that keeps the size left out."""
        return self.out_hw[0] * self.stride_hw[0], self.out_hw[1] * self.stride_hw[1]

    @property
    def input_bits(self) -> int:
        """Bits of the input feature map."""
        return self.in_channels * self.in_hw[0] * self.in_hw[1] * self.activation_bits
