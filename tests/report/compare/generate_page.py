# SPDX-License-Identifier: MIT
"""Writes tables and picture of docs/aimc-or-digital.md.

python -m tests.report.compare.generate_page
"""

from __future__ import annotations

import hashlib
import math
from functools import cache

import numpy as np

from milliwatt.backend.aimc.formulas import Macro, analogue_macro, digital_macro
from milliwatt.frontend.tflite import load_tflite
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import TensorType
from milliwatt.report.compare.candidate import (
    Accuracy,
    Candidate,
    Comparison,
    Known,
    Quantity,
    Refusal,
)
from milliwatt.report.compare.comparison import compare
from milliwatt.report.compare.daily import DayEnergy, break_even_w, day_energy, energy_winners
from milliwatt.report.compare.layers import LAYER_KINDS
from milliwatt.report.compare.pictures import comparison_picture
from milliwatt.report.compare.quality import Samples, quality_text
from milliwatt.report.compare.sweeps import (
    RATES_HZ,
    KindCost,
    SizePoint,
    sweep_kinds,
    sweep_mix,
    sweep_rates,
    sweep_sizes,
)
from milliwatt.report.compare.tables import rate_text
from milliwatt.report.compare.workload import make_workload
from milliwatt.units import format_si
from tests.docs.tables import markdown, write
from tests.models.samples import LABELS, SAMPLES
from tests.models.substitutes import machine_sounds, photographs
from tests.support import REPOSITORY, find_shared

PAGE = REPOSITORY / "docs" / "aimc-or-digital.md"
PICTURE = PAGE.with_suffix(".svg")
DATA = PAGE.with_suffix(".csv")
COMMAND = "python -m tests.report.compare.generate_page"
BOARD = "arduino-nano-33-ble"
DIGITAL = ("st-dimc", "generic-dimc")
ANALOGUE = ("pcm-cluster", "diana", "charge-sram-28nm", "reram-wan2022")
MACHINES = (*DIGITAL, *ANALOGUE)
TARGETS = (BOARD, *MACHINES)
NOISY = ("pcm-cluster", "diana", "reram-wan2022")
SAMPLES_EACH = 40
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
    latency, interval = value(row.latency_s, "s"), value(row.interval_s, "s")
    return f"{value(row.system_energy_j, 'J')}, {latency} ({interval})"


def levels_table() -> str:
    """What the levels of energy are on each machine, and what the system adds to the macro."""
    rows: list[list[str]] = []
    for machine in MACHINES:
        cells: list[str] = []
        for network in list(NETWORKS)[:4]:
            if machine not in {row.target for row in compared(network).candidates}:
                cells.append("does not run")
                continue
            row = compared(network).candidate(machine)
            macro, inner, system = (
                row.macro_energy_j,
                row.accelerator_energy_j,
                row.system_energy_j,
            )
            assert isinstance(macro, Quantity)
            assert isinstance(system, Quantity)
            levels = " → ".join(value(known, "J") for known in (macro, inner, system))
            cells.append(f"{levels} (×{system.value / macro.value:.3g})")
        rows.append([machine, *cells])
    return markdown(["macro → accelerator → system", *list(NETWORKS)[:4]], rows)


def area_table() -> str:
    """Silicon, and results a second, one behind another, for each square millimetre of it."""
    rows: list[list[str]] = []
    for machine in MACHINES:
        area = compared("kws").candidate(machine).area_mm2
        cells = [value(area, "mm²") if isinstance(area, Quantity) else "not published"]
        for network in ("kws", "ic"):
            found = [row for row in compared(network).candidates if row.target == machine]
            cells += _density(found[0], area) if found else ["does not run", ""]
        rows.append([machine, *cells])
    return markdown(["", "area", "kws/s/mm²", "used", "ic/s/mm²", "used"], rows)


def _density(row: Candidate, area: Known) -> list[str]:
    assert isinstance(row.interval_s, Quantity)
    assert isinstance(row.utilisation, Quantity)
    used = f"{row.utilisation.value:.1%}"
    if not isinstance(area, Quantity):
        return ["?", used]
    return [f"{1 / row.interval_s.value / area.value:,.0f}", used]


