# SPDX-License-Identifier: MIT
"""Cycles of a layer under a mapping: plain arithmetic over the machine's description.

*published* is the model that the tables of ST's talk follow: useful MACs over the lanes of all
tiles in use, as if every row were full, plus the kernel load. *row-serial* charges a cycle for
every row however little of it is filled, over the largest share that any tile has, and the cycles
in which chains fill; rows that are left out cost nothing. *packed* puts several short kernels in
one row's sub-tensors, and is row-serial else.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Literal

from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.units import ceil_div

Mode = Literal["published", "row-serial", "packed"]
MODES: tuple[Mode, ...] = ("published", "row-serial", "packed")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Who does what: tiles of one cluster, then the split over clusters.

    stripes · chain_length · parallel is at most the tiles of a cluster.
    """

    stripes: int
    """Parts of the output that tiles with the same kernels compute side by side."""
    chains: int
    """Tiles along the reduction that hold a slice of each kernel."""
    parallel: int
    """Groups of tiles with different kernels."""
    chain_length: int
    """Tiles that a chain takes up; more than `chains` where the interconnect asks for it."""
    rounds: int
    """Times that tiles are loaded with other kernels."""
    shares: int
    """Parts of the output that different clusters compute, in each round."""
    clusters: int
    """Clusters that were to be used."""
    pack: int = 1
    """Kernels in one row."""

    @property
    def units(self) -> int:
        """Pieces of work for the clusters: one round of one share."""
        return self.rounds * self.shares

    @property
    def clusters_used(self) -> int:
        """Clusters that get work."""
        return min(self.units, self.clusters)

    @property
    def waves(self) -> int:
        """Pieces of work that the busiest cluster does one after another."""
        return ceil_div(self.units, self.clusters)


@dataclass(frozen=True, slots=True)
class Cycles:
    """Cycles of one layer: computing, and loading kernels; they do not overlap."""

    compute: Fraction
    load: Fraction

    @property
    def total(self) -> Fraction:
        """Both, one after the other."""
        return self.compute + self.load


def count_cycles(machine: Machine, layer: Layer, mapping: Mapping, mode: Mode) -> Cycles:
    """Cycles of the layer; exact fractions in published mode, whole numbers else."""
    if mode == "published":
        return _published(machine, layer, mapping)
    return _serial(machine, layer, mapping)


def slice_products(machine: Machine, layer: Layer) -> int:
    """Row-cycles where one would do with the precision offered: weight times activation slices."""
    weights = len(machine.weight_slices(layer.weight_bits))
    return weights * len(machine.activation_slices(layer.activation_bits))


def useful_work(machine: Machine, layer: Layer, mode: Mode) -> Fraction:
    """Products of slices that are computed; rows left out do not count but in published mode."""
    work = Fraction(layer.macs * slice_products(machine, layer))
    if mode == "published":
        return work
    return work * kernel_rows(machine, layer) / all_rows(machine, layer)


def row_elements(machine: Machine, layer: Layer) -> int:
    """Weights in a full row, one slice of each."""
    return machine.lanes(machine.weight_slices(layer.weight_bits)[0])


def kernel_rows(machine: Machine, layer: Layer) -> int:
    """Rows that all kernels take in one chain: a row for each slice of each, but zero ones."""
    return all_rows(machine, layer) - layer.zero_rows


def all_rows(machine: Machine, layer: Layer) -> int:
    """`kernel_rows` with those that are left out."""
    return layer.kernels * len(machine.weight_slices(layer.weight_bits))


def load_times(layer: Layer, mapping: Mapping) -> int:
    """Times that the kernels are loaded: once, or in each repeat where they do not all stay."""
    return layer.repeats if mapping.waves > 1 else 1


def _published(machine: Machine, layer: Layer, mapping: Mapping) -> Cycles:
    lanes = row_elements(machine, layer) * mapping.stripes * mapping.chains * mapping.parallel
    work = Fraction(layer.macs * slice_products(machine, layer), lanes)
    load = Fraction(layer.load_bits, machine.load_port_bits)
    return Cycles(
        work * mapping.waves / mapping.units,
        load * mapping.waves / mapping.rounds * load_times(layer, mapping),
    )


def _serial(machine: Machine, layer: Layer, mapping: Mapping) -> Cycles:
    """The busiest tile's rows times its pixels, its chain's filling, the busiest cluster's port."""
    rows = kernel_rows(machine, layer)
    packed_rows = ceil_div(rows, mapping.pack)
    per_round = ceil_div(packed_rows, mapping.parallel * mapping.rounds)
    all_rounds = mapping.shares * ceil_div(packed_rows, mapping.parallel)
    tile_rows = min(mapping.waves * per_round, all_rounds)
    passes = len(machine.activation_slices(layer.activation_bits))
    pixels = largest_part(machine, layer, mapping.stripes, mapping.shares)
    loaded = min(mapping.waves * per_round * mapping.parallel * mapping.pack, rows)
    bits = Fraction(layer.load_bits * loaded, rows)
    loads = load_times(layer, mapping) * ceil(bits / machine.load_port_bits)
    fill = mapping.waves * (mapping.chains - 1) * machine.chain_hop_cycles
    return Cycles(
        Fraction(layer.repeats * (pixels * tile_rows * passes + fill)),
        Fraction(loads),
    )


def can_part(machine: Machine, layer: Layer, stripes: int, shares: int) -> bool:
    """Whether the output may be cut so: stripes cut rows, shares columns, or rows where thin."""
    rows, columns = layer.out_hw
    if stripes > 1 and rows < stripes * machine.min_stripe:
        return False
    if shares == 1 or columns >= shares * machine.min_stripe:
        return True
    return columns < machine.min_stripe and rows >= stripes * shares * machine.min_stripe


def largest_part(machine: Machine, layer: Layer, stripes: int, shares: int) -> int:
    """Output positions of the largest part of the output when cut as `can_part` says."""
    rows, columns = layer.out_hw
    if shares > 1 and columns < machine.min_stripe:
        return ceil_div(rows, stripes * shares) * columns
    return ceil_div(rows, stripes) * ceil_div(columns, shares)
