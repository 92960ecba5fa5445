# SPDX-License-Identifier: MIT
"""`python -m bench.readme`: the measured table in the project's README, from bench/results."""

from __future__ import annotations

from pathlib import Path

from bench.goals import headline_goals
from bench.markdown import count, ratio, table
from bench.rows import Figures, Peer
from bench.suite import BENCH, Suite, load_suite
from bench.tables import Tables, load_tables
from milliwatt.errors import OptionError
from milliwatt.output import write_file

README = BENCH.parent / "README.md"
START, END = "<!-- bench:start -->", "<!-- bench:end -->"
COMMAND = "scripts/readme-bench"


def block(suite: Suite, tables: Tables) -> str:
    """What stands between the markers: the headline networks beside the peer to beat."""
    group = suite.headline
    titles = {model.key: model.title for model in suite.models}
    peers = {p.model: p for p in tables.peers if p.key[:2] == ("cortex-m4", group.peers[0])}
    rows = [row for row in tables.figures if row.group == group.name]
    goals = headline_goals(group, tables.figures, tables.peers)
    missed = [f"{g.model} {g.figure} ({g.ours:,} of {g.limit:,})" for g in goals if not g.met]
    lines = [
        [f"{titles[row.model]} (`{row.model}`)", *_cells(row, peers.get(row.model))] for row in rows
    ]
    heads = ["", "instructions", "ratio", "flash, B", "ratio", "SRAM, B", "ratio"]
    heads += ["stack, B", "latency, ms"]
    return (
        f"{table(heads, lines)}\n\n"
        "Goals met (no figure above CMSIS-NN's, no arena above its limit): "
        f"{len(goals) - len(missed)} "
        f"of {len(goals)}{'' if not missed else '; missed: ' + ', '.join(missed)}.\n"
    )


def _cells(row: Figures, peer: Peer | None) -> list[str]:
    def beside(ours: int, theirs: int | None) -> tuple[str, str]:
        return count(ours), ratio(ours, theirs)

    latency = "–" if row.latency_ms is None else f"{row.latency_ms:.3g}"
    return [
        *beside(row.instructions, None if peer is None else peer.instructions),
        *beside(row.image_bytes, None if peer is None else peer.flash_bytes),
        *beside(row.sram_bytes, None if peer is None else peer.arena_bytes),
        count(row.stack_bytes),
        latency,
    ]


def filled(text: str, content: str) -> str:
    """`text` with `content` between the markers; OptionError unless each stands there once."""
    if text.count(START) != 1 or text.count(END) != 1:
        raise OptionError(f"the README needs one {START} and one {END}")
    before, rest = text.split(START)
    _, after = rest.split(END)
    return f"{before}{START}\n{content}{END}{after}"


def main(readme: Path = README) -> None:
    """Write the block into the README."""
    text = readme.read_text("utf-8")
    write_file(readme, filled(text, block(load_suite(), load_tables())))


if __name__ == "__main__":
    main()
