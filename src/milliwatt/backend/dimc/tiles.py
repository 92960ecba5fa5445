# SPDX-License-Identifier: MIT
"""Which tile holds which slice of which kernels, and the bits of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.dimc.cycles import Mapping, kernel_rows, row_elements
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.ir.types import Array
from milliwatt.units import ceil_div


@dataclass(frozen=True, slots=True)
class TileContent:
    """What one tile holds while one round of one layer runs.

    `kernel_rows` counts rows of the layer: kernel k with n weight slices has rows k·n to k·n+n-1,
    low bits first. Tiles of other stripes and shares hold copies.
    """

    cluster: int
    wave: int
    """The how-manieth piece of work of its cluster."""
    tile: int
    round: int
    stripe: int
    share: int
    group: int
    """Which of the mapping's parallel groups."""
    link: int
    """Place in its chain, 0 first."""
    kernel_rows: range
    elements: range
    """Weights of each kernel, in the order rows, columns, channels."""


def tile_contents(machine: Machine, layer: Layer, mapping: Mapping) -> Iterator[TileContent]:
    """Every tile of every round: rounds and shares dealt to the clusters in order."""
    for unit in range(mapping.units):
        turn, share = divmod(unit, mapping.shares)
        wave, cluster = divmod(unit, mapping.clusters)
        for stripe in range(mapping.stripes):
            for group in range(mapping.parallel):
                rows = group_rows(machine, layer, mapping, turn, group)
                for link in range(mapping.chains if rows else 0):
                    yield TileContent(
                        cluster,
                        wave,
                        (stripe * mapping.parallel + group) * mapping.chain_length + link,
                        turn,
                        stripe,
                        share,
                        group,
                        link,
                        rows,
                        link_elements(machine, layer, link),
                    )


def group_rows(machine: Machine, layer: Layer, mapping: Mapping, turn: int, group: int) -> range:
    """Kernel rows of one parallel group in one round.

    Every group of a round has as many rows of tiles, but for the last that hold kernels.
    """
    end = kernel_rows(machine, layer)
    depth = ceil_div(ceil_div(end, mapping.pack), mapping.parallel)
    first, last = (depth * t // mapping.rounds for t in (turn, turn + 1))
    start = first * mapping.parallel + group * (last - first)
    stop = start + last - first
    return range(min(start * mapping.pack, end), min(stop * mapping.pack, end))


def link_elements(machine: Machine, layer: Layer, link: int) -> range:
    """The weights of a kernel that the tile at this place of a chain holds."""
    lanes = row_elements(machine, layer)
    return range(link * lanes, min((link + 1) * lanes, layer.kernel_elements))


def tile_bits(machine: Machine, rows: Array, bits: int, pack: int) -> Array:
    """The bits [tile rows, row bits] that hold slices rows[kernel rows, elements].

    With `pack` above 1 that many kernel rows lie in one tile row, each at its own sub-tensors.
    """
    lanes = machine.row_bits // bits
    room = lanes // pack
    image = np.zeros((ceil_div(rows.shape[0], pack), lanes), np.uint8)
    for index in range(rows.shape[0]):
        row, place = divmod(index, pack)
        image[row, place * room : place * room + rows.shape[1]] = rows[index] & ((1 << bits) - 1)
    planes = image[:, :, None] >> np.arange(bits, dtype=np.uint8) & 1
    flat = planes.reshape(image.shape[0], lanes * bits)
    return np.pad(flat, ((0, 0), (0, machine.row_bits - lanes * bits)))


def read_tile(image: Array, shape: tuple[int, int], bits: int, pack: int) -> Array:
    """The unsigned codes [kernel rows, elements] that a tile's bits hold; undoes `tile_bits`."""
    lanes = image.shape[1] // bits
    planes = image[:, : lanes * bits].reshape(-1, lanes, bits).astype(np.int32)
    codes = (planes << np.arange(bits, dtype=np.int32)).sum(axis=2)
    room = lanes // pack
    split = codes[:, : room * pack].reshape(-1, room)
    return split[: shape[0], : shape[1]]
