# SPDX-License-Identifier: MIT
"""Every Helium header compiles by itself, without a warning, with the instructions or without."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.harness import KERNELS_DIR, WARNINGS

HEADERS = sorted(p.name for p in KERNELS_DIR.glob("mw_*mve.h"))
ZIG = (sys.executable, "-m", "ziglang", "cc", "-ffreestanding")
COMPILERS = {
    "gcc": ("gcc",),
    "clang": ("clang",),
    "gcc cortex-m4": ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-ffreestanding"),
    "gcc cortex-m55": (
        *("arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-ffreestanding"),
        *("-mfpu=auto", "-mfloat-abi=hard"),
    ),
    "zig cortex-m55": (
        *(*ZIG, "-target", "thumb-freestanding-eabihf"),
        "-mcpu=cortex_m55+mve+mve_fp",
    ),
}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiles_alone_without_warnings(compiler: str, tmp_path: Path) -> None:
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    files: list[str] = []
    for header in HEADERS:
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
