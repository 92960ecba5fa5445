# SPDX-License-Identifier: MIT
"""Every kernel header stands alone: it compiles by itself, without a warning, on every compiler."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.harness import KERNELS_DIR, WARNINGS

HEADERS = sorted(p.name for p in KERNELS_DIR.glob("mw_*.h"))
WITHOUT_BARRIER = {
    # gcc takes up to 0.4 % more instructions and 200 bytes on MLPerf Tiny's kws and vww with one.
    *("mw_load_line_s8", "mw_load_lines_s8_of_4"),
    *("mw_widen_window_s8_of_1", "mw_widen_window_s8_of_4"),
}
HELPER = re.compile(r"MW_NOINLINE __attribute__\(\(unused\)\) [^;{(]*?(\w+)\([^;{]*\{[\s\\]*(\S*)")

FAMILIES = {
    "portable": [h for h in HEADERS if not h.endswith(("_dsp.h", "_mve.h"))],
    "dsp": [h for h in HEADERS if h.endswith("_dsp.h")],
    "mve": [h for h in HEADERS if h.endswith("_mve.h")],
}
ARM = ("arm-none-eabi-gcc", "-mthumb", "-ffreestanding")
ZIG = (sys.executable, "-m", "ziglang", "cc", "-ffreestanding")
COMPILERS = {
    "gcc": ("gcc",),
    "clang": ("clang",),
    "gcc cortex-m0plus": (*ARM, "-mcpu=cortex-m0plus"),
    "gcc cortex-m4": (*ARM, "-mcpu=cortex-m4"),
    "gcc cortex-m4f": (*ARM, "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "gcc cortex-m33": (*ARM, "-mcpu=cortex-m33"),
    "gcc cortex-m55": (*ARM, "-mcpu=cortex-m55", "-mfpu=auto", "-mfloat-abi=hard"),
    "zig cortex-m4": (*ZIG, "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4"),
    "zig cortex-m33": (*ZIG, "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m33+dsp"),
    "zig cortex-m55": (
        *(*ZIG, "-target", "thumb-freestanding-eabihf"),
        "-mcpu=cortex_m55+mve+mve_fp",
    ),
}
"""With a family's instructions, and without: then plain C takes their place."""
CORES = {
    "portable": ("gcc cortex-m0plus", "gcc cortex-m4f"),
    "dsp": tuple(name for name in COMPILERS if name.endswith(("m0plus", "m4", "m33"))),
    "mve": ("gcc cortex-m4", "gcc cortex-m55", "zig cortex-m55"),
}


@pytest.mark.parametrize(
    ("family", "compiler"),
    [(family, name) for family in FAMILIES for name in ("gcc", "clang", *CORES[family])],
)
def test_each_compiles_alone_without_warnings(family: str, compiler: str, tmp_path: Path) -> None:
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    files: list[str] = []
    for header in FAMILIES[family]:
        file = tmp_path / f"{header}.c"
        file.write_text(f'#include "{header}"\nextern int alone;\n')
        files.append(str(file))
    done = subprocess.run(
        [*command, *WARNINGS, "-c", f"-I{KERNELS_DIR}", *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("compiler", [n for n in COMPILERS if n.startswith("gcc cortex")])
def test_all_compile_together(compiler: str, tmp_path: Path) -> None:
    """A network may have any of them: none defines what another does."""
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    source = tmp_path / "all.c"
    source.write_text("".join(f'#include "{name}"\n' for name in HEADERS), encoding="utf-8")
    flags = (*WARNINGS, f"-I{KERNELS_DIR}", "-fsyntax-only")
    done = subprocess.run(
        [*command, *flags, str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:4000]


@pytest.mark.parametrize("header", HEADERS)
def test_header_begins_with_its_licence_and_guards_itself(header: str) -> None:
    lines = (KERNELS_DIR / header).read_text().splitlines()
    guard = header.upper().replace(".", "_")
    assert lines[0] == "/* SPDX-License-Identifier: MIT */"
    assert f"#ifndef {guard}" in lines
    assert lines[-1] == "#endif"


def test_functions_that_are_not_inlined_begin_with_a_barrier() -> None:
    """`_body` in emit/calls.py says what gcc 12 may do to one that does not."""
    helpers = [h for header in HEADERS for h in HELPER.findall((KERNELS_DIR / header).read_text())]
    assert {name for name, first in helpers if first != "MW_BARRIER();"} == WITHOUT_BARRIER
    assert len(helpers) > 15


@pytest.mark.parametrize("kernel", ["add", "mul", "mean", "max_pool2d", "average_pool2d"])
def test_int8_and_int16_twins_differ_in_their_type_alone(kernel: str) -> None:
    """Two files a debugger can step through, rather than one macro; what mends one mends both."""
    twins = [(KERNELS_DIR / f"mw_{kernel}_{kind}.h").read_text() for kind in ("s8", "s16")]
    alike = [" ".join(text.split()).replace("int16", "int8") for text in twins]
    assert alike[0] == alike[1].replace("s16", "s8").replace("S16", "S8")
