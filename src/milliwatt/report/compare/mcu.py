# SPDX-License-Identifier: MIT
"""A Cortex-M board as a candidate: compiled, run on the emulated core, timed by its model."""

from __future__ import annotations

from collections import defaultdict

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.backend.mcu.cost.energy import Energy
from milliwatt.backend.mcu.cost.timing import Latency
from milliwatt.backend.mcu.planning.fit import require_fit
from milliwatt.hardware.load import list_targets, load_target
from milliwatt.hardware.model import Target
from milliwatt.report.compare.candidate import (
    Candidate,
    Known,
    MemoryUse,
    Quantity,
    Standby,
    UnitUse,
    Unknown,
)
from milliwatt.report.compare.workload import Workload
from milliwatt.report.compilation import CompileReport, MemoryMap, compile_report
from milliwatt.run.samples import Sample, random_samples
from milliwatt.run.verify import build_compiled, choose_emulator, ports_of, verify_compiled

FAMILY = "Cortex-M"
ESTIMATE = "estimate: "
"""How the board's own texts begin; a quantity says so beside its source."""
NO_ARRAY = Unknown("a Cortex-M computes on its core: there is no array or accelerator to part")
PEAK_MACS_PER_CYCLE = {"mve": 8, "dsp": 2, "": 1}
"""8-bit multiply-accumulates a cycle: Helium's dual-beat VMLADAV on a Cortex-M55, SMLAD, MLA."""


def names() -> dict[str, str]:
    """Every name and alias of the catalogue, with the name it stands for."""
    aliases = {alias: t.name for t in list_targets() for alias in t.aliases}
    return aliases | {t.name: t.name for t in list_targets()}


def title(name: str) -> str:
    """The board's title."""
    return load_target(name).title


def assess(workload: Workload, name: str) -> Candidate:
    """What the workload costs on the board.

    FitError where it does not fit, UnsupportedError where no kernel computes a node.
    """
    target = load_target(name)
    compiled = compile_graph(workload.source, target)
    plan, sample = compiled.plan, _sample(workload)
    require_fit(
        plan,
        target,
        flash_bytes=plan.weight_bytes + plan.constant_bytes,
        sram_bytes=plan.arena_bytes + plan.state_bytes,
    )
    firmware = build_compiled(compiled)
    emulator = choose_emulator(target.core)
    done = verify_compiled(compiled, firmware, [sample], emulator=emulator)
    report = compile_report(compiled, done, [sample])
    require_fit(
        plan,
        target,
        flash_bytes=report.memory.flash_bytes,
        sram_bytes=report.memory.sram_bytes,
    )
    return _candidate(workload, target, report)


def _sample(workload: Workload) -> Sample:
    """The first labelled sample, or a random one."""
    if workload.data is not None:
        return (workload.data.inputs[0],)
    return random_samples(ports_of(workload.source), 1, 0)[0]


def _candidate(workload: Workload, target: Target, report: CompileReport) -> Candidate:
    reason = Unknown("; ".join(report.unknown))
    return Candidate(
        target=target.name,
        title=target.title,
        family=FAMILY,
        settings=f"{target.clock_hz.value / 1e6:g} MHz, {report.compiler}",
        macs=report.macs,
        accuracy=workload.exact,
        latency_s=reason if report.latency is None else _latency(report.latency),
        interval_s=reason if report.latency is None else _latency(report.latency),
        macro_energy_j=NO_ARRAY,
        accelerator_energy_j=NO_ARRAY,
        system_energy_j=reason if report.energy is None else _energy(report.energy),
        standby=_standby(target),
        area_mm2=Unknown("no die area is in the board's description"),
        memory=_memory(report.memory),
        utilisation=_utilisation(target, report),
        units=_units(target, report),
        notes=(
            f"verified: one sample on the emulated {target.core}, every output equal to the "
            "integer reference",
            *target.notes,
        ),
    )


def _latency(latency: Latency) -> Quantity:
    seconds = (latency.seconds, latency.seconds_low, latency.seconds_high)
    return Quantity(seconds[0], "estimated", latency.basis.removeprefix(ESTIMATE), *seconds[1:])


def _energy(energy: Energy) -> Quantity:
    value, low, high = (uj * 1e-6 for uj in (energy.uj, energy.uj_low, energy.uj_high))
    return Quantity(value, "estimated", energy.basis.removeprefix(ESTIMATE), low, high)


def _standby(target: Target) -> Standby:
    if not target.power:
        return Standby(None, float("inf"), "estimated", "no power figure is known for the board")
    mode = target.power[0]
    sleep, active = mode.sleep_power_uw, mode.active_power_mw
    if sleep is not None:
        low, high = sleep.bounds
        return Standby(low * 1e-6, high * 1e-6, sleep.basis, f"{mode.sleep_state}: {sleep.source}")
    most = float("inf") if active is None else active.bounds[1] * 1e-3
    return Standby(
        None, most, "estimated", "no sleep figure is known; at most what never sleeping takes"
    )


def _memory(memory: MemoryMap) -> tuple[MemoryUse, ...]:
    return (
        MemoryUse("flash", memory.flash_bytes, memory.flash_have_bytes),
        MemoryUse("SRAM", memory.sram_bytes, memory.sram_have_bytes),
    )


def _utilisation(target: Target, report: CompileReport) -> Known:
    if report.latency is None:
        return Unknown("cycles are not known")
    feature = next(name for name in PEAK_MACS_PER_CYCLE if name in target.features or not name)
    peak = PEAK_MACS_PER_CYCLE[feature]
    value = report.macs / (report.latency.cycles * peak)
    source = f"MACs over estimated cycles, of {peak} a cycle ({feature or 'single multiplies'})"
    return Quantity(value, "estimated", source)


def _units(target: Target, report: CompileReport) -> tuple[UnitUse, ...]:
    found: dict[str, list[tuple[int, float | None]]] = defaultdict(list)
    for layer in report.layers:
        seconds = None if layer.cycles is None else layer.cycles / target.clock_hz.value
        found[layer.op].append((layer.macs, seconds))
    return tuple(
        UnitUse(
            op=op,
            unit=target.core,
            nodes=len(rows),
            macs=sum(macs for macs, _ in rows),
            seconds=None if rows[0][1] is None else sum(s for _, s in rows if s is not None),
        )
        for op, rows in found.items()
    )
