# SPDX-License-Identifier: MIT
"""Writes the tables of docs/aimc-or-digital.md: python -m tests.report.generate_page"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from milliwatt.backend import aimc
from milliwatt.backend.aimc.formulas import Macro, analogue_macro, digital_macro
from milliwatt.backend.aimc.place import Options
from milliwatt.backend.dimc.estimate import estimate as digital_estimate
from milliwatt.backend.dimc.extract import Precision, is_linear
from milliwatt.backend.dimc.load import load_machine as load_digital
from milliwatt.backend.dimc.placement import place as place_digital
from milliwatt.frontend.tflite import load_tflite
from milliwatt.ir.graph import Graph
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.report.compare_daily import DayEnergy, break_even_w, day_energy, energy_winners
from milliwatt.report.compare_data import make_workload
from milliwatt.report.compare_layers import LAYER_KINDS
from milliwatt.report.compare_quality import Samples
from milliwatt.report.compare_sweeps import RATES_HZ, sweep_kinds, sweep_mix, sweep_sizes
from milliwatt.report.compare_tables import rate_text
from milliwatt.report.compare_types import Accuracy, Candidate, Comparison, Known, Quantity, Refusal
from milliwatt.report.comparison import compare
from milliwatt.units import format_si
from tests.models.samples import LABELS, SAMPLES
from tests.support import REPOSITORY, find_shared

PAGE = REPOSITORY / "docs" / "aimc-or-digital.md"
COMMAND = "python -m tests.report.generate_page"
BOARD = "arduino-nano-33-ble"
TARGETS = ("nucleo-l4r5zi", BOARD, "st-dimc", "pcm-cluster", "diana", "reram-wan2022")
MACHINES = TARGETS[2:]
NETWORKS = {
    "ad": ("mlperf_tiny", "ad01_int8"),
    "kws": ("mlperf_tiny", "kws_dscnn_int8"),
    "vww": ("mlperf_tiny", "vww_mobilenetv1_025_96_int8"),
    "ic": ("mlperf_tiny", "ic_resnet8_int8"),
    "MicroNet ad-L": ("micronets", "micronet_ad_l_int8"),
    "MicroNet kws-M": ("micronets", "micronet_kws_m_int8"),
    "MicroNet vww-2": ("micronets", "micronet_vww2_int8"),
}
SIDES = (32, 64, 128, 256, 512, 1024)

Rows = Sequence[Sequence[str]]


def load(network: str) -> Graph:
    """One of NETWORKS, as imported."""
    folder = find_shared()
    if folder is None:
        raise SystemExit("the shared models are needed: see tests/support.py")
    family, name = NETWORKS[network]
    return load_tflite((folder / "models" / family / f"{name}.tflite").read_bytes(), name)


@cache
def compared(network: str) -> Comparison:
    """The network on all targets."""
    return compare(make_workload(load(network)), TARGETS)


def markdown(head: Sequence[str], rows: Rows) -> str:
    """A table, the first column to the left, the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def value(known: Known, unit: str) -> str:
    return "?" if not isinstance(known, Quantity) else format_si(known.value, unit)


def networks_table() -> str:
    """System energy and latency of every network on every target, and who certainly wins."""
    rows: list[list[str]] = []
    for network in NETWORKS:
        done = compared(network)
        cells = [_energy_latency(row) for row in done.rows]
        winners = energy_winners(done.candidates)
        least = winners[0] if len(winners) == 1 else " or ".join(winners)
        rows.append([f"{network} ({format_si(done.macs, 'MACs')})", *cells, least])
    return markdown(["", *TARGETS, "least energy"], rows)


def _energy_latency(row: Candidate | Refusal) -> str:
    if isinstance(row, Refusal):
        return "does not run"
    return f"{value(row.system_energy_j, 'J')}, {value(row.latency_s, 's')}"


def levels_table() -> str:
    """What the levels of energy are on each machine, and what the system adds to the macro."""
    rows: list[list[str]] = []
    for machine in MACHINES:
        cells: list[str] = []
        for network in list(NETWORKS)[:4]:
            row = compared(network).candidate(machine)
            macro, system = row.macro_energy_j, row.system_energy_j
            assert isinstance(macro, Quantity)
            assert isinstance(system, Quantity)
            cells.append(
                f"{value(macro, 'J')} → {value(system, 'J')} (×{system.value / macro.value:.3g})"
            )
        rows.append([machine, *cells])
    return markdown(["macro → system", *list(NETWORKS)[:4]], rows)


