# SPDX-License-Identifier: MIT
"""Noisy inference of a placed graph: what a chip, some time after programming, would answer.

Layers on arrays go through their tiles: inputs rounded by the DAC, devices with their errors,
column sums rounded by the ADC, slices and row blocks added digitally, and then the operator's own
bias, requantisation and clamp. Everything else is the integer reference. Without errors the
result is the integer reference, value for value (unless weights were rounded to their cells).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.aimc.converters import dac_step, through_dac
from milliwatt.backend.aimc.crossbar import (
    ALL_ERRORS,
    Error,
    ProgrammedTile,
    digital_sum,
    effective_digits,
    multiply,
    program_tile,
)
from milliwatt.backend.aimc.layers import centred_bits, named_nodes
from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.placement import Placement
from milliwatt.backend.aimc.tiling import Tile
from milliwatt.backend.aimc.vectors import matrix_of, vectors_of
from milliwatt.backend.aimc.weights import stored
from milliwatt.errors import DataError, OptionError, UnsupportedError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops._linear import finish
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.scaling import convolution_factors

_CHUNK_VECTORS_BYTES = 1 << 25
_LATEST_S = 1e10


@dataclass(frozen=True, slots=True)
class ChipTile:
    """One programmed tile and where its sums belong."""

    tile: Tile
    programmed: ProgrammedTile
    factors: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chip:
    """A placement's arrays, programmed once: one specimen of the machine."""

    placement: Placement
    graph: Graph
    tiles: Mapping[str, tuple[ChipTile, ...]]
    """By node name."""
    errors: frozenset[Error]
    seed: int
    full_scales: Mapping[str, tuple[float, ...]]
    """Converters' range for each tile, digit · input units; empty: the machine's own."""


@dataclass(frozen=True, slots=True)
class AgedTile:
    """A tile as it is at one time."""

    tile: Tile
    digits: Array
    factors: tuple[float, ...]
    full_scale: float | None


@dataclass(frozen=True, slots=True)
class AgedChip:
    """A chip at one time after programming."""

    chip: Chip
    time_s: float
    tiles: Mapping[str, tuple[AgedTile, ...]]


def program_chip(placement: Placement, seed: int, errors: frozenset[Error] = ALL_ERRORS) -> Chip:
    """Program every array; the same seed gives the same chip.

    OptionError: a placement of layers without weights, a negative seed, an unknown error.
    """
    if seed < 0:
        raise OptionError(f"seed must not be negative, not {seed}")
    if errors - ALL_ERRORS:
        allowed = ", ".join(sorted(ALL_ERRORS))
        raise OptionError(f"unknown errors {sorted(errors - ALL_ERRORS)}; allowed: {allowed}")
    graph = _graph(placement)
    rng = np.random.default_rng([seed, 0])
    nodes = named_nodes(graph)
    tiles: dict[str, list[ChipTile]] = {}
    for assignment in placement.assignments:
        name = assignment.layer.name
        for placed in assignment.tiles:
            made = _program(
                placement, graph, nodes[name], placed.tile, placed.spot.row, errors, rng
            )
            tiles.setdefault(name, []).append(made)
    return Chip(placement, graph, {n: tuple(t) for n, t in tiles.items()}, errors, seed, {})


def calibrate_chip(chip: Chip, inputs: Sequence[Array]) -> Chip:
    """The chip with each tile's converter range set to the largest sum that `inputs` cause.

    `inputs` are stacked samples, as in `run_chip`; sums are the ideal ones of the integer
    reference. This is what a chip with adjustable converters gets when it is set up.
    """
    nodes = {n: node for n, node in named_nodes(chip.graph).items() if n in chip.tiles}
    largest = {name: [0.0] * len(chip.tiles[name]) for name in nodes}
    states: dict[str, Array] | None = None
    for i in range(_check(chip.graph, inputs)):
        values = trace(chip.graph, [value[i] for value in inputs], states)
        states = {s.before: values[s.after] for s in chip.graph.states}
        for name, node in nodes.items():
            vectors = vectors_of(chip.graph, node, values[node.inputs[0]][None])
            for index, made in enumerate(chip.tiles[name]):
                sums = _fed(vectors, made.tile) @ made.programmed.digits
                largest[name][index] = max(largest[name][index], float(np.abs(sums).max()))
    # A tile that no input drives keeps a range of one unit: there is nothing to convert.
    scales = {name: tuple(max(1.0, value) for value in found) for name, found in largest.items()}
    return replace(chip, full_scales=scales)


