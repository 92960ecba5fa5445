# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from milliwatt.errors import DataError, EmulationError
from milliwatt.run.build import build_firmware
from milliwatt.run.cores import find_core
from milliwatt.run.measurement import OVERHEAD
from milliwatt.run.unicorn_runner import run_unicorn
from tests.run.toys import (
    CORE_AND_COMPILER,
    COUNTED,
    FAULTY,
    FIXTURE,
    TOY,
    TOY_SOURCES,
    build,
    toy_reference,
    toy_samples,
)

pytest.importorskip("unicorn")
pytestmark = pytest.mark.emulator

# push, movs, 5 rounds of 5, then 9 more; both arms of ite count.
NODE_0 = 2 + 5 * 5 + 9
NODE_1 = 2 + 3 + 40 + 2


@pytest.mark.parametrize(("core", "compiler"), [*CORE_AND_COMPILER, ("rv32imc", "zig")])
@pytest.mark.parametrize("reset_each", [True, False])
def test_outputs_are_those_of_the_model(core: str, compiler: str, reset_each: bool) -> None:
    firmware = build(TOY, core, compiler)
    samples = toy_samples()
    measured = run_unicorn(firmware, TOY, samples, reset_each=reset_each)
    assert measured.outputs == toy_reference(samples, reset_each)


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"])
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_counts_equal_those_made_by_hand(core: str, compiler: str) -> None:
    firmware = build(COUNTED, core, compiler)
    measured = run_unicorn(firmware, COUNTED, [(bytes(4),), (bytes(4),)])
    assert measured.instructions_by_row == {
        OVERHEAD: (5, 5),
        "counted_node_0": (2 * NODE_0, 2 * NODE_0),
        "counted_node_1": (NODE_1, NODE_1),
    }
    assert measured.instructions == (5 + 2 * NODE_0 + NODE_1,) * 2


def test_stack_is_what_the_pushes_touch() -> None:
    firmware = build(COUNTED, "cortex-m4", "auto")
    # run: 2 words; node_0: 3 words and 2 stored below them.
    assert run_unicorn(firmware, COUNTED, [(bytes(4),)]).stack_bytes == 4 * (2 + 3 + 2)


def test_two_models_in_one_firmware() -> None:
    firmware = build_firmware(
        [*TOY_SOURCES, FIXTURE / "counted.c"],
        TOY,
        find_core("cortex-m4"),
        include_folders=[FIXTURE],
        other_models=[COUNTED],
    )
    samples = toy_samples()
    assert run_unicorn(firmware, TOY, samples).outputs == toy_reference(samples, True)
    counts = run_unicorn(firmware, COUNTED, [(bytes(4),)]).instructions_by_row
    assert counts["counted_node_0"] == (2 * NODE_0,)


def test_no_samples_is_no_counts() -> None:
    measured = run_unicorn(build(TOY, "cortex-m4", "auto"), TOY, [])
    assert measured.outputs == ()
    assert measured.instructions == ()
    assert measured.stack_bytes == 0


def fault(case: int, core: str = "cortex-m4", limit: int = 1_000_000) -> str:
    firmware = build(FAULTY, core, "auto")
    samples = [(np.array([case], np.int32),)]
    with pytest.raises(EmulationError) as caught:
        run_unicorn(firmware, FAULTY, samples, limit_instructions=limit)
    return str(caught.value)


def test_reading_near_null_names_function_and_address() -> None:
    text = fault(1)
    assert text.startswith("faulty_run on the emulated cortex-m4 stopped with a fault: ")
    assert "at: faulty_read+" in text
    assert "accessing: 4 bytes at 0x00000004" in text


def test_writing_a_constant_is_a_fault() -> None:
    assert "at: faulty_write+" in fault(2)


def test_endless_recursion_is_a_stack_overflow() -> None:
    text = fault(3)
    assert "at: faulty_recurse+" in text
    assert "the stack of 65536 bytes overflowed" in text


def test_endless_loop_stops_at_the_limit() -> None:
    assert fault(4) == "faulty_run did not return within 1,000,000 instructions (sample 0)"


def test_unaligned_access_faults_on_the_m0plus_only() -> None:
    assert "at: faulty_read+" in fault(5, core="cortex-m0plus")
    samples = [(np.array([5], np.int32),)]
    (outputs,) = run_unicorn(build(FAULTY, "cortex-m4", "auto"), FAULTY, samples).outputs
    assert outputs == (bytes([0, 0, 0, 2]),)


def test_a_fault_leaves_the_next_machine_sound() -> None:
    assert "fault" in fault(8)
    samples = [(np.array([0], np.int32),)]
    (outputs,) = run_unicorn(build(FAULTY, "cortex-m4", "auto"), FAULTY, samples).outputs
    assert outputs == ((42).to_bytes(4, "little"),)


def test_wrong_input_size_is_refused_before_anything_runs() -> None:
    firmware = build(TOY, "cortex-m4", "auto")
    with pytest.raises(DataError, match=r"^sample 0, input 1 of model 'toy': 15 bytes given, 16"):
        run_unicorn(firmware, TOY, [(bytes(64), bytes(15))])


def test_core_without_emulation_is_named() -> None:
    firmware = build(TOY, "cortex-m55", "auto")
    with pytest.raises(EmulationError, match=r"^Unicorn has no cortex-m55; run it on QEMU$"):
        run_unicorn(firmware, TOY, toy_samples())
