# SPDX-License-Identifier: MIT
"""Compiling C sources to objects, cached by what the compiler would see."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from milliwatt.errors import OptionError
from milliwatt.run.cache import cached_file, content_key
from milliwatt.run.compilers import Compiler
from milliwatt.run.process import run_tool

WARNING_FLAGS = ("-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-Werror")
# Contracting a * b + c into one rounding would make floats differ between cores.
LANGUAGE_FLAGS = ("-std=c99", "-ffp-contract=off")
# clang keeps a frame pointer on bare-metal Thumb unless told not to, which costs a register.
FREESTANDING_FLAGS = (
    "-ffreestanding",
    "-ffunction-sections",
    "-fdata-sections",
    "-fomit-frame-pointer",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-g0",
)

OPTIMISATIONS = ("-O0", "-O1", "-O2", "-O3", "-Os")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How sources become objects: the compiler, its flags, and where headers are."""

    compiler: Compiler
    flags: tuple[str, ...]
    include_folders: tuple[Path, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """The start of every command line of this recipe."""
        includes = [word for folder in self.include_folders for word in ("-I", str(folder))]
        return (*self.compiler.command, *self.flags, *includes)


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """A compiled source; `stem` is its source's name without suffix, `key` its content."""

    stem: str
    path: Path
    key: str


def check_optimisation(optimisation: str) -> None:
    """Raise OptionError unless it is a known optimisation flag."""
    if optimisation not in OPTIMISATIONS:
        raise OptionError(
            f"unknown optimisation '{optimisation}'; allowed: {', '.join(OPTIMISATIONS)}"
        )


def check_sources(sources: Sequence[Path]) -> None:
    """Raise OptionError unless there are sources and each is a file."""
    if not sources:
        raise OptionError("no C sources given to compile")
    missing = [str(source) for source in sources if not source.is_file()]
    if missing:
        raise OptionError(f"C sources that do not exist: {', '.join(missing)}")


def compile_objects(sources: Sequence[Path], recipe: Recipe) -> tuple[ObjectFile, ...]:
    """Compile every source, several at a time; objects come from the cache when unchanged.

    Raises ToolchainError for the first source, in the order given, that does not compile.
    """
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return tuple(pool.map(compile_object, sources, itertools.repeat(recipe)))


def compile_object(source: Path, recipe: Recipe) -> ObjectFile:
    """Compile one source, or take its object from the cache.

    The key covers the preprocessed source, the flags, and the compiler's version.
    """
    preprocess = (*recipe.command, "-E", "-P", str(source))
    text = run_tool(preprocess, purpose=f"preprocessing {source.name}")
    identity = (*recipe.compiler.command, recipe.compiler.version, *recipe.flags)
    key = content_key(["object", *identity, text])

    def make(path: Path) -> None:
        command = (*recipe.command, "-c", str(source), "-o", str(path))
        run_tool(command, purpose=f"compiling {source.name}")

    return ObjectFile(source.stem, cached_file(key, ".o", make), key)
