# SPDX-License-Identifier: MIT
"""One convolution or fully connected layer through the tiles it is mapped to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from milliwatt.backend.dimc.cycles import Mapping
from milliwatt.backend.dimc.extract import kernel_matrix
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.patches import Patches, dense_patches, image_patches
from milliwatt.backend.dimc.placement import PlacedLayer
from milliwatt.backend.dimc.slices import Slice, choose_code, decode, slices_of, split
from milliwatt.backend.dimc.tiles import group_rows, link_elements, read_tile, tile_bits
from milliwatt.errors import AccumulatorError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array
from milliwatt.ops._linear import finish
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.scaling import convolution_factors

_EXACT_FLOAT32 = 1 << 24


def run_linear(machine: Machine, graph: Graph, node: Node, placed: PlacedLayer, x: Array) -> Array:
    """The node's output [samples, *shape] for x[samples, *shape]."""
    layer = placed.layer
    x_type, w_type, bias_type = graph.input_types(node)
    (y_type,) = graph.output_types(node)
    weights, bias = (graph.constants[v] for v in node.inputs[1:])
    matrix = kernel_matrix(node, weights)
    patches = _patches(node, x, x_type.zero_point, y_type.shape, layer)
    sums = tile_sums(machine, layer, placed.mapping, matrix, patches)
    sums -= x_type.zero_point * matrix.sum(axis=1, dtype=np.int64)
    assert isinstance(node.op, Conv2D | DepthwiseConv2D | FullyConnected)
    factors = convolution_factors(x_type, w_type, y_type, layer.kernels)
    y = finish(sums, bias, factors, y_type, bias_type, node.op.activation)
    return y.reshape(x.shape[0], *y_type.shape)


def _patches(
    node: Node, x: Array, zero_point: int, y_shape: tuple[int, ...], layer: Layer
) -> Patches:
    if isinstance(node.op, Conv2D | DepthwiseConv2D):
        image = x.reshape(-1, *x.shape[2:])
        op, output_hw = node.op, (y_shape[1], y_shape[2])
        return image_patches(op, image, zero_point, layer.kernel_hw, output_hw, layer.groups)
    return dense_patches(x.reshape(-1, layer.kernel_elements))


def tile_sums(
    machine: Machine, layer: Layer, mapping: Mapping, matrix: Array, patches: Patches
) -> Array:
    """Sums [outputs, kernels] of matrix[kernels, elements] with every patch, int64.

    Slices are shifted and added after the chains. An AccumulatorError where a partial sum does
    not fit the machine's accumulator.
    """
    parts = _weight_slices(machine, layer, matrix)
    links = _load_tiles(machine, layer, mapping, matrix, parts)
    sums = np.zeros((patches.outputs, layer.kernels), np.int64)
    for piece, shift in _activation_slices(machine, layer, patches):
        rows = _run_chains(machine, layer, mapping, links, piece)
        for index, part in enumerate(parts):
            sums += rows[:, index :: len(parts)].astype(np.int64) << (shift + part.shift)
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


def _weight_slices(machine: Machine, layer: Layer, matrix: Array) -> tuple[Slice, ...]:
    widths = machine.weight_slices(layer.weight_bits)
    code = choose_code(matrix, layer.weight_bits, f"weights of layer '{layer.name}'")
    return slices_of(widths, code)


def _load_tiles(
    machine: Machine, layer: Layer, mapping: Mapping, matrix: Array, parts: tuple[Slice, ...]
) -> tuple[Array, ...]:
    """What the tiles at each place of the chains hold, as values [kernel rows, elements].

    Every tile of every round and group is written as bits and read back.
    """
    codes = np.stack(list(split(matrix, parts)), axis=1).reshape(-1, matrix.shape[1])
    links: list[Array] = []
    for link in range(mapping.chains):
        elements = link_elements(machine, layer, link)
        held = codes[:, elements.start : elements.stop]
        read = np.empty_like(held)
        for rows in _chain_rows(machine, layer, mapping):
            tile = held[rows.start : rows.stop]
            image = tile_bits(machine, tile, parts[0].bits, mapping.pack)
            read[rows.start : rows.stop] = read_tile(image, tile.shape, parts[0].bits, mapping.pack)
        links.append(_decode_rows(read, parts))
    return tuple(links)


def _chain_rows(machine: Machine, layer: Layer, mapping: Mapping) -> Iterator[range]:
    """The kernel rows of every chain, round by round and group by group."""
    for turn in range(mapping.rounds):
        for group in range(mapping.parallel):
            yield group_rows(machine, layer, mapping, turn, group)


def _decode_rows(codes: Array, parts: tuple[Slice, ...]) -> Array:
    values = np.empty_like(codes)
    for index, part in enumerate(parts):
        values[index :: len(parts)] = decode(codes[index :: len(parts)], part)
    return values


def _run_chains(
    machine: Machine, layer: Layer, mapping: Mapping, links: tuple[Array, ...], patches: Patches
) -> Array:
    """Sums [outputs, kernel rows] after the last tile of every chain, floats that are exact.

    Chains do not touch one another, so all of them are run at once, tile by tile along them.
    """
    bound = _bound(links, patches)
    kind = np.float32 if bound < _EXACT_FLOAT32 else np.float64
    windows = patches.unfold(layer, kind)
    total = np.zeros((patches.outputs, links[0].shape[0]), kind)
    for link, rows in enumerate(links):
        total += windows.products(rows.astype(kind), link_elements(machine, layer, link))
        if bound >= 1 << (machine.accumulator_bits - 1):
            _check_width(machine, layer, mapping, link, total)
    return total


def _bound(links: tuple[Array, ...], patches: Patches) -> int:
    """No partial sum of any chain is larger than this, whatever the order."""
    weights = sum(np.abs(rows).sum(axis=1, dtype=np.int64) for rows in links)
    return int(np.max(weights)) * int(np.abs(patches.values).max(initial=0))


def _check_width(machine: Machine, layer: Layer, mapping: Mapping, link: int, total: Array) -> None:
    limit = 1 << (machine.accumulator_bits - 1)
    least, most = float(total.min()), float(total.max())
    if -limit <= least and most < limit:
        return
    output, row = np.unravel_index(int(np.argmax(np.abs(total))), total.shape)
    kernel = int(row) // len(machine.weight_slices(layer.weight_bits))
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
