# SPDX-License-Identifier: MIT
"""bench/README.md, written from the tables alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from bench.goals import headline_goals
from bench.limits import MVE_PER_MAC, SMLAD_PER_MAC, limits_section
from bench.markdown import count, ratio, table, tick
from bench.measure import LAYER_TYPES, OTHER
from bench.page_cores import cores_section, peer_title
from bench.page_goals import goals_section
from bench.page_latency import latency_section
from bench.page_published import published_section
from bench.plot import PICTURE
from bench.plot_networks import NETWORKS
from bench.rows import Figures, LayerFigures, Peer
from bench.suite import Group, Suite
from bench.tables import Tables

PeerFigure = Callable[[Peer], int | None]

_HEADER = """\
# Benchmark

Written by `make bench` from `suite.toml` and what is measured; `make check` fails when
instructions, modelled cycles, flash, SRAM or stack of a network, or instructions of a layer, become
worse than what is committed in `results/`.
A part alone:
`python -m bench --group m4-zig`; this page alone from the tables: `python -m bench --page`.

Every run is verified: the outputs of {samples} random inputs (full range, seed {seed}) on the
emulated core equal the integer reference byte by byte. **Instructions are counted, not cycles**,
and are the most that any of the inputs took; *modelled cycles* are an estimate by the board's
fitted model, every register of multiple loads and stores charged. Flash is the whole binary with
weights, ours with the test harness. SRAM is arena, state and statics; the stack is listed apart.
MACs are multiply-accumulates of the network as published.

{models}
"""

_FOOTER = """\
## Where the peers' figures come from

`peers.csv`: measured 2026-11 on Debian 12 with its arm-none-eabi-gcc 12.2, or with zig 0.17.0
(clang 22) where it says zig, and the optimisation that stands in each row. The engines were built
for bare metal, ran the same networks on emulated cores, and their outputs were compared with
LiteRT's reference kernels; instructions were counted by the emulator, of whole networks only.
"Straight-line CMSIS-NN" is C that calls CMSIS-NN's kernels one after another without an
interpreter. TinyEngine is not bit-exact. Rows marked "rounded" are known to four digits only.
`published.csv` and `published_cores.csv` name the source of every latency.

## Files

