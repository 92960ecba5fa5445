# SPDX-License-Identifier: MIT
"""The multi-tile picture of a layer: which tile holds which kernel slice, where sums go."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milliwatt.backend.dimc.describe import describe_merge
from milliwatt.backend.dimc.placed import PlacedLayer, Placement
from milliwatt.backend.dimc.tiles import TileContent, tile_contents
from milliwatt.errors import OptionError
from milliwatt.output import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_SUFFIXES = (".svg", ".png", ".pdf")
_COLOURS = ("#9ecae9", "#ffbf79", "#88d27a", "#d6a5c9", "#ff9d98", "#9bd7d5", "#f2d778", "#bab0ac")
_GREY = "#eeeeee"


def mapping_picture(placement: Placement, suffix: str, layers: Sequence[str] = ()) -> bytes:
    """The first round of each layer named (all where none is) on cluster 0, a row of tiles each.

    A tile shows its kernels and the weights of each that it holds; arrows are partial sums;
    colours are stripes. `suffix` is one of PICTURE_SUFFIXES. The same placement gives the same
    bytes.
    """
    if suffix not in PICTURE_SUFFIXES:
        raise OptionError(f"pictures are {', '.join(PICTURE_SUFFIXES)} files, not '{suffix}'")
    known = [item.layer.name for item in placement.layers]
    for name in layers:
        if name not in known:
            raise OptionError(f"no layer '{name}'; there are: {', '.join(known)}")
    shown = [item for item in placement.layers if not layers or item.layer.name in layers]
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise OptionError(
            "pictures need matplotlib; to install: pip install 'milliwatt[report]'"
        ) from error
    tiles = placement.machine.tiles_per_cluster
    with mpl.rc_context({"svg.hashsalt": "milliwatt", "font.size": 7}):
        figure = Figure(figsize=(2.6 + 1.35 * tiles, 0.6 + 1.0 * len(shown)))
        _draw(figure, placement, shown)
        stream = io.BytesIO()
        metadata: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(
            suffix, {}
        )
        figure.savefig(stream, format=suffix[1:], metadata=metadata, dpi=110, bbox_inches="tight")
    return stream.getvalue()


def save_mapping_picture(placement: Placement, path: Path) -> None:
    """Write the picture of all layers; an OptionError where the file cannot be written."""
    write_file(path, mapping_picture(placement, path.suffix))


def _draw(figure: Figure, placement: Placement, shown: Sequence[PlacedLayer]) -> None:
    axes = figure.add_subplot()
    tiles = placement.machine.tiles_per_cluster
    for index, item in enumerate(shown):
        bottom = len(shown) - 1 - index
        _draw_layer(axes, placement, item, bottom)
    axes.set_xlim(-2.6, tiles + 0.1)
    axes.set_ylim(-0.3, len(shown) + 0.1)
    axes.set_axis_off()
    axes.set_title(
        f"{placement.network} on {placement.machine.name}: cluster 0, first round of each layer "
        "(colour: stripe; arrow: partial sum)"
    )


def _draw_layer(axes: Any, placement: Placement, item: PlacedLayer, bottom: int) -> None:
    machine, mapping = placement.machine, item.mapping
    rows_a_kernel = len(machine.weight_slices(item.layer.weight_bits))
    held = {
        tile.tile: tile
        for tile in tile_contents(machine, item.layer, mapping)
        if tile.cluster == 0 and tile.wave == 0
    }
    for index in range(machine.tiles_per_cluster):
        _draw_tile(axes, index, bottom, held.get(index), rows_a_kernel)
    for index, tile in held.items():
        following = held.get(index + 1)
        if following is not None and following.link == tile.link + 1:
            arrow = {"arrowstyle": "->", "linewidth": 1.2}
            axes.annotate(
                "", (index + 1.05, bottom + 0.45), (index + 0.87, bottom + 0.45), arrowprops=arrow
            )
    label = (
        f"{item.layer.name}\n{mapping.stripes}·{mapping.chains}·{mapping.parallel}, "
        f"rounds {mapping.rounds}, shares {mapping.shares}"
    )
    axes.text(-2.55, bottom + 0.45, label, va="center")
    axes.text(0.04, bottom - 0.02, describe_merge(machine, mapping), va="top", fontsize=5.5)


def _draw_tile(
    axes: Any, index: int, bottom: int, tile: TileContent | None, rows_a_kernel: int
) -> None:
    colour = _GREY if tile is None else _COLOURS[tile.stripe % len(_COLOURS)]
    axes.broken_barh(
        [(index + 0.04, 0.84)],
        (bottom + 0.1, 0.72),
        facecolor=colour,
        edgecolor="black",
        linewidth=0.5,
    )
    if tile is None:
        return
    first = tile.kernel_rows.start // rows_a_kernel
    last = (tile.kernel_rows.stop - 1) // rows_a_kernel
    text = (
        f"kernels {first}–{last}\nweights {tile.elements.start}–{tile.elements.stop - 1}\n"
        f"stripe {tile.stripe}"
    )
    axes.text(index + 0.46, bottom + 0.46, text, ha="center", va="center", fontsize=5.5)