def age_chip(chip: Chip, time_s: float) -> AgedChip:
    """The chip `time_s` seconds after programming, its 1/f noise drawn anew for that time."""
    if not 0 <= time_s <= _LATEST_S:
        raise OptionError(
            f"time after programming must be from 0 to {_LATEST_S:g} s, not {time_s:g} s"
        )
    rng = np.random.default_rng([chip.seed, 1, int(time_s * 1e3)])
    machine = chip.placement.machine
    aged = {
        name: tuple(
            AgedTile(
                made.tile,
                effective_digits(made.programmed, machine, chip.errors, time_s, rng),
                made.factors,
                chip.full_scales[name][index] if name in chip.full_scales else None,
            )
            for index, made in enumerate(tiles)
        )
        for name, tiles in chip.tiles.items()
    }
    return AgedChip(chip, time_s, aged)


def simulate(
    placement: Placement,
    inputs: Sequence[Array],
    seed: int = 0,
    time_s: float = 0.0,
    errors: frozenset[Error] = ALL_ERRORS,
) -> tuple[Array, ...]:
    """The outputs, for one sample, of the chip `seed` at `time_s` seconds after programming."""
    chip = age_chip(program_chip(placement, seed, errors), time_s)
    outputs = run_chip(chip, [np.asarray(value)[None] for value in inputs])
    return tuple(value[0] for value in outputs)