def area_table() -> str:
    """Silicon, and inferences a second for each square millimetre of it."""
    rows: list[list[str]] = []
    for machine in MACHINES:
        first = compared("kws").candidate(machine)
        area = first.area_mm2
        cells = [value(area, "mm²") if isinstance(area, Quantity) else "not published"]
        for network in ("kws", "ic"):
            row = compared(network).candidate(machine)
            assert isinstance(row.latency_s, Quantity)
            known = isinstance(area, Quantity)
            rate = 1 / row.latency_s.value / area.value if isinstance(area, Quantity) else 0.0
            cells.append(f"{rate:,.0f}" if known else "?")
            assert isinstance(row.utilisation, Quantity)
            cells.append(f"{row.utilisation.value:.1%}")
        rows.append([machine, *cells])
    head = ["", "area", "kws/s/mm²", "kws used", "ic/s/mm²", "ic used"]
    return markdown(head, rows)


@cache
def _kinds() -> tuple[list[str], dict[tuple[str, str], str]]:
    costs = sweep_kinds(TARGETS)
    cells = {
        (
            c.target,
            c.kind,
        ): f"{c.pj_per_mac:.3g} ({0.0 if c.utilisation is None else c.utilisation:.1%})"
        for c in costs
    }
    mixes = sweep_mix([c for c in costs if c.target in MACHINES], "pointwise", "depthwise", 20)
    winners = [p.winner for p in mixes]
    changes = [
        f"{winners[i]} from {mixes[i].shares['depthwise']:.0%}"
        for i in range(len(winners))
        if i == 0 or winners[i] != winners[i - 1]
    ]
    return changes, cells


def layers_table() -> str:
    """System pJ/MAC and utilisation by kind of layer; then who wins along a mix."""
    changes, cells = _kinds()
    rows = [[t, *(cells.get((t, kind), "?") for kind in LAYER_KINDS)] for t in TARGETS]
    table = markdown(["pJ/MAC (used)", *LAYER_KINDS], rows)
    mixed = "; ".join(changes)
    return (
        f"{table}\n\nLeast as depthwise layers replace pointwise ones, by share of MACs: {mixed}."
    )


def rates_table() -> str:
    """kws by rate: joules a day, and the standby that a machine must stay below."""
    done = compared("kws")
    board = done.candidate(BOARD)
    rows: list[list[str]] = []
    for rate in RATES_HZ:
        day = day_energy(board, rate)
        cells = [f"{day.low_j:.3g}" if isinstance(day, DayEnergy) else "too slow"]
        for machine in ("st-dimc", "pcm-cluster"):
            row = done.candidate(machine)
            mine = day_energy(row, rate)
            assert isinstance(mine, DayEnergy)
            even = break_even_w(row, board, rate)
            below = f"below {format_si(even.value, 'W')}" if isinstance(even, Quantity) else "any"
            cells += [f"{mine.inference_j:.2g} + 0 … {mine.standby_high_j:.2g}", below]
        rows.append([rate_text(rate), *cells])
    head = [
        "J/day",
        f"{BOARD}, sleeping",
        "st-dimc + standby",
        "wins with standby",
        "pcm-cluster + standby",
        "wins with standby",
    ]
    return markdown(head, rows)


def sizes_table() -> str:
    """Stacks of convolutions, wider and wider."""
    rows: list[list[str]] = []
    for point in sweep_sizes(TARGETS):
        cells = [
            value(row.system_energy_j, "J") if isinstance(row, Candidate) else "refused"
            for row in point.rows
        ]
        least = " or ".join(point.winners)
        rows.append([f"{point.weight_bytes / 1024:,.0f} KiB", *cells, least])
    return markdown(["weights", *TARGETS, "least"], rows)


