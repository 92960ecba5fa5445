# SPDX-License-Identifier: MIT
"""Networks whose dense layers and convolutions meet a crossbar's errors while they are trained."""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from milliwatt.backend.aimc.converters import dac_step
from milliwatt.backend.aimc.crossbar import ALL_ERRORS, Error
from milliwatt.backend.aimc.layers import Layer
from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.placement import Weights
from milliwatt.backend.aimc.tiling import Tile, cut
from milliwatt.errors import OptionError
from milliwatt.train.crossbar import (
    Normals,
    effective_digits,
    multiply,
    rounded,
    seeded_normals,
    stored,
    through_dac,
)
from milliwatt.units import ceil_div

WEIGHT_BITS = ACTIVATION_BITS = 8


@dataclass(frozen=True, slots=True)
class Chips:
    """The chips that a network is trained for: every forward pass of a layer meets another one."""

    machine: Machine
    time_s: float = 3600.0
    """Between programming and inference."""
    errors: frozenset[Error] = ALL_ERRORS
    weights: Weights = "sliced"
    """How 8-bit weights are held (see `backend.aimc.Options`)."""
    calibrated: bool = True
    """Whether converters have the range of the largest sum seen, or the machine's own."""


class OnCrossbars(nn.Module):
    """A dense layer or convolution as crossbars compute it; the parameters stay the layer's.

    In training mode every call draws new devices. In evaluation mode the layer computes with
    8-bit weights and inputs, without errors. Inputs' and sums' ranges are the largest seen in
    training mode.
    """

    input_range: Tensor
    sums_range: Tensor

    def __init__(self, layer: nn.Linear | nn.Conv2d, chips: Chips, normals: Normals) -> None:
        super().__init__()
        _check(layer)
        self.layer, self.chips, self.normals = layer, chips, normals
        self.tiles = _tiles(layer, chips)
        self.register_buffer("input_range", torch.zeros(2))
        self.register_buffer("sums_range", torch.ones(len(self.tiles)))

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output for a batch x."""
        layer = self.layer
        vectors = _vectors(layer, x)
        if self.training:
            self._widen(vectors)
        scale, low, high = _input_scale(self.input_range)
        codes = torch.clamp(rounded(vectors / scale), low, high)
        matrix = _matrix(layer)
        limit = 2 ** (WEIGHT_BITS - 1) - 1
        column = torch.clamp(matrix.detach().abs().amax(dim=0) / limit, min=1e-12)
        weights = torch.clamp(rounded(matrix / column), -limit, limit)
        sums = self._sums(codes, weights, low, high) if self.training else codes @ weights
        y = sums * (scale * column)
        return _shaped(layer, y if layer.bias is None else y + layer.bias, x)

    def _widen(self, vectors: Tensor) -> None:
        seen = vectors.detach()
        self.input_range[0] = torch.minimum(self.input_range[0], seen.min())
        self.input_range[1] = torch.maximum(self.input_range[1], seen.max())

    def _sums(self, codes: Tensor, weights: Tensor, low: float, high: float) -> Tensor:
        """Sums [vectors, columns] in weight · input codes, block of rows by block of rows."""
        chips, machine = self.chips, self.chips.machine
        if "dac" in chips.errors:
            step = dac_step(int(low), int(high), int(machine.crossbar.dac_bits.value))
            codes = through_dac(codes, step)
        slices = self.tiles[0].slices
        held, factors = stored(weights, chips.weights, WEIGHT_BITS, machine.cell_bits, slices)
        largest = max(abs(low), abs(high))
        total = torch.zeros((len(codes), weights.shape[1]), dtype=codes.dtype, device=codes.device)
        for index, tile in enumerate(self.tiles):
            rows = slice(tile.row, tile.row + tile.rows)
            columns = slice(tile.column, tile.column + tile.columns)
            read = self._read(codes[:, rows], held[rows, columns], index, largest)
            total[:, columns] = total[:, columns] + read @ _like(factors, read)
        return total

    def _read(self, codes: Tensor, held: Tensor, index: int, input_max: float) -> Tensor:
        """What one tile's converters give, [vectors, columns, slices]."""
        chips = self.chips
        digits = held.reshape(len(held), -1)
        full_scale = self._full_scale(codes, digits, index) if chips.calibrated else None
        made = effective_digits(digits, chips.machine, chips.errors, chips.time_s, 0, self.normals)
        read = multiply(
            codes, made, chips.machine, chips.errors, input_max, full_scale, self.normals
        )
        return read.reshape(len(codes), *held.shape[1:])

    def _full_scale(self, codes: Tensor, digits: Tensor, index: int) -> float:
        """The largest ideal sum of this block so far."""
        largest = (codes.detach() @ digits.detach()).abs().max()
        self.sums_range[index] = torch.maximum(self.sums_range[index], largest)
        return float(self.sums_range[index])


