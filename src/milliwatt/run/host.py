# SPDX-License-Identifier: MIT
"""Building and running a model on this machine, with sanitizers when asked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from milliwatt.errors import EmulationError, ToolchainError
from milliwatt.run.abi import ModelAbi, TensorData, pack_samples, split_outputs
from milliwatt.run.cache import cached_file, content_key, scratch_folder
from milliwatt.run.compile import (
    LANGUAGE_FLAGS,
    WARNING_FLAGS,
    ObjectFile,
    Recipe,
    check_optimisation,
    check_sources,
    compile_objects,
)
from milliwatt.run.compilers import Compiler, choose_host_compiler
from milliwatt.run.harness import samples_file, write_harness
from milliwatt.run.process import output_tail, run_tool

TIMEOUT_SECONDS = 600.0
_SANITIZER_FLAGS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-g",
)


@dataclass(frozen=True, slots=True)
class HostProgram:
    """An executable for this machine that runs the model of `abi` over a file of samples."""

    executable: Path
    abi: ModelAbi


def build_host(
    sources: Sequence[Path],
    abi: ModelAbi,
    *,
    include_folders: Sequence[Path] = (),
    compiler: str = "auto",
    optimisation: str = "-O2",
    defines: Sequence[str] = (),
    sanitize: bool = False,
) -> HostProgram:
    """Compile a model's C sources into a program for this machine.

    `compiler` is "auto" (the first found), "gcc", "clang" or "zig". `sanitize` adds the address
    and undefined-behaviour sanitizers of gcc or clang. Raises ToolchainError when the compiler is
    missing or fails.
    """
    check_optimisation(optimisation)
    check_sources(sources)
    chosen = choose_host_compiler(compiler)
    flags = (*_host_flags(chosen, sanitize), optimisation)
    defined = tuple(f"-D{define}" for define in defines)
    objects = compile_objects(sources, Recipe(chosen, (*flags, *defined), tuple(include_folders)))
    with scratch_folder() as folder:
        harness = compile_objects(write_harness(abi, "host", folder), Recipe(chosen, flags))
    return HostProgram(_link([*objects, *harness], Recipe(chosen, flags)), abi)


def run_host(
    program: HostProgram,
    samples: Sequence[Sequence[TensorData]],
    *,
    reset_each: bool = True,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> tuple[tuple[bytes, ...], ...]:
    """Run every sample on this machine; the outputs of each, as `Measurement.outputs`.

    Raises EmulationError when the program crashes, a sanitizer stops it, or the time is over.
    """
    packed = pack_samples(program.abi, samples)
    with scratch_folder() as folder:
        (folder / "samples.bin").write_bytes(samples_file(packed, reset_each))
        command = [str(program.executable), "samples.bin", "outputs.bin", "status.bin"]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
                capture_output=True,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EmulationError(
                f"{program.abi.run_symbol} on this machine did not end within"
                f" {timeout_seconds:g} seconds"
            ) from error
        if done.returncode != 0:
            raise EmulationError(_explain(program.abi, done))
        return split_outputs(program.abi, (folder / "outputs.bin").read_bytes())


def _explain(abi: ModelAbi, done: subprocess.CompletedProcess[bytes]) -> str:
    code = done.returncode
    ending = f"signal {-code}" if code < 0 else f"exit code {code}"
    tail = output_tail(done.stderr.decode(errors="replace"))
    return f"{abi.run_symbol} on this machine ended with {ending}\n{tail}".rstrip()


def _host_flags(compiler: Compiler, sanitize: bool) -> tuple[str, ...]:
    flags = (*LANGUAGE_FLAGS, *WARNING_FLAGS, "-ffreestanding")
    if not sanitize:
        return flags
    if compiler.kind == "zig":
        raise ToolchainError("sanitizers need gcc or clang; zig brings no address sanitizer")
    return (*flags, *_SANITIZER_FLAGS)


def _link(objects: Sequence[ObjectFile], recipe: Recipe) -> Path:
    version = recipe.compiler.version
    key = content_key(["host", version, *recipe.command, *(o.key for o in objects)])

    def make(path: Path) -> None:
        paths = [str(entry.path) for entry in objects]
        run_tool([*recipe.command, *paths, "-o", str(path)], purpose="linking the host program")

    return cached_file(key, ".exe", make)
