# SPDX-License-Identifier: MIT
"""One product with constant weights through the tiles it is mapped to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from milliwatt.backend.dimc.cycles import Mapping
from milliwatt.backend.dimc.extract import Product
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.patches import (
    Patches,
    dense_patches,
    image_patches,
    transposed_patches,
)
from milliwatt.backend.dimc.placed import PlacedLayer
from milliwatt.backend.dimc.rows import KernelRows, kept_rows, kernel_codes
from milliwatt.backend.dimc.slices import choose_code, decode, slices_of, split
from milliwatt.backend.dimc.tiles import group_rows, link_elements, read_tile, tile_bits
from milliwatt.errors import AccumulatorError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops._linear import IntegerProduct, finish
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.scaling import convolution_factors

_EXACT_FLOAT32 = 1 << 24


def run_linear(
    machine: Machine, graph: Graph, product: Product, placed: PlacedLayer, x: Array
) -> Array:
    """The node's output [samples, *shape] for x[samples, *shape]."""
    node, layer = product.node, placed.layer
    x_type, w_type, bias_type = graph.input_types(node)
    (y_type,) = graph.output_types(node)
    patches = _patches(node, x, x_type.zero_point, y_type.shape, layer)
    sums = _centred_sums(machine, placed, product.matrix, patches, x_type)
    assert isinstance(node.op, Conv2D | DepthwiseConv2D | TransposeConv2D | FullyConnected)
    factors = convolution_factors(x_type, w_type, y_type, layer.kernels)
    bias = graph.constants[node.inputs[2]]
    y = finish(sums, bias, factors, y_type, bias_type, node.op.activation)
    return y.reshape(x.shape[0], *y_type.shape)


def tile_product(machine: Machine, placed: PlacedLayer, x_type: TensorType) -> IntegerProduct:
    """How the tiles of a layer multiply: what takes x less its zero point, and the weights."""

    def multiply(centred: Array, weights: Array) -> Array:
        patches = dense_patches((centred + x_type.zero_point).reshape(-1, weights.shape[1]))
        sums = _centred_sums(machine, placed, weights, patches, x_type)
        return sums.reshape(*centred.shape[:-1], -1)

    return multiply


def _centred_sums(
    machine: Machine, placed: PlacedLayer, matrix: Array, patches: Patches, x_type: TensorType
) -> Array:
    """Sums without the input's zero point, which the machine takes off in the bias."""
    sums = tile_sums(machine, placed.layer, placed.mapping, matrix, patches)
    return sums - x_type.zero_point * matrix.sum(axis=1, dtype=np.int64)


def _patches(
    node: Node, x: Array, zero_point: int, y_shape: tuple[int, ...], layer: Layer
) -> Patches:
    match node.op:
        case Conv2D() | DepthwiseConv2D() as op:
            image, output_hw = x.reshape(-1, *x.shape[2:]), (y_shape[1], y_shape[2])
            return image_patches(op, image, zero_point, layer.kernel_hw, output_hw, layer.groups)
        case TransposeConv2D() as op:
            return transposed_patches(op, x.reshape(-1, *x.shape[2:]), zero_point, layer.kernel_hw)
        case _:
            return dense_patches(x.reshape(-1, layer.kernel_elements))


def tile_sums(
    machine: Machine, layer: Layer, mapping: Mapping, matrix: Array, patches: Patches
) -> Array:
    """Sums [outputs, kernels] of matrix[kernels, elements] with every patch, int64.

    Slices are shifted and added after the chains. An AccumulatorError where a partial sum does
    not fit the machine's accumulator.
    """
    kernels = kernel_codes(machine, layer, matrix)
    kept = kept_rows(machine, layer, kernels)
    links = _load_tiles(machine, layer, mapping, kernels, kept)
    parts = kernels.parts
    sums = np.zeros((patches.outputs, layer.kernels), np.int64)
    for piece, shift in _activation_slices(machine, layer, patches):
        rows = np.zeros((patches.outputs, len(kernels.codes)), np.int64)
        rows[:, kept] = _run_chains(machine, layer, mapping, links, kept, piece)
        for index, part in enumerate(parts):
            sums += rows[:, index :: len(parts)] << (shift + part.shift)
    return sums


