# SPDX-License-Identifier: MIT
"""Latency estimates: hand-computed, ordered, and true to what was published on silicon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.mcu.cost.timing import (
    Latency,
    NodeCount,
    TraceCounts,
    estimate_latency,
    fitted_cycles,
)
from milliwatt.errors import UnknownFigureError, VerifyError
from milliwatt.hardware import list_targets, load_target

L4R5 = load_target("nucleo-l4r5zi")
TIMED = [target for target in list_targets() if target.timing is not None]
TRACE = TraceCounts(
    store_multiple_registers=40,
    load_multiple_registers=20,
    dual_accesses=30,
    divide_extra_cycles=12,
    taken_branches=100,
    flash_line_misses=10,
)
NO_TRACE = TraceCounts(0, 0, 0, 0, 0, 0)


def test_cycles_by_ratio() -> None:
    latency = estimate_latency(L4R5, [NodeCount("conv", 1_000), NodeCount("dense", 500)])
    conv, dense = latency.nodes
    assert (conv.name, conv.instructions) == ("conv", 1_000)
    # 1.38, 1.52 and 1.72 cycles per instruction.
    assert (conv.cycles_low, conv.cycles, conv.cycles_high) == pytest.approx((1380, 1520, 1720))
    assert (dense.cycles_low, dense.cycles, dense.cycles_high) == pytest.approx((690, 760, 860))
    assert latency.instructions == 1_500
    assert (latency.cycles_low, latency.cycles, latency.cycles_high) == pytest.approx(
        (2070, 2280, 2580)
    )
    # At 120 MHz.
    assert (latency.seconds_low, latency.seconds, latency.seconds_high) == pytest.approx(
        (17.25e-6, 19e-6, 21.5e-6)
    )
    assert latency.error == pytest.approx(0.20 / 1.52)
    assert latency.basis.startswith(
        "estimate: counted instructions times 1.52 (1.38 to 1.72) cycles per instruction, "
        "measured (8 latencies published on this board"
    )


def test_cycles_by_fitted_model() -> None:
    latency = estimate_latency(L4R5, [NodeCount("conv", 1_000, TRACE)])
    # 1000 + 40 + 20 + 30 + 12 + 7.55 x 100 + 13.6 x 10, and 11 % either way.
    assert latency.cycles == pytest.approx(1_993)
    assert (latency.cycles_low, latency.cycles_high) == pytest.approx((1_773.77, 2_212.23))
    assert latency.error == 0.11
    assert "mean error 3.8%, at most 11%" in latency.basis


def test_each_term_of_the_fitted_model() -> None:
    assert L4R5.timing is not None
    fitted = L4R5.timing.fitted
    assert fitted is not None
    for trace, extra in (
        (NO_TRACE, 0),
        (TraceCounts(7, 0, 0, 0, 0, 0), 7),
        (TraceCounts(0, 7, 0, 0, 0, 0), 7),
        (TraceCounts(0, 0, 7, 0, 0, 0), 7),
        (TraceCounts(0, 0, 0, 7, 0, 0), 7),
        (TraceCounts(0, 0, 0, 0, 2, 0), 15.1),
        (TraceCounts(0, 0, 0, 0, 0, 5), 68),
    ):
        assert fitted_cycles(fitted, NodeCount("n", 100, trace)) == pytest.approx(100 + extra)
    with pytest.raises(VerifyError, match=r"^node 'n' has no trace counts$"):
        fitted_cycles(fitted, NodeCount("n", 100))


def test_a_trace_where_nothing_is_fitted_is_left_aside() -> None:
    target = load_target("nrf5340-dk")
    traced = estimate_latency(target, [NodeCount("conv", 1_000, TRACE)])
    assert traced == estimate_latency(target, [NodeCount("conv", 1_000)])
    assert traced.cycles == pytest.approx(1_240)


def test_half_a_trace_is_refused() -> None:
    with pytest.raises(VerifyError, match=r"^1 of 2 nodes are traced; trace all or none$"):
        estimate_latency(L4R5, [NodeCount("a", 1, TRACE), NodeCount("b", 1)])


def test_nothing_ran() -> None:
    latency = estimate_latency(L4R5, [])
    assert (latency.instructions, latency.cycles, latency.seconds) == (0, 0, 0)


@pytest.mark.parametrize("name", ["rpi-pico", "corstone-300"])
def test_no_cycle_figure(name: str) -> None:
    target = load_target(name)
    with pytest.raises(UnknownFigureError) as caught:
        estimate_latency(target, [NodeCount("conv", 1_000)])
    assert str(caught.value) == (
        f"no latency estimate for target '{name}': no cycles-per-instruction figure is known "
        f"for its {target.core}; its instructions can be counted"
    )


counts = st.integers(0, 10**9)
traces = st.builds(TraceCounts, counts, counts, counts, counts, counts, counts)
untraced_nodes = st.lists(st.builds(NodeCount, st.text(max_size=5), counts), max_size=6)
traced_nodes = st.lists(st.builds(NodeCount, st.text(max_size=5), counts, traces), max_size=6)


def _is_ordered(latency: Latency) -> None:
    for part in (latency, *latency.nodes):
        assert 0 <= part.cycles_low <= part.cycles <= part.cycles_high
    assert latency.seconds_low <= latency.seconds <= latency.seconds_high
    assert latency.cycles_high <= latency.cycles * (1 + latency.error) * (1 + 1e-9)
    assert latency.cycles_low >= latency.cycles * (1 - latency.error) * (1 - 1e-9)


@given(target=st.sampled_from(TIMED), nodes=untraced_nodes | traced_nodes)
def test_bounds_are_ordered_and_rows_add_up(target, nodes: list[NodeCount]) -> None:
    latency = estimate_latency(target, nodes)
    _is_ordered(latency)
    assert [row.name for row in latency.nodes] == [node.name for node in nodes]
    assert latency.instructions == sum(node.instructions for node in nodes)
    assert latency.seconds * target.clock_hz.value == pytest.approx(latency.cycles)


# Instructions of straight-line C calling CMSIS-NN, -O2, on a Cortex-M4 (an emulator's count), and
# the latencies that OctoML published for its own C calling CMSIS-NN (MLPerf Tiny v1.0 closed,
# microtvm_cmsis_nn), in seconds. Not the same code, hence 4 % of grace around the range.
CMSIS_NN_INSTRUCTIONS = {"kws": 7.696e6, "vww": 24.09e6, "ic": 29.86e6, "ad": 0.580e6}
PUBLISHED_S = {
    "nucleo-l4r5zi": {"kws": 99.8104e-3, "vww": 301.2048e-3, "ic": 389.5598e-3, "ad": 8.605e-3},
    "nrf5340-dk": {"kws": 76.09e-3, "vww": 232.02e-3, "ic": 316.16e-3, "ad": 6.27e-3},
}


@pytest.mark.parametrize("bench", CMSIS_NN_INSTRUCTIONS)
@pytest.mark.parametrize("name", PUBLISHED_S)
def test_against_mlperf_tiny(name: str, bench: str) -> None:
    instructions = round(CMSIS_NN_INSTRUCTIONS[bench])
    latency = estimate_latency(load_target(name), [NodeCount(bench, instructions)])
    published_s = PUBLISHED_S[name][bench]
    assert latency.seconds_low / 1.04 <= published_s <= latency.seconds_high * 1.04


# Instructions of today's TFLM with CMSIS-NN on a Cortex-M4 (an emulator's count) and the latencies
# of MicroNets' Table 4 (arXiv 2010.11267v6) in seconds on the F446RE and the F746ZG.
MICRONETS = {
    "MicroNet-KWS-M": (36.01e6, 0.426, 0.187),
    "MicroNet-VWW-2": (13.06e6, 0.181, 0.079),
    "person detection": (22.93e6, 0.254, 0.108),
}


@pytest.mark.parametrize("network", MICRONETS)
def test_against_micronets(network: str) -> None:
    instructions, f446_s, f746_s = MICRONETS[network]
    for name, published_s in (("nucleo-f446re", f446_s), ("nucleo-f746zg", f746_s)):
        latency = estimate_latency(load_target(name), [NodeCount(network, round(instructions))])
        assert latency.seconds_low <= published_s <= latency.seconds_high
