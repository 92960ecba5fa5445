# SPDX-License-Identifier: MIT
"""The C harness that feeds samples to a model: its generated part and its files."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from milliwatt.run.abi import ModelAbi

PREFIX = "mw_harness_"
"""Names of harness sources start so; the linker script keeps them apart by it."""


def harness_text(name: str) -> str:
    """A file of the harness, as shipped in the package."""
    return resources.files("milliwatt.run").joinpath("firmware").joinpath(name).read_text("utf-8")


def write_harness(abi: ModelAbi, platform: str, folder: Path) -> tuple[Path, ...]:
    """Write the harness sources for `platform` ("host" or "cortex_m") to `folder`."""
    (folder / "harness.h").write_text(harness_text("harness.h"), "utf-8")
    texts = {
        "harness": harness_text("harness.c"),
        platform: harness_text(f"{platform}.c"),
        "ports": ports_text(abi),
    }
    paths: list[Path] = []
    for name, text in texts.items():
        paths.append(folder / f"{PREFIX}{name}.c")
        paths[-1].write_text(text, "utf-8")
    return tuple(paths)


def ports_text(abi: ModelAbi) -> str:
    """C source of the tables that connect the harness to one model's functions."""
    reset = abi.reset_symbol if abi.has_reset else "0"
    lines = [
        "/* SPDX-License-Identifier: MIT */",
        '#include "harness.h"',
        "",
        f"void {abi.run_symbol}(void);",
        *([f"void {abi.reset_symbol}(void);"] if abi.has_reset else []),
        *(f"void *{name}(void);" for name in abi.input_symbols),
        *(f"const void *{name}(void);" for name in abi.output_symbols),
        "",
        *_table("mw_input", "mw_inputs", abi.input_symbols, abi.input_bytes),
        f"const uint32_t mw_input_count = {len(abi.input_bytes)};",
        *_table("mw_output", "mw_outputs", abi.output_symbols, abi.output_bytes),
        f"const uint32_t mw_output_count = {len(abi.output_bytes)};",
        f"void (*const mw_model_run)(void) = {abi.run_symbol};",
        f"void (*const mw_model_reset)(void) = {reset};",
    ]
    return "\n".join(lines) + "\n"


def _table(kind: str, name: str, symbols: Sequence[str], sizes: Sequence[int]) -> list[str]:
    rows = [f"    {{{s}, {size}u}}," for s, size in zip(symbols, sizes, strict=True)]
    return [f"const {kind} {name}[] = {{", *(rows or ["    {0, 0u},"]), "};"]


def samples_file(samples: Sequence[Sequence[bytes]], reset_each: bool) -> bytes:
    """The bytes the harness reads: how many samples, whether to reset before each, inputs."""
    header = struct.pack("<2I", len(samples), int(reset_each))
    return header + b"".join(data for sample in samples for data in sample)
