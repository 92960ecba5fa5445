# SPDX-License-Identifier: MIT
"""Pages of every layer: a page for each platform, a table for each of its networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from bench.markdown import count, table
from bench.page_goals import rows_of
from bench.rows import Figures, LayerFigures
from bench.suite import Group, Model, Suite
from bench.tables import Tables

FOLDER = "layers"

Place = tuple[str, int]
"""A layer's name, and how many layers of that name stand before it."""


def layer_pages(suite: Suite, tables: Tables) -> dict[str, str]:
    """The text of every page by its name within bench/; the same tables give the same texts."""
    return {
        page_name(platform): _page(groups, tables)
        for platform, groups in suite.platforms().items()
        if any(rows_of(tables, group) for group in groups)
    }


def page_name(platform: str) -> str:
    """The page's path within bench/."""
    return f"{FOLDER}/{platform}.md"


_ABOUT = """\
Written by `make bench`; `../results/layers.csv` has the same with the kernel of every build. Each
column is a build: instructions of the layer in the run that took most of all inputs. Kernel,
instructions per multiply-accumulate and modelled cycles are the first build's. A layer without a
figure is not in that build. *Outside layers*: the function that calls them, and turns of layers by
rows.
"""


def _page(groups: tuple[Group, ...], tables: Tables) -> str:
    first = groups[0]
    parts = [f"# Layer by layer: {first.core_title} (`{first.target_name}`)\n", _ABOUT]
    models = dict.fromkeys(model for group in groups for model in group.models)
    for model in models:
        text = _network(model, groups, tables)
        if text:
            parts += [f"## {model.title} (`{model.key}`)\n", text, ""]
    return "\n".join(parts)


def _network(model: Model, groups: tuple[Group, ...], tables: Tables) -> str:
    found = [(group, rows_of(tables, group).get(model.key)) for group in groups]
    builds = [(group, row, _layers(tables, row)) for group, row in found if row is not None]
    if not builds:
        return ""
    places = list(dict.fromkeys(place for _, _, own in builds for place in own))
    lines = [_line(place, [own.get(place) for _, _, own in builds]) for place in places]
    outside = [_outside(row, own.values()) for _, row, own in builds]
    lines.append(["outside layers", *[""] * 5, *map(count, outside)])
    lines.append(
        ["**all**", *_whole(builds[0][1]), *(count(row.instructions) for _, row, _ in builds)]
    )
    titles = ["layer", "type", "kernel", "MACs", "per MAC", "cycles"]
    return table([*titles, *(g.build for g, _, _ in builds)], lines, texts=("type", "kernel"))


def _layers(tables: Tables, row: Figures) -> dict[Place, LayerFigures]:
    """The layers of one build in their order, each at its place."""
    seen: Counter[str] = Counter()
    placed: dict[Place, LayerFigures] = {}
    for layer in tables.layers:
        if layer.key == row.key:
            placed[layer.name, seen[layer.name]] = layer
            seen[layer.name] += 1
    return placed


def _line(place: Place, builds: list[LayerFigures | None]) -> list[str]:
    first = next(layer for layer in builds if layer is not None)
    per_mac = first.instructions_per_mac
    return [
        f"`{_short(place[0])}`",
        first.type,
        f"`{first.kernel}`",
        count(first.macs) if first.macs else "",
        "" if per_mac is None else f"{per_mac:.3g}",
        count(first.cycles),
        *(count(None if layer is None else layer.instructions) for layer in builds),
    ]


def _short(name: str, longest: int = 40) -> str:
    """The end of a long name: networks' layers differ there."""
    plain = name.replace("|", "/").replace("`", "'")
    return plain if len(plain) <= longest else f"…{plain[1 - longest :]}"


def _outside(row: Figures, layers: Collection[LayerFigures]) -> int | None:
    """Instructions that are no layer's; None where the layers were not measured."""
    inside = sum(layer.instructions for layer in layers)
    return row.instructions - inside if layers else None


def _whole(row: Figures) -> list[str]:
    return ["", "", count(row.macs), f"{row.instructions_per_mac:.3g}", count(row.cycles)]
