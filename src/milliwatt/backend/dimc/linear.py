# SPDX-License-Identifier: MIT
"""One convolution or fully connected layer through the tiles it is mapped to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.dimc.cycles import Mapping
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


@dataclass(frozen=True, slots=True)
class _Chain:
    """Tiles that hold one group of kernel rows, and where they are, for messages."""

    round: int
    group: int
    rows: range
    links: tuple[Array, ...]
    """Values [kernel rows, elements] of each tile, read back from its bits, slices decoded."""


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


def kernel_matrix(node: Node, weights: Array) -> Array:
    """Weights [kernels, elements], elements in the order rows, columns, channels."""
    if isinstance(node.op, DepthwiseConv2D):
        return weights.reshape(-1, weights.shape[3]).T
    return weights.reshape(weights.shape[0], -1)


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
    fed = _activation_slices(machine, layer, patches)
    weights = _weight_slices(machine, layer, matrix)
    sums = np.zeros((patches.outputs, layer.kernels), np.int64)
    chains = list(_chains(machine, layer, mapping, matrix, weights))
    for piece, shift in fed:
        for chain in chains:
            partial = _run_chain(machine, layer, chain, piece)
            for index, row in enumerate(chain.rows):
                kernel, part = divmod(row, len(weights))
                total_shift = shift + weights[part].shift
                sums[:, kernel] += partial[:, index].astype(np.int64) << total_shift
    return sums


def _activation_slices(
    machine: Machine, layer: Layer, patches: Patches
) -> list[tuple[Patches, int]]:
    """The patches of each activation slice, with the slice's shift."""
    widths = machine.activation_slices(layer.activation_bits)
    what = f"activations of layer '{layer.name}'"
    parts = slices_of(widths, choose_code(patches.values, layer.activation_bits, what))
    codes = split(patches.values, parts)
    return [
        (patches.with_values(decode(code, part)), part.shift)
        for code, part in zip(codes, parts, strict=True)
    ]


def _weight_slices(machine: Machine, layer: Layer, matrix: Array) -> tuple[Slice, ...]:
    widths = machine.weight_slices(layer.weight_bits)
    code = choose_code(matrix, layer.weight_bits, f"weights of layer '{layer.name}'")
    return slices_of(widths, code)


def _chains(
    machine: Machine, layer: Layer, mapping: Mapping, matrix: Array, parts: tuple[Slice, ...]
) -> Iterator[_Chain]:
    """Every chain of every round, loaded: the rows' bits written, and read back as values."""
    codes = np.stack(list(split(matrix, parts)), axis=1).reshape(-1, matrix.shape[1])
    for turn in range(mapping.rounds):
        for group in range(mapping.parallel):
            rows = group_rows(machine, layer, mapping, turn, group)
            if not rows:
                continue
            held = codes[rows.start : rows.stop]
            links: list[Array] = []
            for link in range(mapping.chains):
                elements = link_elements(machine, layer, link)
                tile = held[:, elements.start : elements.stop]
                image = tile_bits(machine, tile, parts[0].bits, mapping.pack)
                read = read_tile(image, (len(rows), len(elements)), parts[0].bits, mapping.pack)
                links.append(_decode_rows(read, rows, parts))
            yield _Chain(turn, group, rows, tuple(links))


def _decode_rows(codes: Array, rows: range, parts: tuple[Slice, ...]) -> Array:
    values = np.empty_like(codes)
    for index, part in enumerate(parts):
        mine = np.arange(rows.start, rows.stop) % len(parts) == index
        values[mine] = decode(codes[mine], part)
    return values


def _run_chain(machine: Machine, layer: Layer, chain: _Chain, patches: Patches) -> Array:
    """Partial sums [outputs, kernel rows] after the chain's last tile, floats that are exact."""
    kernels_of_row = np.arange(chain.rows.start, chain.rows.stop)
    kernels = kernels_of_row // (kernel_count(machine, layer))
    bound = _bound(chain, patches)
    kind = np.float32 if bound < _EXACT_FLOAT32 else np.float64
    total = np.zeros((patches.outputs, len(chain.rows)), kind)
    for link, rows in enumerate(chain.links):
        elements = link_elements(machine, layer, link)
        total += patches.products(rows.astype(kind), elements, kernels, layer)
        if bound >= 1 << (machine.accumulator_bits - 1):
            _check_width(machine, layer, chain, link, total)
    return total


def kernel_count(machine: Machine, layer: Layer) -> int:
    """Rows that one kernel has: its weight slices."""
    return len(machine.weight_slices(layer.weight_bits))


def _bound(chain: _Chain, patches: Patches) -> int:
    """No partial sum of the chain is larger than this, whatever the order."""
    weights = sum(np.abs(rows).sum(axis=1, dtype=np.int64) for rows in chain.links)
    return int(np.max(weights)) * int(np.abs(patches.values).max(initial=0))


def _check_width(machine: Machine, layer: Layer, chain: _Chain, link: int, total: Array) -> None:
    limit = 1 << (machine.accumulator_bits - 1)
    least, most = float(total.min()), float(total.max())
    if -limit <= least and most < limit:
        return
    worst = np.unravel_index(int(np.argmax(np.abs(total))), total.shape)
    kernel = (chain.rows.start + int(worst[1])) // kernel_count(machine, layer)
    needed = max(int(most), -int(least) - 1).bit_length() + 1
    raise AccumulatorError(
        f"layer '{layer.name}': the partial sum of kernel {kernel} after tile {link + 1} of "
        f"{len(chain.links)} of its chain (round {chain.round}, parallel group {chain.group}, "
        f"output {int(worst[0])}) needs {needed} bits; {machine.name} has "
        f"{machine.accumulator_bits}",
        layer=layer.name,
        link=link,
        need_bits=needed,
        have_bits=machine.accumulator_bits,
    )