def _activation_slices(
    machine: Machine, layer: Layer, patches: Patches
) -> Iterator[tuple[Patches, int]]:
    """The patches of each activation slice, with the slice's shift."""
    widths = machine.activation_slices(layer.activation_bits)
    what = f"activations of layer '{layer.name}'"
    parts = slices_of(widths, choose_code(patches.values, layer.activation_bits, what))
    for code, part in zip(split(patches.values, parts), parts, strict=True):
        yield patches.with_values(decode(code, part)), part.shift


def _load_tiles(
    machine: Machine, layer: Layer, mapping: Mapping, kernels: KernelRows, kept: Array
) -> tuple[Array, ...]:
    """What the tiles at each place of the chains hold, as values [kept rows, elements].

    Every tile of every round and group is written as bits and read back.
    """
    codes, bits = kernels.codes[kept], kernels.parts[0].bits
    links: list[Array] = []
    for link in range(mapping.chains):
        elements = link_elements(machine, layer, link)
        held = codes[:, elements.start : elements.stop]
        read = np.empty_like(held)
        for rows in _chain_rows(machine, layer, mapping):
            tile = held[rows.start : rows.stop]
            image = tile_bits(machine, tile, bits, mapping.pack)
            read[rows.start : rows.stop] = read_tile(image, tile.shape, bits, mapping.pack)
        links.append(kernels.decoded(read, kept))
    return tuple(links)


def _chain_rows(machine: Machine, layer: Layer, mapping: Mapping) -> Iterator[range]:
    """The kernel rows of every chain, round by round and group by group."""
    for turn in range(mapping.rounds):
        for group in range(mapping.parallel):
            yield group_rows(machine, layer, mapping, turn, group)


def _run_chains(
    machine: Machine,
    layer: Layer,
    mapping: Mapping,
    links: tuple[Array, ...],
    kept: Array,
    patches: Patches,
) -> Array:
    """Sums [outputs, kept rows] after the last tile of every chain, floats that are exact.

    Chains do not touch one another, so all of them are run at once, tile by tile along them.
    """
    bound = _bound(links, patches)
    kind = np.float32 if bound < _EXACT_FLOAT32 else np.float64
    windows = patches.unfold(layer, kind)
    total = np.zeros((patches.outputs, links[0].shape[0]), kind)
    for link, rows in enumerate(links):
        total += windows.products(rows.astype(kind), link_elements(machine, layer, link))
        if bound >= 1 << (machine.accumulator_bits - 1):
            _check_width(machine, layer, mapping, link, kept, total)
    return total


def _bound(links: tuple[Array, ...], patches: Patches) -> int:
    """No partial sum of any chain is larger than this, whatever the order."""
    weights = sum(np.abs(rows).sum(axis=1, dtype=np.int64) for rows in links)
    return int(np.max(weights)) * int(np.abs(patches.values).max(initial=0))


def _check_width(
    machine: Machine, layer: Layer, mapping: Mapping, link: int, kept: Array, total: Array
) -> None:
    limit = 1 << (machine.accumulator_bits - 1)
    least, most = float(total.min()), float(total.max())
    if -limit <= least and most < limit:
        return
    output, row = np.unravel_index(int(np.argmax(np.abs(total))), total.shape)
    kernel = int(kept[row]) // len(machine.weight_slices(layer.weight_bits))
    chains = enumerate(_chain_rows(machine, layer, mapping))
    turn, group = divmod(next(i for i, rows in chains if row in rows), mapping.parallel)
    needed = max(int(most), -int(least) - 1).bit_length() + 1
    raise AccumulatorError(
        f"layer '{layer.name}': the partial sum of kernel {kernel} after tile {link + 1} of "
        f"{mapping.chains} of its chain (round {turn}, parallel group {group}, output "
        f"{int(output)}) needs {needed} bits; {machine.name} has {machine.accumulator_bits}",
        layer=layer.name,
        link=link,
        need_bits=needed,
        have_bits=machine.accumulator_bits,
    )
