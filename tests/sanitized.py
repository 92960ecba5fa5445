# SPDX-License-Identifier: MIT
"""Programs for this machine under the address and the undefined behaviour sanitizer.

Undefined behaviour traps, since code that says what happened takes half as long again to compile.
A program that fails is built again with that code, and run again for its message.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[bytes]

_SANITIZERS = (
    "-fsanitize=address,undefined,float-cast-overflow",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-g1",
)
_TRAPS = {
    "gcc": "-fsanitize-undefined-trap-on-error",
    "clang": "-fsanitize-trap=undefined,float-cast-overflow",
}
_LEVELS = {"gcc": "-Og", "clang": "-O0"}
"""With sanitizers: compiled soonest. gcc optimises; what clang optimises runs on emulated cores."""


@dataclass(frozen=True)
class Program:
    """C sources for this machine; `callers` are compiled without sanitizers or optimisation.

    With `plain`, flags such as -O2, the others have those instead of sanitizers.
    """

    compiler: str
    flags: Sequence[str]
    sources: Sequence[Path]
    callers: Sequence[Path]
    path: Path
    plain: Sequence[str] = ()


def build_and_run(program: Program, *arguments: str, data: bytes = b"") -> Done:
    """What the program did; fails the test where it is not compiled."""
    checks = _TRAPS[program.compiler]
    done = _run(program, (checks,), arguments, data)
    if done.returncode == 0 or program.plain:
        return done
    told = _run(program, (), arguments, data)
    return told if told.returncode != 0 else done


def _run(program: Program, checks: Sequence[str], arguments: Sequence[str], data: bytes) -> Done:
    _build(program, checks)
    return subprocess.run([program.path, *arguments], input=data, capture_output=True, check=False)


def _build(program: Program, checks: Sequence[str]) -> None:
    speed = program.plain or (_LEVELS[program.compiler], *_SANITIZERS, *checks)
    objects = [file.with_suffix(".o") for file in program.callers]
    for file, made in zip(program.callers, objects, strict=True):
        _compile([program.compiler, *program.flags, "-O0", "-c", str(file), "-o", str(made)])
    files = [str(file) for file in (*program.sources, *objects)]
    _compile([program.compiler, *program.flags, *speed, *files, "-o", str(program.path)])


def _compile(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stderr[-6000:]}")
