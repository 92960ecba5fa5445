# SPDX-License-Identifier: MIT
"""Latency from counted instructions, with its range, its basis and its known error.

Instructions are counted on an emulator; cycles are an estimate. Where a target has a fitted
model and the run was traced, the model is used; elsewhere a range of cycles per instruction.
Both were measured on whole networks: a layer's share is indicative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.errors import UnknownFigureError, VerifyError
from milliwatt.hardware.model import Figure, FittedTiming, Target


@dataclass(frozen=True, slots=True)
class TraceCounts:
    """What the fitted model charges for beyond one cycle per instruction."""

    store_multiple_registers: int
    """Registers written by store-multiple and push instructions."""
    load_multiple_registers: int
    """Registers read by load-multiple and pop instructions."""
    dual_accesses: int
    """Loads and stores of two registers (LDRD, STRD)."""
    divide_extra_cycles: int
    """Cycles of divisions beyond their first."""
    taken_branches: int
    flash_line_misses: int
    """Misses of the target's instruction and data caches in front of the flash."""


@dataclass(frozen=True, slots=True)
class NodeCount:
    """What one inference executed in one node of the network, or outside all of them."""

    name: str
    instructions: int
    trace: TraceCounts | None = None


@dataclass(frozen=True, slots=True)
class NodeLatency:
    """Estimated cycles of one node."""

    name: str
    instructions: int
    cycles_low: float
    cycles: float
    cycles_high: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Estimated time of one inference: a row per node, and their sums."""

    target: str
    clock_hz: float
    nodes: tuple[NodeLatency, ...]
    basis: str
    """How the cycles were estimated and where its figures come from, as text to print."""
    error: float
    """Largest relative distance of a bound from the estimate: 0.11 is 11 %."""
    is_modelled: bool = False
    """Whether the cycles are a fitted model's, which tells instructions apart, or a ratio's."""

    @property
    def instructions(self) -> int:
        """Executed instructions, counted."""
        return sum(node.instructions for node in self.nodes)

    @property
    def cycles_low(self) -> float:
        """Lower bound of the cycles."""
        return sum(node.cycles_low for node in self.nodes)

    @property
    def cycles(self) -> float:
        """Estimated cycles."""
        return sum(node.cycles for node in self.nodes)

    @property
    def cycles_high(self) -> float:
        """Upper bound of the cycles."""
        return sum(node.cycles_high for node in self.nodes)

    @property
    def seconds_low(self) -> float:
        """Lower bound of the time."""
        return self.cycles_low / self.clock_hz

    @property
    def seconds(self) -> float:
        """Estimated time."""
        return self.cycles / self.clock_hz

    @property
    def seconds_high(self) -> float:
        """Upper bound of the time."""
        return self.cycles_high / self.clock_hz


def estimate_latency(target: Target, counts: Sequence[NodeCount]) -> Latency:
    """Latency of one inference on the target, from what an emulator counted.

    UnknownFigureError where no cycle figure is known for the target.
    """
    if target.timing is None:
        raise UnknownFigureError(
            f"no latency estimate for target '{target.name}': no cycles-per-instruction figure "
            f"is known for its {target.core}; its instructions can be counted"
        )
    traced = sum(count.trace is not None for count in counts)
    if traced not in (0, len(counts)):
        raise VerifyError(f"{traced} of {len(counts)} nodes are traced; trace all or none")
    fitted = target.timing.fitted
    is_modelled = fitted is not None and traced > 0
    if fitted is not None and traced:
        nodes = tuple(_fitted_node(fitted, count) for count in counts)
        basis, error = _fitted_basis(fitted), fitted.max_error.value
    else:
        ratio = target.timing.cycles_per_instruction
        nodes = tuple(_ratio_node(ratio, count) for count in counts)
        basis, error = _ratio_basis(ratio), ratio.error or 0.0
    return Latency(target.name, target.clock_hz.value, nodes, basis, error, is_modelled)


def _ratio_node(ratio: Figure, count: NodeCount) -> NodeLatency:
    low, high = ratio.bounds
    return NodeLatency(
        name=count.name,
        instructions=count.instructions,
        cycles_low=count.instructions * low,
        cycles=count.instructions * ratio.value,
        cycles_high=count.instructions * high,
    )


def _fitted_node(fitted: FittedTiming, count: NodeCount) -> NodeLatency:
    cycles = fitted_cycles(fitted, count)
    return NodeLatency(
        name=count.name,
        instructions=count.instructions,
        cycles_low=cycles * (1 - fitted.max_error.value),
        cycles=cycles,
        cycles_high=cycles * (1 + fitted.max_error.value),
    )


def fitted_cycles(fitted: FittedTiming, count: NodeCount) -> float:
    """Cycles of a traced node by the target's fitted model; VerifyError without a trace.

    Registers of load-multiples, and the second register of dual accesses, cost a cycle each. The
    fit did not charge them, so that code with many is estimated on the slow side.
    """
    trace = count.trace
    if trace is None:
        raise VerifyError(f"node '{count.name}' has no trace counts")
    return (
        count.instructions
        + trace.store_multiple_registers
        + trace.load_multiple_registers
        + trace.dual_accesses
        + trace.divide_extra_cycles
        + fitted.taken_branch_cycles.value * trace.taken_branches
        + fitted.flash_line_miss_cycles.value * trace.flash_line_misses
    )


def _ratio_basis(ratio: Figure) -> str:
    low, high = ratio.bounds
    return (
        f"estimate: counted instructions times {ratio.value:g} ({low:g} to {high:g}) cycles per "
        f"instruction, {ratio.basis} ({ratio.source})"
    )


def _fitted_basis(fitted: FittedTiming) -> str:
    return (
        "estimate: fitted cycle model over traced instructions, multiple loads and stores, "
        f"divides, branches and flash misses, mean error {fitted.mean_error.value:.1%}, at most "
        f"{fitted.max_error.value:.0%} ({fitted.taken_branch_cycles.source})"
    )