| file | content |
| --- | --- |
| `suite.toml` | networks, targets, compilers, goals |
| `results/figures.csv` | a row for each network and build: counts, sizes, compiler, flags |
| `results/layers.csv` | instructions and modelled cycles of every layer of every build |
| `layers/` | the same as pages |
| `limits.toml`, `missed.toml` | what limits each kernel; why a goal is missed |
| `results/times.csv` | seconds on the machine that made the table; all else is deterministic |
| `peers.csv`, `cmsis_nn_shares.csv` | what other engines need, measured, with sources |
| `published.csv`, `published_cores.csv` | what they published, with sources |
| `predictions/` | how far predictions of instructions are off, kernel by kernel |
"""


def render(suite: Suite, tables: Tables) -> str:
    """The page; the same tables give the same text."""
    parts = [
        _HEADER.format(samples=suite.samples, seed=suite.seed, models=_models(suite, tables)),
        goals_section(suite, tables),
        _headline(suite, tables),
        _memory(suite, tables),
        latency_section(suite, tables),
        published_section(suite, tables),
        _layer_types(suite, tables),
        limits_section(suite, tables.layers),
        cores_section(suite, tables),
        _times(tables),
        _sources(suite, tables),
        _FOOTER,
    ]
    return "\n".join(parts)


def _models(suite: Suite, tables: Tables) -> str:
    """What the short names stand for."""
    rows = {row.model: row for row in tables.figures}
    lines = [
        [model.key, model.title, count(row.macs), count(row.parameters_bytes)]
        for model in suite.models
        if (row := rows.get(model.key))
    ]
    titles = ["network", "what it is", "MACs", "weights and biases, bytes"]
    return table(titles, lines, texts=["what it is"])


def _rows(tables: Tables, group: Group) -> dict[str, Figures]:
    return {row.model: row for row in tables.figures if row.group == group.name}


def _peers(tables: Tables, core: str, name: str) -> dict[str, Peer]:
    return {peer.model: peer for peer in tables.peers if peer.key[:2] == (core, name)}


def _headline(suite: Suite, tables: Tables) -> str:
    goals = headline_goals(suite.headline, tables.figures, tables.peers)
    missed = [goal for goal in goals if not goal.met]
    told = "; ".join(f"{g.model} {g.figure} {g.ours:,} of {g.limit:,}" for g in missed)
    lines = [
        f"## {suite.headline.title}, beside CMSIS-NN\n",
        f"Goal: no more than {peer_title(suite.headline.peers[0])}, on every figure; SRAM no "
        "more than its arena alone.",
        f"**{len(goals) - len(missed)} of {len(goals)} goals met**"
        + (f"; missed: {told}." if missed else ".")
        + "\n",
        _compared(suite, tables, "instructions", "instructions", lambda p: p.instructions),
        _compared(suite, tables, "flash", "image_bytes", lambda p: p.flash_bytes),
        _compared(suite, tables, "SRAM", "sram_bytes", lambda p: p.arena_bytes),
        *_other_engines(suite, tables),
    ]
    return "\n".join(lines)


def _compared(suite: Suite, tables: Tables, title: str, ours: str, theirs: PeerFigure) -> str:
    group = suite.headline
    rows = _rows(tables, group)
    goals = {
        goal.model: goal
        for goal in headline_goals(group, tables.figures, tables.peers)
        if goal.figure == title
    }
    names = (group.peers[0], group.peers[-1])
    peers = [_peers(tables, "cortex-m4", name) for name in names]
    titles = [title, "milliwatt"]
    for name in names:
        titles += [peer_title(name), "ratio"]
    lines: list[list[str]] = []
    for model, row in rows.items():
        value = getattr(row, ours)
        cells = [model, count(value)]
        for peer in peers:
            figure = theirs(peer[model]) if model in peer else None
            cells += [count(figure), ratio(value, figure)]
        lines.append([*cells, tick(goals[model].met) if model in goals else "–"])
    return table([*titles, "goal met"], lines) + "\n"


def _other_engines(suite: Suite, tables: Tables) -> list[str]:
    rows = _rows(tables, suite.headline)
    lines = [
        [
            f"{peer_title(peer.key[1])}: {peer.model}",
            *(count(peer.instructions), ratio(rows[peer.model].instructions, peer.instructions)),
            *map(count, (peer.flash_bytes, peer.arena_bytes, peer.static_bytes)),
        ]
        for peer in tables.peers
        if peer.peer == "tinyengine" and peer.model in rows
    ]
    titles = ["not bit-exact", "instructions", "ours / theirs", "flash", "arena", "statics"]
    return [table(titles, lines) + "\n"] if lines else []


def _memory(suite: Suite, tables: Tables) -> str:
    lines: list[list[str]] = []
    for model in suite.headline.models:
        row = _rows(tables, suite.headline).get(model.key)
        if row is None:
            continue
        goal = model.arena_goal_bytes
        lines.append(
            [
                model.key,
                *map(count, (row.weights_bytes, row.constants_bytes, row.code_bytes)),
                *map(count, (row.arena_bytes, row.arena_lower_bound_bytes)),
                "yes" if row.arena_proven else "no",
                count(goal),
                "–" if goal is None else tick(row.arena_bytes <= goal),
                *map(count, (row.state_bytes, row.static_bytes, row.stack_bytes)),
            ]
        )
    titles = ["bytes", "weights", "constants", "code", "arena", "lower bound", "optimal"]
    titles += ["arena goal", "met", "state", "static", "stack"]
    about = "The arena is proven optimal where it equals its lower bound: no order of operators "
    about += "and no placement needs less under the same in-place rules.\n"
    return f"## Memory in detail\n\n{about}\n{table(titles, lines)}\n"


def _layer_types(suite: Suite, tables: Tables) -> str:
    group = suite.headline.name
    layers = [layer for layer in tables.layers if layer.group == group]
    kinds = [kind for kind in LAYER_TYPES if kind != OTHER]
    rows = _rows(tables, suite.headline)
    lines = [
        [
            model,
            *(_per_mac(layers, model, kind) for kind in kinds),
            _other_share(layers, model),
            f"{row.instructions_per_mac:.2f}",
        ]
        for model, row in rows.items()
    ]
    titles = [*kinds, "other, share", "network"]
    about = (
        f"A loop of nothing but SMLAD needs {SMLAD_PER_MAC} instructions per multiply-accumulate, "
        f"one of Helium's\nVMLADAVA {MVE_PER_MAC}; loads, unpacking and requantisation come on "
        "top.\n"
    )
    body = table(["instructions per MAC", *titles], lines)
    pictures = f"![Instructions per MAC of every layer](results/{PICTURE})\n\n"
    pictures += f"![Instructions per MAC of every network](results/{NETWORKS})\n"
    shares = _beside_shares(tables, layers, rows)
    return f"## Where the instructions go\n\n{about}\n{body}\n\n{shares}{pictures}"


def _beside_shares(tables: Tables, layers: Iterable[LayerFigures], rows: dict[str, Figures]) -> str:
    """Types of layers beside CMSIS-NN, of which shares of the whole are known."""
    peers = _peers(tables, "cortex-m4", "aot-cmsis O2")
    chosen = [s for s in tables.shares if s.model in rows and s.model in peers]
    if not chosen:
        return ""
    own: dict[tuple[str, str], int] = defaultdict(int)
    for layer in layers:
        own[layer.model, layer.type] += layer.instructions
    lines: list[list[str]] = []
    for share in chosen:
        ours = own[share.model, share.type]
        theirs = float(f"{share.share * peers[share.model].instructions:.3g}")
        name = f"{share.model}, {share.type}"
        lines.append(
            [name, count(ours), f"{theirs:,.0f}", ratio(ours, theirs), f"{share.share:.0%}"]
        )
    titles = ["instructions", "milliwatt", "CMSIS-NN, about", "ratio", "of its whole network"]
    about = (
        "Peers were counted as whole networks; of straight-line CMSIS-NN, -O2, it is known which "
    )
    about += "share its kernels\nfor two types of layers take, to two digits:\n"
    return f"{about}\n{table(titles, lines)}\n\n"


def _per_mac(layers: Iterable[LayerFigures], model: str, kind: str) -> str:
    chosen = [layer for layer in layers if (layer.model, layer.type) == (model, kind)]
    macs = sum(layer.macs for layer in chosen)
    return f"{sum(layer.instructions for layer in chosen) / macs:.2f}" if macs else ""


def _other_share(layers: Iterable[LayerFigures], model: str) -> str:
    own = [layer for layer in layers if layer.model == model]
    other = sum(layer.instructions for layer in own if layer.type == OTHER)
    return f"{other / sum(layer.instructions for layer in own):.1%}"


def _times(tables: Tables) -> str:
    lines = [
        [t.what, f"{t.seconds:.2f} s", f"{t.goal_seconds:g} s", tick(t.seconds < t.goal_seconds)]
        for t in tables.times
    ]
    machines = ", ".join(dict.fromkeys(t.machine for t in tables.times))
    about = "The whole command `milliwatt compile`, from start of the process to the written C "
    about += "project, the C compiler not\nincluded; the shortest of three runs"
    about += f" ({machines}). Reported, never asserted.\n" if machines else ".\n"
    titles = ["", "time", "goal: under", "met"]
    return f"## How long milliwatt takes\n\n{about}\n{table(titles, lines)}\n"


def _sources(suite: Suite, tables: Tables) -> str:
    measured: dict[tuple[str, str, str, str, str], list[str]] = defaultdict(list)
    for row in tables.figures:
        measured[(row.compiler, row.flags, row.emulator, row.commit, row.sources)].append(row.group)
    titles = {group.name: group.title for group in suite.groups}
    lines = [
        [", ".join(titles[name] for name in dict.fromkeys(groups)), *map(_code, key)]
        for key, groups in measured.items()
    ]
    about = (
        "Commit and hash of `src/milliwatt/backend/mcu`, from which the C is generated, and the "
    )
    about += "compiler that built it.\n"
    heads = ["builds", "compiler", "flags", "emulator", "commit", "hash"]
    body = table(heads, lines, texts=heads)
    return f"## Built from\n\n{about}\n{body}\n"


def _code(text: str) -> str:
    return f"`{text}`"
