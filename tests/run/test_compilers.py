# SPDX-License-Identifier: MIT
import importlib.util

import pytest

from milliwatt.errors import OptionError, TargetError, ToolchainError
from milliwatt.run import compilers
from milliwatt.run.compilers import choose_compiler, choose_host_compiler, find_compilers
from milliwatt.run.cores import CORES, find_core
from milliwatt.run.process import run_tool
from tests.support import needs_arm_gcc


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command on PATH, no ziglang."""
    monkeypatch.setenv("PATH", "")
    real = importlib.util.find_spec
    monkeypatch.setattr(
        compilers.importlib.util,
        "find_spec",
        lambda name: None if name == "ziglang" else real(name),
    )


@pytest.mark.usefixtures("bare_machine")
def test_no_cross_compiler_says_what_was_looked_for() -> None:
    core = find_core("cortex-m4")
    assert find_compilers(core) == ()
    with pytest.raises(ToolchainError) as caught:
        choose_compiler(core)
    assert str(caught.value) == (
        "no C compiler for cortex-m4 found; looked for:\n"
        "  - the Python package ziglang (to install: pip install 'milliwatt[emulate]')\n"
        "  - arm-none-eabi-gcc on PATH (to install on Debian:"
        " apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi)"
    )


@pytest.mark.usefixtures("bare_machine")
def test_no_host_compiler_says_how_to_install_one() -> None:
    with pytest.raises(ToolchainError, match=r"^no C compiler for this machine found; looked for:"):
        choose_host_compiler()


@needs_arm_gcc
def test_gcc_comes_first() -> None:
    assert choose_compiler(find_core("cortex-m4")).kind == "gcc"


@needs_arm_gcc
def test_compilers_that_are_not_chosen_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ("zig", ("/nonexistent/zig", "cc"))
    monkeypatch.setattr(compilers, "_zig_command", lambda: iter((broken,)))
    assert choose_compiler(find_core("cortex-m4")).kind == "gcc"
    with pytest.raises(ToolchainError, match="cannot start /nonexistent/zig"):
        choose_compiler(find_core("cortex-m4"), "zig")


def test_zig_is_found_for_every_core() -> None:
    pytest.importorskip("ziglang")
    for core in CORES.values():
        assert choose_compiler(core, "zig").command[1] == "cc"


def test_gcc_does_not_build_for_riscv() -> None:
    with pytest.raises(ToolchainError, match="only zig builds for rv32imc"):
        choose_compiler(find_core("rv32imc"), "gcc")


def test_unknown_host_compiler() -> None:
    with pytest.raises(OptionError, match=r"^unknown host compiler 'icc'; allowed: auto, gcc, "):
        choose_host_compiler("icc")


def test_unknown_core_names_the_nearest() -> None:
    with pytest.raises(TargetError) as caught:
        find_core("cortexm4")
    assert str(caught.value).startswith("unknown core 'cortexm4'; did you mean cortex-m4")


def test_a_tool_that_is_not_there_is_a_toolchain_error() -> None:
    with pytest.raises(ToolchainError, match=r"^testing: cannot start /nonexistent/cc: "):
        run_tool(["/nonexistent/cc"], purpose="testing")
