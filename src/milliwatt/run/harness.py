# SPDX-License-Identifier: MIT
"""The C harness that feeds samples to a model: its generated part and its files."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from milliwatt.run.abi import HARNESS_PREFIX, ModelAbi, PushedRows

STAGING_SECTION = ".mw_staging"
"""The whole input of a model whose rows are pushed; no memory of the model's."""


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
    # The linker script keeps these files apart by their names.
    paths = [_write(folder / f"{HARNESS_PREFIX}{name}.c", text) for name, text in texts.items()]
    return (*paths, *write_pushers([abi], folder))


def write_pushers(models: Sequence[ModelAbi], folder: Path) -> tuple[Path, ...]:
    """Write, for each model with pushed rows, the functions that stand in for its run and input."""
    return tuple(
        _write(folder / f"{abi.name}_pushed.c", pusher_text(abi, abi.pushed))
        for abi in models
        if abi.pushed is not None
    )


def _write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def pusher_text(abi: ModelAbi, pushed: PushedRows) -> str:
    """C source that holds a model's whole input, and hands it over in chunks of rows.

    It lies with the model's code, whose emulated run begins in it.
    """
    (input_symbol,) = abi.input_symbols
    *cases, last = pushed.chunks
    chunk = "".join(f"i == {i} ? {rows} : " for i, rows in enumerate(cases)) + str(last)
    return f"""/* SPDX-License-Identifier: MIT */
#include <stdint.h>

void {abi.name}_begin(void);
int32_t {abi.name}_push_rows(const void *rows, int32_t count);
void *{input_symbol}(void);
void {abi.run_symbol}(void);

#ifdef __ELF__
#define STAGING __attribute__((section("{STAGING_SECTION}")))
#else
#define STAGING
#endif
static uint64_t input[{(pushed.rows * pushed.row_bytes + 7) // 8}] STAGING;

void *{input_symbol}(void) {{ return input; }}

void {abi.run_symbol}(void) {{
    const uint8_t *rows = (const uint8_t *)input;
    int32_t rest = {pushed.rows};
    {abi.name}_begin();
    for (int32_t i = 0; rest > 0; i = i + 1 == {len(pushed.chunks)} ? 0 : i + 1) {{
        const int32_t chunk = {chunk};
        const int32_t count = chunk < rest ? chunk : rest;
        rest = {abi.name}_push_rows(rows, count);
        rows += count * {pushed.row_bytes};
    }}
}}
"""


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
