# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from milliwatt.errors import EmulationError, ToolchainError
from milliwatt.run import qemu_runner
from milliwatt.run.qemu_runner import run_qemu
from milliwatt.run.unicorn_runner import run_unicorn
from tests.run.toys import (
    CORE_AND_COMPILER,
    COUNTED,
    FAULTY,
    TOY,
    build,
    toy_reference,
    toy_samples,
)
from tests.support import needs_qemu

pytestmark = [pytest.mark.qemu, needs_qemu]


@pytest.mark.parametrize(("core", "compiler"), CORE_AND_COMPILER)
@pytest.mark.parametrize("optimisation", ["-O2", "-Os"])
def test_two_emulators_agree_exactly(core: str, compiler: str, optimisation: str) -> None:
    pytest.importorskip("unicorn")
    firmware = build(TOY, core, compiler, optimisation)
    samples = toy_samples()
    first = run_unicorn(firmware, TOY, samples)
    second = run_qemu(firmware, TOY, samples)
    assert second.outputs == first.outputs
    assert second.instructions_by_row == first.instructions_by_row
    assert second.stack_bytes == first.stack_bytes


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("reset_each", [True, False])
def test_outputs_on_the_m55(compiler: str, reset_each: bool) -> None:
    samples = toy_samples()
    measured = run_qemu(build(TOY, "cortex-m55", compiler), TOY, samples, reset_each=reset_each)
    assert measured.outputs == toy_reference(samples, reset_each)


def test_counts_made_by_hand_on_the_m55() -> None:
    measured = run_qemu(build(COUNTED, "cortex-m55", "auto"), COUNTED, [(bytes(4),)])
    assert measured.instructions_by_row == {
        "overhead": (5,),
        "counted_node_0": (2 * (2 + 5 * 5 + 9),),
        "counted_node_1": (2 + 3 + 40 + 2,),
    }


def fault(case: int, core: str = "cortex-m4") -> str:
    samples = [(np.array([case], np.int32),)]
    with pytest.raises(EmulationError) as caught:
        run_qemu(build(FAULTY, core, "auto"), FAULTY, samples, limit_instructions=1_000_000)
    return str(caught.value)


def test_bus_fault_names_function_and_address() -> None:
    text = fault(8)
    assert text.startswith("faulty_run on QEMU's mps2-an386 stopped with a fault (CFSR 0x")
    assert "at: faulty_read+" in text
    assert "accessing: 0x50000000" in text


def test_stack_overflow_is_an_error() -> None:
    assert fault(3) == "faulty_run: the stack of 65536 bytes overflowed on QEMU"


def test_unaligned_access_faults_in_code_for_the_m0plus() -> None:
    assert "at: faulty_read+" in fault(5, core="cortex-m0plus")


def test_endless_loop_stops_at_the_limit() -> None:
    assert fault(4) == "faulty_run did not return within 1,000,000 instructions"


def test_time_limit() -> None:
    samples = [(np.array([4], np.int32),)]
    with pytest.raises(EmulationError, match=r"^QEMU did not end within 0\.5 seconds$"):
        run_qemu(build(FAULTY, "cortex-m4", "auto"), FAULTY, samples, timeout_seconds=0.5)


def test_missing_qemu_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    firmware = build(TOY, "cortex-m4", "auto")
    monkeypatch.setattr(qemu_runner, "find_qemu", lambda: None)
    with pytest.raises(ToolchainError, match=r"apt-get install qemu-system-arm$"):
        run_qemu(firmware, TOY, toy_samples())


def test_core_without_machine_is_named() -> None:
    firmware = build(TOY, "rv32imc", "zig")
    with pytest.raises(EmulationError, match=r"^QEMU has no machine for rv32imc here$"):
        run_qemu(firmware, TOY, toy_samples())
