# SPDX-License-Identifier: MIT
"""Which layers go to the arrays, and where: time saved per cell decides when cells are scarce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, get_args

from milliwatt.backend.aimc.estimate import estimate
from milliwatt.backend.aimc.layers import Kind, Layer, layers_of
from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.notes import left_notes, mapping_notes
from milliwatt.backend.aimc.packing import Spot, pack
from milliwatt.backend.aimc.placement import Assignment, PlacedTile, Placement, Unit, Weights
from milliwatt.backend.aimc.tiling import Tile, cut
from milliwatt.backend.aimc.timing import core_cycles, engine_cycles, product_cycles
from milliwatt.errors import FitError, OptionError, UnsupportedError
from milliwatt.ir.graph import Graph
from milliwatt.units import ceil_div

Overflow = Literal["auto", "cores", "reprogram"]


@dataclass(frozen=True, slots=True)
class Options:
    """Choices that are the user's."""

    pinned: tuple[tuple[Kind, Unit], ...] = ()
    """Kinds of layers that must run on a unit; others run wherever they are fastest."""
    overflow: Overflow = "auto"
    """Layers that no array holds: on the cores, or by rewriting arrays. `auto`: for
    SRAM, whichever has the smaller product of time and energy; the cores, if any, for cells that
    wear out by rewriting."""
    weights: Weights = "sliced"
    """A weight wider than a cell: `sliced` over several columns (exact), `rounded` to one cell's
    digit (lossy), or `continuous`, one cell set to any conductance (exact but for noise)."""
    replicate: bool = True
    """Whether arrays left over hold copies of the slowest layers."""


