# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from milliwatt.errors import EmulationError, ToolchainError
from milliwatt.run.compilers import find_host_compilers
from milliwatt.run.host import HostProgram, build_host, run_host
from tests.run.toys import FAULTY, FIXTURE, TOY, TOY_SOURCES, toy_reference, toy_samples


def need(compiler: str) -> None:
    if compiler not in [entry.kind for entry in find_host_compilers()]:
        pytest.skip(f"no {compiler} for this machine")


@pytest.mark.parametrize(
    ("compiler", "sanitize"),
    [("gcc", False), ("gcc", True), ("clang", False), ("clang", True), ("zig", False)],
)
@pytest.mark.parametrize("reset_each", [True, False])
def test_outputs_are_those_of_the_model(compiler: str, sanitize: bool, reset_each: bool) -> None:
    need(compiler)
    program = build_host(
        TOY_SOURCES, TOY, include_folders=[FIXTURE], compiler=compiler, sanitize=sanitize
    )
    samples = toy_samples()
    assert run_host(program, samples, reset_each=reset_each) == toy_reference(samples, reset_each)


def faulty(compiler: str, sanitize: bool) -> HostProgram:
    need(compiler)
    return build_host([FIXTURE / "faulty.c"], FAULTY, compiler=compiler, sanitize=sanitize)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize(
    ("case", "finding"),
    [
        (5, "misaligned address"),
        (6, "out of bounds"),
        (7, "signed integer overflow"),
        (3, "stack-overflow"),
    ],
)
def test_sanitizers_stop_the_program(compiler: str, case: int, finding: str) -> None:
    program = faulty(compiler, sanitize=True)
    with pytest.raises(EmulationError, match=r"^faulty_run on this machine ended with ") as caught:
        run_host(program, [(np.array([case], np.int32),)])
    assert finding in str(caught.value)


def test_a_crash_names_the_signal() -> None:
    with pytest.raises(EmulationError, match=r"^faulty_run on this machine ended with signal 11$"):
        run_host(faulty("gcc", sanitize=False), [(np.array([1], np.int32),)])


def test_time_limit() -> None:
    program = faulty("gcc", sanitize=False)
    with pytest.raises(EmulationError, match=r"did not end within 0\.3 seconds$"):
        run_host(program, [(np.array([4], np.int32),)], timeout_seconds=0.3)


def test_zig_has_no_sanitizers() -> None:
    need("zig")
    with pytest.raises(ToolchainError, match="sanitizers need gcc or clang"):
        build_host(TOY_SOURCES, TOY, compiler="zig", sanitize=True)