@cache
def _costs() -> list[KindCost]:
    return sweep_kinds(TARGETS)


def _kinds() -> tuple[list[str], dict[tuple[str, str], str]]:
    costs = _costs()
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
            most = "unknown" if math.isinf(mine.standby_high_j) else f"≤ {mine.standby_high_j:.2g}"
            cells += [f"{mine.inference_j:.2g} + {most}", below]
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
    for point in _sizes():
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


def accuracy_table() -> str:
    """Recorded samples, and substitutes: exact targets, and three chips of each machine."""
    rows: list[list[str]] = []
    for network in ("kws", "vww", "ic", "ad"):
        graph = load(network)
        data = _samples(network, graph.types[graph.inputs[0]])
        workload = make_workload(graph, data, noise_seeds=3, after_s=86_400.0)
        cells = [_accuracy(row) for row in compare(workload, ("st-dimc", *NOISY)).candidates]
        rows.append([network, *cells])
    return markdown([f"{SAMPLES_EACH} samples", "exact", *NOISY], rows)


def _samples(network: str, kind: TensorType) -> Samples:
    """Recorded ones with labels, or photographs and machine sounds without."""
    if network == "ic":
        return Samples(photographs(kind), None).spread(SAMPLES_EACH)
    if network == "ad":
        return Samples(machine_sounds(kind, SAMPLES_EACH), None)
    name = NETWORKS[network][1]
    return Samples(np.stack(SAMPLES[name](kind)), LABELS[name]()).spread(SAMPLES_EACH)


def _accuracy(row: Candidate) -> str:
    found = row.accuracy
    return quality_text(found.values, found.metric) if isinstance(found, Accuracy) else "?"


@cache
def _sizes() -> list[SizePoint]:
    return sweep_sizes(TARGETS)


def picture_data() -> str:
    """What the picture draws, as CSV: panel, target, place on the axis, value."""
    lines = ["panel,target,x,y"]
    done = compared("kws")
    for row in done.candidates:
        for level in ("macro", "accelerator", "system"):
            known: Known = getattr(row, f"{level}_energy_j")
            if isinstance(known, Quantity):
                lines.append(f"levels_uj,{row.target},{level},{known.value * 1e6:.3g}")
    for point in sweep_rates(done):
        for name, day in point.days.items():
            if isinstance(day, DayEnergy):
                lines.append(f"day_j,{name},{rate_text(point.rate_hz)},{day.inference_j:.3g}")
    for cost in _costs():
        lines.append(f"layers_pj_per_mac,{cost.target},{cost.kind},{cost.pj_per_mac:.3g}")
    for size in _sizes():
        for row in size.rows:
            if isinstance(row, Candidate) and isinstance(row.system_energy_j, Quantity):
                energy_uj = row.system_energy_j.value * 1e6
                lines.append(f"sizes_uj,{row.target},{size.weight_bytes},{energy_uj:.3g}")
    return "\n".join(lines) + "\n"


def picture(data: str) -> str:
    """The SVG of the page, with the hash of the data that it draws."""
    drawn = comparison_picture(compared("kws"), ".svg", _costs(), _sizes()).decode()
    return f"{drawn.rstrip()}\n<!-- {digest(data)} -->\n"


def digest(data: str) -> str:
    """What ties the picture to its data."""
    return f"data: sha256 {hashlib.sha256(data.encode()).hexdigest()}"


TABLES = {
    "networks": networks_table,
    "levels": levels_table,
    "area": area_table,
    "layers": layers_table,
    "rates": rates_table,
    "sizes": sizes_table,
    "arrays": arrays_table,
    "accuracy": accuracy_table,
}


if __name__ == "__main__":
    write(PAGE, TABLES)
    DATA.write_text(picture_data(), encoding="utf-8")
    PICTURE.write_text(picture(picture_data()), encoding="utf-8")