def arrays_table() -> str:
    """Macros from first principles: 8-bit weights and inputs, 2 input bits a step, 8-bit ADC."""
    rows: list[list[str]] = []
    for side in SIDES:
        macro = Macro(side, side // 8, 8, 8, 2)
        analogue, digital = analogue_macro(macro, 8), digital_macro(macro)
        rows.append(
            [
                f"{side} × {side}",
                f"{digital.tops_per_watt:.1f}",
                f"{analogue.tops_per_watt:.1f}",
                "digital" if digital.tops_per_watt > analogue.tops_per_watt else "analogue",
                f"{digital.tops_per_mm2:.2f}",
                f"{analogue.tops_per_mm2:.2f}",
                f"{analogue.energy_share('adc', 'dac'):.0%}, {analogue.area_share('adc'):.0%}",
            ]
        )
    head = [
        "array",
        "digital TOPS/W",
        "analogue TOPS/W",
        "wins",
        "digital TOPS/mm²",
        "analogue TOPS/mm²",
        "converters' energy, area",
    ]
    return markdown(head, rows)


def precision_table() -> str:
    """Cost at 8 and at 4 bits; weights cut to their upper bits, so no accuracy is meant."""
    rows: list[list[str]] = []
    for network in list(NETWORKS)[:4]:
        graph = run_pipeline(load(network))
        linear = [node for node in graph.nodes if is_linear(node)]
        cut = {node.inputs[1]: (graph.constants[node.inputs[1]] >> 4) for node in linear}
        coarse = graph.with_nodes(graph.nodes, constants={**graph.constants, **cut})
        four = {node.outputs[0]: Precision(4, 4) for node in linear}
        cells: list[str] = []
        for source, precision in ((graph, {}), (coarse, four)):
            placed = place_digital(source, load_digital("st-dimc"), precision=precision)
            cost = digital_estimate(placed)
            cells.append(
                f"{format_si(cost.energy_pj * 1e-12, 'J')}, {format_si(cost.seconds, 's')}"
            )
        for options in (Options(), Options(weights="rounded")):
            cost = aimc.estimate(aimc.place(graph, aimc.load_machine("pcm-cluster"), options))
            cells.append(
                f"{format_si(cost.energy_pj * 1e-12, 'J')}, {format_si(cost.seconds, 's')}"
            )
        rows.append([network, *cells])
    head = [
        "",
        "st-dimc, 8-bit",
        "st-dimc, 4-bit",
        "pcm-cluster, 8-bit weights",
        "pcm-cluster, 4-bit weights",
    ]
    return markdown(head, rows)


def accuracy_table() -> str:
    """kws and vww on recorded samples: exact targets, and three chips of each analogue machine."""
    rows: list[list[str]] = []
    for network in ("kws", "vww"):
        graph = load(network)
        kind = graph.types[graph.inputs[0]]
        name = NETWORKS[network][1]
        data = Samples(np.stack(SAMPLES[name](kind)), LABELS[name]()).spread(60)
        for after_s, when in ((1.0, "1 s"), (86_400.0, "1 day")):
            workload = make_workload(graph, data, noise_seeds=3, after_s=after_s)
            done = compare(workload, ("st-dimc", "pcm-cluster", "reram-wan2022"))
            rows.append([f"{network}, after {when}", *(_accuracy(row) for row in done.candidates)])
    head = ["60 samples", "exact: every Cortex-M and st-dimc", "pcm-cluster", "reram-wan2022"]
    return markdown(head, rows)


def _accuracy(row: Candidate) -> str:
    found = row.accuracy
    if not isinstance(found, Accuracy):
        return "?"
    spread = f" ± {100 * found.spread:.1f}" if len(found.values) > 1 else ""
    return f"{100 * found.mean:.1f}{spread} %"


TABLES: dict[str, Callable[[], str]] = {
    "networks": networks_table,
    "levels": levels_table,
    "area": area_table,
    "layers": layers_table,
    "rates": rates_table,
    "sizes": sizes_table,
    "arrays": arrays_table,
    "precision": precision_table,
    "accuracy": accuracy_table,
}


def table_in(text: str, name: str) -> str:
    """What stands between the markers of a table."""
    found = re.search(rf"<!-- {name}:start -->\n(.*?)\n?<!-- {name}:end -->", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"{PAGE} has no markers of the table '{name}'")
    return found.group(1)


def filled(text: str, name: str, table: str) -> str:
    """The text with the table between its markers."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    head, rest = text.split(start)
    _, tail = rest.split(end)
    return f"{head}{start}\n{table}\n{end}{tail}"


def write(page: Path) -> None:
    """Fill every table of the page."""
    text = page.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        text = filled(text, name, make())
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(PAGE)
