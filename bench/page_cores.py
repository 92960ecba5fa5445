# SPDX-License-Identifier: MIT
"""The part of the page with every network on every core, ours beside every peer."""

from __future__ import annotations

from bench.markdown import count, ratio, table
from bench.page_goals import rows_of
from bench.page_layers import page_name
from bench.rows import Figures, Peer
from bench.suite import Group, Model, Suite
from bench.tables import Tables

PEER_TITLES = {
    "aot-cmsis": "straight-line CMSIS-NN",
    "aot-cmsis-zig": "straight-line CMSIS-NN (zig)",
    "tflm-cmsis": "TFLM + CMSIS-NN",
    "tinyengine": "TinyEngine (not bit-exact)",
    "microtvm-cmsis_nn": "microTVM + CMSIS-NN",
    "microtvm-native": "microTVM, its own kernels",
    "onnx2c-pt": "onnx2c",
    "tflm-ref": "TFLM, reference kernels",
}
_TITLES = ("", "instructions", "ours / theirs", "per MAC", "modelled cycles", "SRAM", "flash")
_MORE_TITLES = ("beyond weights", "stack")


def peer_title(name: str) -> str:
    """`straight-line CMSIS-NN, -O2` of `aot-cmsis O2`."""
    peer, flags = name.split(" ", 1)
    build = "default build" if flags == "default" else f"-{flags}"
    return f"{PEER_TITLES[peer]}, {build}"


def cores_section(suite: Suite, tables: Tables) -> str:
    """A table for each platform: for each network every build of ours, then every peer."""
    parts = ["## Every network on every core\n", _ABOUT]
    for groups in suite.platforms().values():
        lines = [line for model in _models(groups) for line in _model_lines(model, groups, tables)]
        if lines:
            first = groups[0]
            parts += [f"### {first.core_title} (`{first.target_name}`)\n"]
            parts += [f"[Layer by layer]({page_name(first.platform)})\n"]
            parts += [table([*_TITLES, *_MORE_TITLES], lines), ""]
    return "\n".join(parts)


_ABOUT = """\
For each network our builds, then every peer that was measured. *Ours / theirs*: instructions of our
first build over the peer's. MACs are the model's, though channels that never change are not
computed. Flash is the whole binary, ours with the test harness; *beyond weights* is what is not
weights or biases. The pages linked have every layer of each build.
"""


def _models(groups: tuple[Group, ...]) -> list[Model]:
    return list(dict.fromkeys(model for group in groups for model in group.models))


def _model_lines(model: Model, groups: tuple[Group, ...], tables: Tables) -> list[list[str]]:
    found = [(group, rows_of(tables, group).get(model.key)) for group in groups]
    ours = [(group, row) for group, row in found if row is not None]
    if not ours:
        return []
    first = ours[0][1]
    lines = [_our_line(model, group, row) for group, row in ours]
    names = {f"{peer.peer} {peer.flags}": peer for peer in tables.peers if _is_of(peer, first)}
    wanted = [name for name in groups[0].peers if name in names]
    wanted += [name for name in names if name not in wanted]
    return lines + [_peer_line(model, names[name], name, first) for name in wanted]


def _is_of(peer: Peer, row: Figures) -> bool:
    return (peer.core, peer.model) == (row.core, row.model)


def _our_line(model: Model, group: Group, row: Figures) -> list[str]:
    return [
        f"**{model.key}** {group.build}",
        count(row.instructions),
        "",
        f"{row.instructions_per_mac:.3g}",
        count(row.cycles),
        *map(count, (row.sram_bytes, row.image_bytes, row.beyond_weights_bytes, row.stack_bytes)),
    ]


def _peer_line(model: Model, peer: Peer, name: str, ours: Figures) -> list[str]:
    known = [size for size in (peer.arena_bytes, peer.static_bytes) if size is not None]
    beyond = None if peer.flash_bytes is None else peer.flash_bytes - ours.parameters_bytes
    return [
        f"{model.key} {peer_title(name)}",
        count(peer.instructions),
        ratio(ours.instructions, peer.instructions),
        f"{peer.instructions / ours.macs:.3g}",
        "–",
        count(sum(known) if known else None),
        count(peer.flash_bytes),
        count(beyond),
        count(peer.stack_bytes),
    ]