def run_chip(chip: AgedChip, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """Outputs [samples, *shape] for inputs [samples, *shape], on one aged chip.

    Samples of a graph that keeps states are successive calls, the first after a reset.
    """
    graph = chip.chip.graph
    samples = _check(graph, inputs)
    rng = np.random.default_rng([chip.chip.seed, 2, int(chip.time_s * 1e3)])
    step = 1 if graph.states else _samples_at_once(chip)
    states = {s.before: s.initial[None] for s in graph.states}
    parts: list[list[Array]] = []
    for i in range(0, samples, step):
        values = _run(chip, [value[i : i + step] for value in inputs], states, rng)
        states = {s.before: values[s.after] for s in graph.states}
        parts.append(_outputs(graph, values, min(step, samples - i)))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _program(
    placement: Placement,
    graph: Graph,
    node: Node,
    tile: Tile,
    first_row: int,
    errors: frozenset[Error],
    rng: np.random.Generator,
) -> ChipTile:
    machine = placement.machine
    dense = _dense(matrix_of(graph, node), tile)
    bits = centred_bits(graph.types[node.inputs[1]])
    held, factors = stored(dense, placement.weights, bits, machine.cell_bits, tile.slices)
    flat = held.reshape(len(dense), -1)
    programmed = program_tile(flat, machine, errors, first_row, rng)
    return ChipTile(tile, programmed, tuple(factors))


def _dense(matrix: Array, tile: Tile) -> Array:
    """The tile's rectangle [height, columns] of weights: groups on the diagonal, zeros between."""
    block = matrix[
        tile.group : tile.group + tile.groups,
        tile.row : tile.row + tile.rows,
        tile.column : tile.column + tile.columns,
    ]
    dense = np.zeros((tile.groups, tile.rows, tile.groups, tile.columns))
    for group in range(tile.groups):
        dense[group, :, group, :] = block[group]
    return dense.reshape(tile.height, tile.groups * tile.columns)


def _run(
    chip: AgedChip,
    inputs: Sequence[Array],
    states: Mapping[str, Array],
    rng: np.random.Generator,
) -> dict[str, Array]:
    """Every value that is not constant, [samples, *shape]."""
    graph = chip.chip.graph
    values = {**dict(zip(graph.inputs, inputs, strict=True)), **states}
    for name, node in named_nodes(graph).items():
        if name in chip.tiles:
            x = values[node.inputs[0]]
            values[node.outputs[0]] = _run_linear(chip, chip.tiles[name], node, x, rng)
        else:
            values.update(_reference(graph, node, values))
    return values


def _outputs(graph: Graph, values: Mapping[str, Array], samples: int) -> list[Array]:
    return [
        values[v] if v in values else np.broadcast_to(graph.constants[v], (samples, *t.shape))
        for v in graph.outputs
        for t in (graph.types[v],)
    ]


def _run_linear(
    chip: AgedChip, tiles: Sequence[AgedTile], node: Node, x: Array, rng: np.random.Generator
) -> Array:
    graph = chip.chip.graph
    x_type, weights, bias_type = graph.input_types(node)
    (y,) = graph.output_types(node)
    vectors = vectors_of(graph, node, x)
    sums = analogue_sums(chip, tiles, node, vectors, rng)
    whole = np.rint(sums).astype(np.int64)
    factors = convolution_factors(x_type, weights, y, whole.shape[1])
    op = node.op
    if not isinstance(op, Conv2D | DepthwiseConv2D | FullyConnected):
        raise UnsupportedError(f"node '{node.name}' ({op.kind}) is not a product with weights")
    bias = graph.constants[node.inputs[2]]
    result = finish(whole, bias, factors, y, bias_type, op.activation)
    return result.reshape(len(x), *y.shape)


def analogue_sums(
    chip: AgedChip, tiles: Sequence[AgedTile], node: Node, vectors: Array, rng: np.random.Generator
) -> Array:
    """Sums [vectors, outputs] in weight · input units, row blocks and slices added digitally."""
    machine, errors = chip.chip.placement.machine, chip.chip.errors
    low, high = _input_range(chip.chip.graph.types[node.inputs[0]])
    if "dac" in errors:
        vectors = through_dac(vectors, dac_step(low, high, _dac_bits(machine)))
    columns = chip.chip.graph.types[node.outputs[0]].shape[-1]
    groups = vectors.shape[1]
    sums = np.zeros((len(vectors), groups, columns // groups))
    for aged in tiles:
        tile = aged.tile
        read = multiply(
            _fed(vectors, tile),
            aged.digits,
            machine,
            errors,
            float(max(abs(low), abs(high))),
            aged.full_scale,
            rng,
        ).reshape(len(vectors), tile.groups, tile.columns, -1)
        parts = [read[..., i] for i in range(read.shape[-1])]
        place = np.s_[
            :,
            tile.group : tile.group + tile.groups,
            tile.column : tile.column + tile.columns,
        ]
        sums[place] += digital_sum(parts, aged.factors)
    return sums.reshape(len(vectors), columns)


def _fed(vectors: Array, tile: Tile) -> Array:
    """The part [vectors, height] of vectors [vectors, groups, rows] that a tile is driven with."""
    part = vectors[:, tile.group : tile.group + tile.groups, tile.row : tile.row + tile.rows]
    return part.reshape(len(vectors), tile.height)


def _input_range(x: TensorType) -> tuple[int, int]:
    """Lowest and highest input less the zero point."""
    low, high = x.dtype.integer_range
    return low - x.zero_point, high - x.zero_point


def _dac_bits(machine: Machine) -> int:
    return int(machine.crossbar.dac_bits.value)


def _reference(
    graph: Graph, node: Node, values: Mapping[str, Array]
) -> Iterator[tuple[str, Array]]:
    """The node's integer reference, sample by sample."""
    computed = [v for v in node.inputs if v in values]
    samples = len(values[computed[0]]) if computed else 1
    inputs, outputs = graph.input_types(node), graph.output_types(node)
    results = [
        node.op.reference(
            [values[v][i] if v in values else graph.constants[v] for v in node.inputs],
            inputs,
            outputs,
        )
        for i in range(samples)
    ]
    for index, name in enumerate(node.outputs):
        yield name, np.stack([result[index] for result in results])


def _samples_at_once(chip: AgedChip) -> int:
    """Samples whose widest set of vectors stays within a fixed amount of memory."""
    widest = max(
        (
            assignment.layer.vectors * assignment.layer.rows * assignment.layer.groups
            for assignment in chip.chip.placement.assignments
            if assignment.tiles
        ),
        default=1,
    )
    return max(1, _CHUNK_VECTORS_BYTES // (8 * widest))


def _graph(placement: Placement) -> Graph:
    if placement.graph is None:
        raise OptionError("a list of layers without weights cannot be run; place a graph")
    return placement.graph


def _check(graph: Graph, inputs: Sequence[Array]) -> int:
    """The number of samples; DataError unless the inputs are the graph's, stacked."""
    if len(inputs) != len(graph.inputs):
        raise DataError(f"model '{graph.name}' takes {len(graph.inputs)} inputs, not {len(inputs)}")
    for name, value in zip(graph.inputs, inputs, strict=True):
        kind = graph.types[name]
        if value.shape[1:] != kind.shape or value.dtype != kind.dtype.numpy:
            raise DataError(
                f"input '{name}' of model '{graph.name}' is {value.dtype}{list(value.shape[1:])} "
                f"a sample; it must be {kind}"
            )
    counts = {len(value) for value in inputs}
    if len(counts) != 1 or 0 in counts:
        raise DataError(f"inputs of model '{graph.name}' hold {sorted(counts)} samples")
    return counts.pop()