# All subsets of so few layers are tried: about a thousand packings.
_EXHAUSTIVE_LAYERS = 10
# More cycles than anything saves: what must be on arrays comes before what may.
_MUST = 1e18


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A layer for the arrays, the cells it takes, and the cycles that this saves."""

    layer: Layer
    cells: int
    saved_cycles: float


def place(graph: Graph, machine: Machine, options: Options | None = None) -> Placement:
    """The graph on the machine.

    FitError: weights beyond all arrays on a machine that can neither rewrite nor compute them
    elsewhere. UnsupportedError: float networks.
    """
    found = layers_of(graph)
    if not any(layer.rows for layer in found):
        floats = any(graph.types[v].dtype.is_float for v in graph.inputs)
        reason = "its values are floats: quantise it first" if floats else "it has no weights"
        raise UnsupportedError(f"nothing of model '{graph.name}' can run on crossbars: {reason}")
    return replace(place_layers(found, machine, options), graph=graph)


def place_layers(
    layers: Sequence[Layer], machine: Machine, options: Options | None = None
) -> Placement:
    """The layers on the machine (see `place`); the placement has no graph to simulate."""
    options = options or Options()
    _check(machine, options)
    tiles = {layer.name: _tiles(layer, machine, options) for layer in layers if layer.rows}
    candidates = _candidates(layers, machine, options, tiles)
    wanted = [candidate.layer for candidate in candidates]
    chosen = _that_fit(candidates, machine, tiles)
    left = [layer for layer in wanted if layer not in chosen]
    if not left:
        return _resident(layers, chosen, left, machine, options, tiles)
    if options.overflow == "reprogram" or machine.system.cores is None:
        return _in_rounds(layers, wanted, machine, options, tiles)
    resident = _resident(layers, chosen, left, machine, options, tiles)
    if options.overflow == "cores" or not _may_rewrite(machine):
        return resident
    rewritten = _in_rounds(layers, wanted, machine, options, tiles)
    return min(resident, rewritten, key=_time_times_energy)


def _time_times_energy(placement: Placement) -> float:
    cost = estimate(placement)
    return cost.seconds * cost.energy_pj


def _may_rewrite(machine: Machine) -> bool:
    """Whether arrays may be rewritten at every inference without wearing out, at a known cost."""
    crossbar = machine.crossbar
    known = crossbar.rewrite_mvms is not None and crossbar.rewrite_energy_nj is not None
    return machine.technology == "charge-sram" and known


def _resident(
    layers: Sequence[Layer],
    chosen: Sequence[Layer],
    left: Sequence[Layer],
    machine: Machine,
    options: Options,
    tiles: Mapping[str, tuple[Tile, ...]],
) -> Placement:
    """The chosen layers on arrays for good, those left over on the other units."""
    resident = [layer for layer in layers if layer in chosen]
    placed = _placed([tiles[layer.name] for layer in resident], machine)
    found = dict(zip([layer.name for layer in resident], placed, strict=True))
    assignments = [_assign(layer, machine, options, found.get(layer.name)) for layer in layers]
    if options.replicate:
        assignments = _replicated(assignments, machine)
    notes = (*mapping_notes(assignments, machine), *left_notes(left, machine, tiles))
    return Placement(machine, None, tuple(assignments), options.weights, 1, 0, notes)


def arrays_needed(layers: Sequence[Layer], machine: Machine, options: Options | None = None) -> int:
    """Arrays that hold all these layers at once, as packed here."""
    options = options or Options()
    tiles = [t for layer in layers if layer.rows for t in _tiles(layer, machine, options)]
    return _bins(_spots(tiles, machine))


def _check(machine: Machine, options: Options) -> None:
    """Refuse words that mean nothing and units that the machine does not have."""
    _known("weights", options.weights, get_args(Weights))
    _known("overflow", options.overflow, get_args(Overflow))
    if options.weights == "continuous" and machine.technology == "charge-sram":
        raise OptionError(f"SRAM cells of '{machine.name}' hold digits, not any conductance")
    if options.overflow == "cores":
        _has_unit(machine, "cores")
    for kind, unit in options.pinned:
        _known("pinned kind", kind, get_args(Kind))
        _known("pinned unit", unit, get_args(Unit))
        if kind == "other" or (unit == "depthwise engine" and kind != "depthwise"):
            raise OptionError(f"layers of kind '{kind}' cannot be pinned to the {unit}")
        _has_unit(machine, unit)


def _known(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise OptionError(f"{option} is '{value}'; allowed: {', '.join(allowed)}")


def _has_unit(machine: Machine, unit: Unit) -> None:
    system = machine.system
    absent = (unit == "cores" and system.cores is None) or (
        unit == "depthwise engine" and system.depthwise_engine is None
    )
    if absent:
        raise OptionError(f"machine '{machine.name}' has no {unit}")


def _tiles(layer: Layer, machine: Machine, options: Options) -> tuple[Tile, ...]:
    sliced = options.weights == "sliced"
    slices = ceil_div(layer.weight_bits, machine.cell_bits) if sliced else 1
    if slices > machine.columns:
        raise FitError(
            f"layer '{layer.name}': a weight of {layer.weight_bits} bits takes {slices} cells of "
            f"{machine.cell_bits} bits side by side; an array of '{machine.name}' has "
            f"{machine.columns} columns"
        )
    return cut(layer, slices, machine.rows, machine.columns)


def _candidates(
    layers: Sequence[Layer],
    machine: Machine,
    options: Options,
    tiles: Mapping[str, tuple[Tile, ...]],
) -> list[_Candidate]:
    """Layers that belong on arrays, the one that saves most time for its cells first."""
    found: list[_Candidate] = []
    for layer in layers:
        if not layer.rows:
            continue
        cells = sum(t.area for t in tiles[layer.name])
        pinned = dict(options.pinned).get(layer.kind)
        other = _elsewhere(layer, machine, pinned)
        if other is None or pinned == "arrays":
            found.append(_Candidate(layer, cells, _MUST))
        elif pinned is None:
            saved = other[1] - _analogue_cycles(layer, tiles[layer.name], machine)
            if saved > 0:
                found.append(_Candidate(layer, cells, saved))
    return sorted(found, key=lambda c: c.saved_cycles / c.cells, reverse=True)


def _analogue_cycles(layer: Layer, tiles: Sequence[Tile], machine: Machine) -> float:
    """Cycles of a layer on arrays of its own, as many at once as the machine can use."""
    turns = ceil_div(len(tiles), int(machine.system.concurrent_arrays.value))
    return layer.vectors * turns * product_cycles(layer, tiles, machine)


def _elsewhere(layer: Layer, machine: Machine, pinned: Unit | None) -> tuple[Unit, float] | None:
    """The best unit that is not an array and its cycles; None where there is none."""
    units: list[tuple[Unit, float]] = []
    if machine.system.depthwise_engine is not None and layer.kind == "depthwise":
        units.append(("depthwise engine", engine_cycles(layer, machine)))
    if machine.system.cores is not None:
        units.append(("cores", core_cycles(layer, machine)))
    allowed = [unit for unit in units if pinned in (None, "arrays", unit[0])]
    return min(allowed, key=lambda unit: unit[1], default=None)


def _that_fit(
    wanted: Sequence[_Candidate], machine: Machine, tiles: Mapping[str, tuple[Tile, ...]]
) -> list[Layer]:
    """The layers for the arrays: all, or those that save most time, exactly where they are few."""
    everything = [candidate.layer for candidate in wanted]
    if _fits(everything, machine, tiles):
        return everything
    if len(wanted) <= _EXHAUSTIVE_LAYERS:
        return _best_subset(wanted, machine, tiles)
    kept = list(everything)
    dropped: list[Layer] = []
    while kept and not _fits(kept, machine, tiles):
        dropped.append(kept.pop())
    for layer in reversed(dropped):
        if _fits([*kept, layer], machine, tiles):
            kept.append(layer)
    return kept


def _best_subset(
    wanted: Sequence[_Candidate], machine: Machine, tiles: Mapping[str, tuple[Tile, ...]]
) -> list[Layer]:
    """The subset that saves most, of all that pack into the arrays."""
    subsets = (subset for count in range(len(wanted) + 1) for subset in combinations(wanted, count))
    ranked = sorted(subsets, key=lambda s: sum(c.saved_cycles for c in s), reverse=True)
    best = next(s for s in ranked if _fits([c.layer for c in s], machine, tiles))
    return [candidate.layer for candidate in best]


def _fits(layers: Sequence[Layer], machine: Machine, tiles: Mapping[str, tuple[Tile, ...]]) -> bool:
    together = [tile for layer in layers for tile in tiles[layer.name]]
    available = int(machine.arrays.value)
    if sum(tile.area for tile in together) > available * machine.cells:
        return False
    return _bins(_spots(together, machine)) <= available


def _spots(tiles: Sequence[Tile], machine: Machine) -> tuple[Spot, ...]:
    return pack([(t.height, t.width) for t in tiles], (machine.rows, machine.columns))


def _bins(spots: Sequence[Spot]) -> int:
    return 1 + max((spot.array for spot in spots), default=-1)


def _placed(groups: Sequence[tuple[Tile, ...]], machine: Machine) -> list[tuple[PlacedTile, ...]]:
    """Each group of tiles with its spots, all packed together."""
    flat = [tile for group in groups for tile in group]
    spots = iter(_spots(flat, machine))
    return [tuple(PlacedTile(tile, next(spots)) for tile in group) for group in groups]


def _assign(
    layer: Layer, machine: Machine, options: Options, placed: tuple[PlacedTile, ...] | None
) -> Assignment:
    if placed is not None:
        return Assignment(layer, "arrays", placed, 1, 0)
    other = _elsewhere(layer, machine, dict(options.pinned).get(layer.kind))
    # A machine without cores is an array alone: what has no weights is not its business.
    unit: Unit = "cores" if other is None else other[0]
    return Assignment(layer, unit, (), 1, 0)


def _replicated(assignments: Sequence[Assignment], machine: Machine) -> list[Assignment]:
    """Copies of the slowest layers in arrays left over, while each copy shortens the layer."""
    concurrent = int(machine.system.concurrent_arrays.value)
    result = list(assignments)
    used = {p.spot.array for a in result for p in a.tiles}
    spare = int(machine.arrays.value) - len(used)
    while True:
        order = sorted(
            (i for i, a in enumerate(result) if a.unit == "arrays"),
            key=lambda i: result[i].products_in_turn(concurrent),
            reverse=True,
        )
        if not order:
            return result
        slowest = result[order[0]]
        arrays = len({p.spot.array for p in slowest.tiles})
        more = replace(slowest, replicas=slowest.replicas + 1)
        shorter = more.products_in_turn(concurrent) < slowest.products_in_turn(concurrent)
        if arrays > spare or not shorter:
            return result
        result[order[0]] = more
        spare -= arrays


def _in_rounds(
    layers: Sequence[Layer],
    wanted: Sequence[Layer],
    machine: Machine,
    options: Options,
    tiles: Mapping[str, tuple[Tile, ...]],
) -> Placement:
    """The arrays filled again and again, in the network's order."""
    if machine.crossbar.rewrite_mvms is None:
        raise FitError(_refusal(wanted, machine, tiles))
    names = {layer.name for layer in wanted}
    pending = [
        (layer, tile) for layer in layers if layer.name in names for tile in tiles[layer.name]
    ]
    found: dict[str, list[Assignment]] = {layer.name: [] for layer in layers}
    rounds = rewritten = 0
    while pending:
        count = _most_that_fit([tile for _, tile in pending], machine)
        batch, pending = pending[:count], pending[count:]
        spots = _spots([tile for _, tile in batch], machine)
        rewritten += _bins(spots)
        for layer in dict.fromkeys(layer for layer, _ in batch):
            placed = tuple(
                PlacedTile(tile, spot)
                for (owner, tile), spot in zip(batch, spots, strict=True)
                if owner is layer
            )
            found[layer.name].append(Assignment(layer, "arrays", placed, 1, rounds))
        rounds += 1
    assignments = [
        assignment
        for layer in layers
        for assignment in (found[layer.name] or [_assign(layer, machine, options, None)])
    ]
    note = (
        f"weights exceed the {int(machine.arrays.value)} arrays: they are rewritten in {rounds} "
        f"rounds, {rewritten} arrays each inference"
    )
    notes = (note, *mapping_notes(assignments, machine))
    return Placement(machine, None, tuple(assignments), options.weights, rounds, rewritten, notes)


def _most_that_fit(tiles: Sequence[Tile], machine: Machine) -> int:
    """The longest run of tiles from the first that the arrays hold at once; at least one."""
    available = int(machine.arrays.value)
    low, high = 1, len(tiles)
    while low < high:
        middle = (low + high + 1) // 2
        if _bins(_spots(tiles[:middle], machine)) <= available:
            low = middle
        else:
            high = middle - 1
    return low


def _refusal(
    wanted: Sequence[Layer], machine: Machine, tiles: Mapping[str, tuple[Tile, ...]]
) -> str:
    need = _bins(_spots([t for layer in wanted for t in tiles[layer.name]], machine))
    largest = max(wanted, key=lambda layer: sum(t.area for t in tiles[layer.name]))
    cells = sum(t.area for t in tiles[largest.name])
    return (
        f"the weights need {need} arrays of {machine.rows} x {machine.columns} cells; "
        f"'{machine.name}' has {int(machine.arrays.value)}, cannot rewrite them during an "
        f"inference and has no cores; the largest layer, '{largest.name}', takes {cells:,} cells"
    )
