# SPDX-License-Identifier: MIT
"""Small C libraries for this machine that count inside the emulators' own loops."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from milliwatt.run.cache import cached_file, content_key, scratch_folder
from milliwatt.run.compile import WARNING_FLAGS
from milliwatt.run.compilers import choose_host_compiler
from milliwatt.run.process import run_tool


def native_library(name: str, defines: Sequence[str] = ()) -> Path:
    """The shared library built from `native/<name>.c`, compiled once for each user.

    Raises ToolchainError when this machine has no C compiler at all: counting in Python would
    be 50 times slower, so there is no such fallback.
    """
    folder = resources.files("milliwatt.run").joinpath("native")
    texts = {file: folder.joinpath(file).read_bytes() for file in (f"{name}.c", "counter.h")}
    compiler = choose_host_compiler()
    flags = ("-O2", "-std=c99", "-shared", "-fPIC", *WARNING_FLAGS, *(f"-D{d}" for d in defines))
    machine = (platform.system(), platform.machine())
    identity = (*compiler.command, compiler.version, *flags, *machine)
    key = content_key(["native", *identity, *texts.values()])

    def make(path: Path) -> None:
        with scratch_folder() as scratch:
            for file, text in texts.items():
                (scratch / file).write_bytes(text)
            command = (*compiler.command, *flags, f"{name}.c", "-o", str(path))
            run_tool(command, purpose=f"compiling the counter {name}", cwd=scratch)

    return cached_file(key, ".so", make)
