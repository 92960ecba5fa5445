# SPDX-License-Identifier: MIT
"""The multi-tile picture of a layer: which tile holds which kernel slice, where sums go."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milliwatt.backend.dimc.cycles import row_elements
from milliwatt.backend.dimc.describe import describe_merge
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placed import PlacedLayer, Placement
from milliwatt.backend.dimc.tiles import TileContent, tile_contents
from milliwatt.errors import OptionError
from milliwatt.figures import picture
from milliwatt.output import write_file
from milliwatt.units import ceil_div, format_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#9ecae9", "#ffbf79", "#88d27a", "#d6a5c9", "#ff9d98", "#9bd7d5", "#f2d778", "#bab0ac")
_GREY = "#eeeeee"
_LABEL = 2.7
"""Width left of the tiles for the layer's name, in tiles."""


def mapping_picture(placement: Placement, suffix: str, layers: Sequence[str] = ()) -> bytes:
    """The first round of each layer named (all where none is) on cluster 0, a row of tiles each.

    A tile shows the kernels and the weights of each that it holds, and is coloured as far as its
    rows and their bits are filled; colours are stripes. Arrows are partial sums: from tile to tile
    of a chain, and from its last tile to the rows of the output. `suffix` is one of
    `figures.PICTURE_SUFFIXES`. The same placement gives the same bytes.
    """
    known = [item.layer.name for item in placement.layers]
    for name in layers:
        if name not in known:
            raise OptionError(f"no layer '{name}'; there are: {', '.join(known)}")
    shown = [item for item in placement.layers if not layers or item.layer.name in layers]
    tiles = placement.machine.tiles_per_cluster
    size_inches = (2.8 + 1.35 * tiles, 0.6 + 1.15 * len(shown))

    def draw(figure: Figure) -> None:
        _draw(figure, placement, shown)

    return picture(suffix, size_inches, draw, font_points=7)


def save_mapping_picture(placement: Placement, path: Path) -> None:
    """Write the picture of all layers; an OptionError where the file cannot be written."""
    write_file(path, mapping_picture(placement, path.suffix))


def _draw(figure: Figure, placement: Placement, shown: Sequence[PlacedLayer]) -> None:
    axes = figure.add_subplot()
    tiles = placement.machine.tiles_per_cluster
    for index, item in enumerate(shown):
        _draw_layer(axes, placement, item, len(shown) - 1 - index)
    axes.set_xlim(-_LABEL, tiles + 0.1)
    axes.set_ylim(-0.1, len(shown) + 0.1)
    axes.set_axis_off()
    axes.set_title(
        f"{placement.network} on {placement.machine.name}: cluster 0, first round of each layer\n"
        f"tile: {placement.machine.rows} rows up, {placement.machine.row_bits} bits across; "
        "filled: what holds weights; colour: stripe; arrow: partial sums"
    )


def _draw_layer(axes: Any, placement: Placement, item: PlacedLayer, bottom: int) -> None:
    machine, mapping = placement.machine, item.mapping
    held = {
        tile.tile: tile
        for tile in tile_contents(machine, item.layer, mapping)
        if tile.cluster == 0 and tile.wave == 0
    }
    for index in range(machine.tiles_per_cluster):
        _draw_tile(axes, machine, item, index, bottom, held.get(index))
    for index, tile in held.items():
        if tile.link + 1 < mapping.chains:
            _arrow(axes, (index + 0.87, bottom + 0.61), (index + 1.05, bottom + 0.61))
        else:
            _arrow(axes, (index + 0.46, bottom + 0.34), (index + 0.46, bottom + 0.22))
    stripes = {tile.stripe for tile in held.values()}
    for stripe in sorted(stripes):
        _draw_output(axes, machine, item, stripe, held, bottom)
    axes.text(-_LABEL + 0.05, bottom + 0.5, _label(machine, item), va="center")


def _label(machine: Machine, item: PlacedLayer) -> str:
    """The layer's name, its mapping, and what of it is not in the picture."""
    layer, mapping = item.layer, item.mapping
    lines = [
        *textwrap.wrap(layer.name, 34),
        f"stripes {mapping.stripes} · chains {mapping.chains} · parallel {mapping.parallel}",
    ]
    if mapping.units > 1:
        lines.append(
            f"rounds {mapping.rounds} · shares {mapping.shares} on "
            f"{format_count(mapping.clusters_used, 'cluster')}"
        )
    slices = len(machine.weight_slices(layer.weight_bits))
    passes = len(machine.activation_slices(layer.activation_bits))
    if slices * passes > 1:
        lines.append(f"{slices} rows a kernel · {passes} passes of the input")
    return "\n".join(lines)


def _draw_tile(
    axes: Any,
    machine: Machine,
    item: PlacedLayer,
    index: int,
    bottom: int,
    tile: TileContent | None,
) -> None:
    left, width, low, height = index + 0.04, 0.84, bottom + 0.34, 0.54
    axes.broken_barh([(left, width)], (low, height), facecolor=_GREY)
    if tile is not None:
        pack = item.mapping.pack
        rows = ceil_div(len(tile.kernel_rows), pack) / machine.rows
        bits = pack * len(tile.elements) / row_elements(machine, item.layer)
        colour = _COLOURS[tile.stripe % len(_COLOURS)]
        axes.broken_barh([(left, width * bits)], (low, height * rows), facecolor=colour)
        text = f"{_kernels(machine, item, [tile])}\n{_range('weight', tile.elements)}"
        axes.text(index + 0.46, bottom + 0.61, text, ha="center", va="center", fontsize=5.5)
    axes.broken_barh(
        [(left, width)], (low, height), facecolor="none", edgecolor="black", linewidth=0.5
    )


def _draw_output(
    axes: Any,
    machine: Machine,
    item: PlacedLayer,
    stripe: int,
    held: dict[int, TileContent],
    bottom: int,
) -> None:
    """The bar below the tiles of a stripe: which part of the output their sums are."""
    own = {index: tile for index, tile in held.items() if tile.stripe == stripe}
    first, last = min(own), max(own)
    colour = _COLOURS[stripe % len(_COLOURS)]
    bar = (first + 0.04, last - first + 0.84)
    axes.broken_barh(
        [bar], (bottom + 0.06, 0.16), facecolor=colour, edgecolor="black", linewidth=0.5
    )
    rows = item.layer.out_hw[0]
    part = ceil_div(rows, item.mapping.stripes)
    text = _range("row", range(stripe * part, min(rows, (stripe + 1) * part)))
    if last > first:
        merge = describe_merge(machine, item.mapping)
        mux = next((name for name in ("OUT MUX", "PACK MUX") if name in merge), "output")
        text = f"{mux}: {text}, {_kernels(machine, item, own.values())}"
    middle = bar[0] + bar[1] / 2
    axes.text(middle, bottom + 0.135, text, ha="center", va="center", fontsize=5.5)


def _kernels(machine: Machine, item: PlacedLayer, tiles: Iterable[TileContent]) -> str:
    slices = len(machine.weight_slices(item.layer.weight_bits))
    held = [tile.kernel_rows for tile in tiles]
    if item.layer.zero_rows:
        return f"{sum(len(rows) for rows in held)} kernel rows"
    first = min(rows.start for rows in held) // slices
    last = (max(rows.stop for rows in held) - 1) // slices
    return _range("kernel", range(first, last + 1))


def _range(what: str, span: range) -> str:
    if len(span) == 1:
        return f"{what} {span.start}"
    return f"{what}s {span.start}–{span.stop - 1}"


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "linewidth": 1.0})
