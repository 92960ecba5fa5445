# SPDX-License-Identifier: MIT
"""Finding C compilers: for the emulated cores and for this machine."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from milliwatt.errors import OptionError, ToolchainError
from milliwatt.run.cores import Core
from milliwatt.run.process import run_tool

CompilerKind = Literal["gcc", "clang", "zig"]

CROSS_GCC = "arm-none-eabi-gcc"
_INSTALL_ZIG = "pip install 'milliwatt[emulate]'"
_INSTALL_GCC = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler: the words that start its command line, and the version it prints."""

    kind: CompilerKind
    command: tuple[str, ...]
    version: str


def find_compilers(core: Core) -> tuple[Compiler, ...]:
    """Every compiler found for `core`, the preferred one first (gcc, then zig)."""
    return tuple(_compiler(*found) for found in _cross_commands(core))


def _cross_commands(core: Core) -> Iterator[tuple[CompilerKind, tuple[str, ...]]]:
    path = shutil.which(CROSS_GCC)
    if path and core.gcc_flags is not None:
        yield "gcc", (path,)
    yield from _zig_command()


def choose_compiler(core: Core, kind: str = "auto") -> Compiler:
    """The compiler of that kind for `core`; "auto" takes the first that is found.

    Raises OptionError on an unknown kind and ToolchainError, saying what was looked for and how
    to install it, when there is none.
    """
    if kind not in ("auto", "gcc", "zig"):
        raise OptionError(f"unknown compiler '{kind}' for {core.name}; allowed: auto, gcc, zig")
    for found, command in _cross_commands(core):
        if kind in ("auto", found):
            return _compiler(found, command)
    raise ToolchainError(_none_found(core, kind))


def _none_found(core: Core, kind: str) -> str:
    lines = [f"no C compiler for {core.name} found; looked for:"]
    if kind in ("auto", "zig"):
        lines.append(f"  - the Python package ziglang (to install: {_INSTALL_ZIG})")
    if kind in ("auto", "gcc") and core.gcc_flags is not None:
        lines.append(f"  - {CROSS_GCC} on PATH (to install on Debian: {_INSTALL_GCC})")
    if kind == "gcc" and core.gcc_flags is None:
        lines.append(f"  - nothing: only zig builds for {core.name}")
    return "\n".join(lines)


def find_host_compilers() -> tuple[Compiler, ...]:
    """Every C compiler for this machine: gcc, clang, then the pip package ziglang."""
    return tuple(_compiler(*found) for found in _host_commands())


def _host_commands() -> Iterator[tuple[CompilerKind, tuple[str, ...]]]:
    kinds: tuple[CompilerKind, ...] = ("gcc", "clang")
    for kind in kinds:
        path = shutil.which(kind)
        if path:
            yield kind, (path,)
    yield from _zig_command()


def choose_host_compiler(kind: str = "auto") -> Compiler:
    """The host compiler of that kind; "auto" takes the first found, gcc, clang or zig.

    Raises OptionError on an unknown kind and ToolchainError when there is none.
    """
    if kind not in ("auto", "gcc", "clang", "zig"):
        raise OptionError(f"unknown host compiler '{kind}'; allowed: auto, gcc, clang, zig")
    for found, command in _host_commands():
        if kind in ("auto", found):
            return _compiler(found, command)
    wanted = "gcc and clang on PATH, the Python package ziglang" if kind == "auto" else kind
    raise ToolchainError(
        f"no C compiler for this machine found; looked for: {wanted}\n"
        f"  to install: {_INSTALL_ZIG}, or on Debian: apt-get install gcc"
    )


def _zig_command() -> Iterator[tuple[CompilerKind, tuple[str, ...]]]:
    spec = importlib.util.find_spec("ziglang")
    if spec is not None and spec.origin is not None:
        yield "zig", (str(Path(spec.origin).parent / "zig"), "cc")


@cache
def _compiler(kind: CompilerKind, command: tuple[str, ...]) -> Compiler:
    text = run_tool([*command, "--version"], purpose=f"asking {command[0]} for its version")
    return Compiler(kind, command, text.decode(errors="replace").splitlines()[0])