def on_crossbars(
    network: nn.Module, chips: Chips, *, seed: int = 0, names: Collection[str] | None = None
) -> nn.Module:
    """A copy of the network whose dense layers and convolutions compute on crossbars.

    Parameters and buffers are shared: training the copy trains the network. Grouped convolutions
    stay digital. `names` are the layers to put on crossbars, as `named_modules` calls them; None
    is all. OptionError for a name that is no such layer.
    """
    shared = {id(t): t for t in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared)
    found = {n: m for n, m in twin.named_modules() if _is_product(m)}
    unknown = set(names or ()) - set(found)
    if unknown:
        raise OptionError(
            f"no dense layer or ungrouped convolution is called {sorted(unknown)}; there are: "
            f"{', '.join(found) or 'none'}"
        )
    normals = seeded_normals(seed)
    for name, layer in found.items():
        if names is None or name in names:
            assert isinstance(layer, nn.Linear | nn.Conv2d)
            made = OnCrossbars(layer, chips, normals)
            if not name:
                return made
            parent, _, child = name.rpartition(".")
            setattr(twin.get_submodule(parent), child, made)
    return twin


def _is_product(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        return module.groups == 1 and not isinstance(module.padding, str)
    return isinstance(module, nn.Linear)


def _check(layer: nn.Linear | nn.Conv2d) -> None:
    if not _is_product(layer):
        raise OptionError(f"{layer} is no dense layer or ungrouped convolution with padding in px")


def _tiles(layer: nn.Linear | nn.Conv2d, chips: Chips) -> tuple[Tile, ...]:
    """The layer's matrix cut as a placement cuts it."""
    machine = chips.machine
    slices = ceil_div(WEIGHT_BITS, machine.cell_bits) if chips.weights == "sliced" else 1
    columns, rows = len(layer.weight), layer.weight[0].numel()
    matrix = Layer("", "dense", rows, columns, 1, 1, WEIGHT_BITS, rows * columns, rows, columns)
    return cut(matrix, slices, machine.rows, machine.columns)


def _like(values: list[float], x: Tensor) -> Tensor:
    return torch.tensor(values, dtype=x.dtype, device=x.device)


def _input_scale(seen: Tensor) -> tuple[float, float, float]:
    """Real value of a code, and the lowest and highest code less the zero point."""
    low, high = (float(value) for value in seen)
    levels = 2**ACTIVATION_BITS - 1
    scale = (high - low) / levels or 1.0
    lowest = round(low / scale)  # the zero point: real zero has a code
    return scale, lowest, lowest + levels


def _vectors(layer: nn.Linear | nn.Conv2d, x: Tensor) -> Tensor:
    """The input as vectors [products, rows], rows in the order KH, KW, Cin."""
    if isinstance(layer, nn.Linear):
        return x.reshape(-1, layer.in_features)
    padding = layer.padding
    assert not isinstance(padding, str)
    parts = nn.functional.unfold(x, layer.kernel_size, layer.dilation, padding, layer.stride)
    taps = layer.kernel_size[0] * layer.kernel_size[1]
    channels_last = parts.reshape(len(x), layer.in_channels, taps, -1).permute(0, 3, 2, 1)
    return channels_last.reshape(-1, taps * layer.in_channels)


def _matrix(layer: nn.Linear | nn.Conv2d) -> Tensor:
    """The weights [rows, columns], rows in the order of `_vectors`."""
    if isinstance(layer, nn.Linear):
        return layer.weight.T
    return layer.weight.permute(2, 3, 1, 0).reshape(-1, layer.out_channels)


def _shaped(layer: nn.Linear | nn.Conv2d, y: Tensor, x: Tensor) -> Tensor:
    """Results [products, columns] in the shape of the layer's output."""
    if isinstance(layer, nn.Linear):
        return y.reshape(*x.shape[:-1], layer.out_features)
    padding = layer.padding
    assert not isinstance(padding, str)
    height, width = (
        (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
        for size, pad, dilation, kernel, stride in zip(
            x.shape[2:], padding, layer.dilation, layer.kernel_size, layer.stride, strict=True
        )
    )
    return y.reshape(len(x), height, width, -1).permute(0, 3, 1, 2)
