# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest

from milliwatt.errors import OptionError, ToolchainError
from milliwatt.run.abi import ModelAbi
from milliwatt.run.build import build_firmware
from milliwatt.run.compilers import find_compilers
from milliwatt.run.cores import find_core
from milliwatt.run.image import Firmware
from tests.run.toys import CORE_AND_COMPILER, COUNTED, TOY, build
from tests.support import needs_arm_gcc

TINY = ModelAbi("tiny", (), (1,), ("tiny_node_0",), has_reset=False)
TINY_SOURCE = """
#include <stdint.h>
#include "value.h"
static int8_t out[1];
const void *tiny_output_0(void);
void tiny_run(void);
const void *tiny_output_0(void) { return out; }
__attribute__((noinline)) static void tiny_node_0(void) { out[0] = VALUE; }
void tiny_run(void) { tiny_node_0(); }
"""


def tiny(folder: Path, source: str = TINY_SOURCE, value: str = "1", **options: str) -> Firmware:
    (folder / "tiny.c").write_text(source)
    (folder / "value.h").write_text(f"#define VALUE {value}\n")
    return build_firmware([folder / "tiny.c"], TINY, find_core("cortex-m4"), **options)


@pytest.mark.parametrize(("core", "compiler"), [*CORE_AND_COMPILER, ("cortex-m55", "zig")])
@pytest.mark.parametrize("optimisation", ["-O2", "-Os"])
def test_memory_is_split_by_purpose(core: str, compiler: str, optimisation: str) -> None:
    firmware = build(TOY, core, compiler, optimisation)
    memory = firmware.memory
    assert memory.weights_bytes == 64
    assert memory.constants_bytes == 32
    assert memory.data_bytes == 4
    # Arena, inputs and outputs; the linker may round up to 8.
    assert 128 + 64 + 16 + 16 + 8 <= memory.zeroed_bytes < 128 + 64 + 16 + 16 + 8 + 8
    assert memory.flash_bytes == memory.code_bytes + 64 + 32 + 4
    assert memory.static_sram_bytes == memory.zeroed_bytes + 4
    assert firmware.find_symbol("toy_arena").size_bytes == 128
    assert firmware.find_symbol("toy_weights").purpose == "weights"
    assert firmware.find_symbol("toy_table").purpose == "constants"
    assert firmware.find_symbol("toy_state").purpose == "data"


def test_the_harness_counts_nowhere() -> None:
    firmware = build(COUNTED, "cortex-m4", "auto")
    own = sum(s.size_bytes for s in firmware.symbols if s.purpose == "code")
    assert not [s for s in firmware.symbols if s.name.startswith("mw_")]
    assert own <= firmware.memory.code_bytes <= own + 16


def test_building_again_gives_the_same_file(tmp_path: Path) -> None:
    first = tiny(tmp_path)
    stamp = first.elf.stat().st_ctime_ns
    content = first.elf.read_bytes()
    again = tiny(tmp_path)
    assert again.elf == first.elf
    assert again.elf.read_bytes() == content
    assert again.elf.stat().st_ino == first.elf.stat().st_ino
    assert stamp <= again.elf.stat().st_ctime_ns


def test_a_changed_header_changes_the_firmware(tmp_path: Path) -> None:
    assert tiny(tmp_path, value="1").elf != tiny(tmp_path, value="2").elf


@needs_arm_gcc
def test_defines_reach_the_sources(tmp_path: Path) -> None:
    (tmp_path / "tiny.c").write_text(TINY_SOURCE.replace('#include "value.h"\n', ""))
    core = find_core("cortex-m4")
    with pytest.raises(ToolchainError, match="VALUE"):
        build_firmware([tmp_path / "tiny.c"], TINY, core)
    assert build_firmware([tmp_path / "tiny.c"], TINY, core, defines=["VALUE=3"]).elf.is_file()


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_a_warning_is_an_error_with_file_line_and_command(tmp_path: Path, compiler: str) -> None:
    if compiler not in [c.kind for c in find_compilers(find_core("cortex-m4"))]:
        pytest.skip(f"no {compiler}")
    with pytest.raises(ToolchainError, match=r"^compiling tiny\.c failed\n") as caught:
        tiny(tmp_path, value="(int)(300.0f) * 1L", compiler=compiler)
    assert caught.value.exit_code == 1
    assert "-Wconversion" in caught.value.command
    assert "tiny.c:8:" in caught.value.output_tail


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_a_missing_function_is_a_link_error(tmp_path: Path, compiler: str) -> None:
    if compiler not in [c.kind for c in find_compilers(find_core("cortex-m4"))]:
        pytest.skip(f"no {compiler}")
    source = TINY_SOURCE.replace("void tiny_run(void) { tiny_node_0(); }", "")
    source += "void missing(void);\nvoid tiny_run(void) { tiny_node_0(); missing(); }\n"
    with pytest.raises(ToolchainError, match=r"^linking the firmware failed\n") as caught:
        tiny(tmp_path, source, compiler=compiler)
    assert "missing" in caught.value.output_tail


def test_a_model_larger_than_the_machine_is_a_link_error(tmp_path: Path) -> None:
    source = TINY_SOURCE.replace("int8_t out[1]", "int8_t out[5000000]")
    with pytest.raises(ToolchainError, match=r"^linking the firmware failed\n") as caught:
        tiny(tmp_path, source)
    assert "RAM" in caught.value.output_tail


def test_bad_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"^unknown optimisation '-O9'; allowed: -O0, -O1, "):
        tiny(tmp_path, optimisation="-O9")
    with pytest.raises(OptionError, match=r"^unknown compiler 'icc' for cortex-m4; allowed: auto"):
        tiny(tmp_path, compiler="icc")
    core = find_core("cortex-m4")
    with pytest.raises(OptionError, match=r"^C sources that do not exist: .*absent\.c$"):
        build_firmware([tmp_path / "absent.c"], TINY, core)
    with pytest.raises(OptionError, match=r"^no C sources given to compile$"):
        build_firmware([], TINY, core)


def test_addresses_are_described_by_function() -> None:
    firmware = build(COUNTED, "cortex-m4", "auto")
    start = firmware.find_symbol("counted_run").address
    assert firmware.describe_address(start + 4) == "counted_run+0x4"
    assert firmware.describe_address(0x6000_0000) == "0x60000000"
