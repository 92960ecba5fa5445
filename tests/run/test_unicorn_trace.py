# SPDX-License-Identifier: MIT
import pytest

from milliwatt.errors import EmulationError
from milliwatt.run.measurement import OVERHEAD
from milliwatt.run.unicorn_runner import run_unicorn
from milliwatt.run.unicorn_trace import FlashCaches, TraceCounts, trace_unicorn
from tests.run.toys import CONDITIONAL, COUNTED, TOY, build, toy_samples

pytest.importorskip("unicorn")
pytestmark = pytest.mark.emulator


def traced(caches: FlashCaches | None = None) -> dict[str, TraceCounts]:
    firmware = build(COUNTED, "cortex-m4", "auto")
    (rows,) = trace_unicorn(firmware, COUNTED, [(bytes(4),)], caches=caches)
    return dict(rows)


def test_events_equal_those_made_by_hand() -> None:
    rows = traced()
    node = rows["counted_node_0"]
    # Twice: push of 3, stmdb of 2; sdiv and udiv; 4 of 5 rounds branch back, then the return.
    assert node.store_multiple_registers == 2 * 5
    # Twice: ldmia of 2, pop of 3; ldrd and strd.
    assert node.load_multiple_registers == 2 * 5
    assert node.dual_accesses == 2 * 2
    assert node.divides == 2 * 2
    assert node.float_divides == 0
    assert node.taken_branches == 2 * 5
    assert node.data_line_misses == 0
    # push; to the helper, back, and the return; one literal read from flash.
    assert rows["counted_node_1"].store_multiple_registers == 2
    assert rows["counted_node_1"].load_multiple_registers == 2
    assert rows["counted_node_1"].taken_branches == 3
    assert rows["counted_node_1"].data_line_misses == 1
    # Its push, and its three calls; the return leaves what is traced.
    assert rows[OVERHEAD].store_multiple_registers == 2
    assert rows[OVERHEAD].taken_branches == 3


def lines(start: int, size: int) -> range:
    return range(start // 32, (start + size - 1) // 32 + 1)


def test_line_misses_are_the_distinct_lines_while_the_cache_holds_them() -> None:
    firmware = build(COUNTED, "cortex-m4", "auto")
    names = ("counted_run", "counted_node_0", "counted_node_1", "helper")
    code = [firmware.find_symbol(name) for name in names]
    touched = {line for s in code for line in lines(s.address, s.size_bytes)}
    rows = traced(FlashCaches(instruction_lines=64, data_lines=8))
    misses = sum(row.instruction_line_misses for row in rows.values())
    # The literal pool behind node 1 is read as data, never executed.
    assert len(touched) - 1 <= misses <= len(touched)


def test_a_cache_of_one_line_misses_at_every_change_of_line() -> None:
    small = traced(FlashCaches(instruction_lines=1, data_lines=1))
    large = traced()
    for name, row in small.items():
        assert row.instruction_line_misses >= large[name].instruction_line_misses
    total = sum(row.instruction_line_misses for row in small.values())
    assert total > sum(row.instruction_line_misses for row in large.values())


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_tracing_counts_the_same_instructions(compiler: str) -> None:
    firmware = build(TOY, "cortex-m4", compiler)
    samples = toy_samples()
    plain = run_unicorn(firmware, TOY, samples).instructions_by_row
    rows = trace_unicorn(firmware, TOY, samples)
    assert {n: tuple(row[n].instructions for row in rows) for n in plain} == plain
    assert all(row["toy_node_1"].divides >= 4 * 3 for row in rows)


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_a_conditional_read_leaves_no_condition_behind(compiler: str) -> None:
    firmware = build(CONDITIONAL, "cortex-m4", compiler)
    plain = run_unicorn(firmware, CONDITIONAL, [(bytes(4),)]).instructions_by_row
    (rows,) = trace_unicorn(firmware, CONDITIONAL, [(bytes(4),)])
    assert {name: (row.instructions,) for name, row in rows.items()} == plain
    assert rows["conditional_node_0"].data_line_misses == 1
    assert rows["conditional_node_1"].instructions == 3


def test_tracing_repeats_exactly() -> None:
    firmware = build(TOY, "cortex-m4", "auto")
    (sample, *_) = toy_samples()
    first, second = trace_unicorn(firmware, TOY, [sample, sample])
    assert first == second


def test_only_thumb_can_be_traced() -> None:
    firmware = build(TOY, "rv32imc", "zig")
    with pytest.raises(EmulationError, match=r"^only Thumb cores can be traced, not rv32imc$"):
        trace_unicorn(firmware, TOY, toy_samples())
