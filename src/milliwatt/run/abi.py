# SPDX-License-Identifier: MIT
"""The C interface of a generated model, as seen by the runners."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from milliwatt.errors import DataError, OptionError

TensorData: TypeAlias = bytes | NDArray[Any]

HARNESS_PREFIX = "mw_harness_"
"""Names of the harness's files and functions start so."""
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class PushedRows:
    """How an input that comes row by row is handed over: `rows` of `row_bytes`.

    `chunks` are the numbers of rows of consecutive calls, over and over.
    """

    rows: int
    row_bytes: int
    chunks: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class ModelAbi:
    """Functions of the generated C that a runner calls and counts.

    The model `name` defines `void name_run(void)`, `void name_reset(void)` (state back to its
    initial value), `void *name_input_<i>(void)` and `const void *name_output_<i>(void)`;
    `input_bytes[i]` and `output_bytes[i]` are the sizes of those buffers. `node_symbols` are
    the functions whose instructions are counted apart, one row each; they may be static, but
    must not be inlined. `has_reset` is False for code without `name_reset`.

    A model with `pushed` rows has `name_begin` and `name_push_rows` instead of `name_run` and an
    input; the harness holds its input, and hands it over. Instructions of `overhead_symbols`
    count as those of the run function itself.
    """

    name: str
    input_bytes: tuple[int, ...]
    output_bytes: tuple[int, ...]
    node_symbols: tuple[str, ...] = ()
    has_reset: bool = True
    overhead_symbols: tuple[str, ...] = ()
    pushed: PushedRows | None = None

    def __post_init__(self) -> None:
        for name in (self.name, *self.node_symbols, *self.overhead_symbols):
            if not _IDENTIFIER.fullmatch(name):
                raise OptionError(f"'{name}' is not a C identifier")
        if any(size <= 0 for size in (*self.input_bytes, *self.output_bytes)):
            raise OptionError(f"model '{self.name}': every input and output needs at least 1 byte")

    @property
    def run_symbol(self) -> str:
        """The function that computes one inference."""
        return f"{self.name}_run" if self.pushed is None else f"{HARNESS_PREFIX}{self.name}_run"

    @property
    def reset_symbol(self) -> str:
        """The function that puts the state between calls back to its initial value."""
        return f"{self.name}_reset"

    @property
    def input_symbols(self) -> tuple[str, ...]:
        """Functions that return the address of each input."""
        name = self.name if self.pushed is None else f"{HARNESS_PREFIX}{self.name}"
        return tuple(f"{name}_input_{i}" for i in range(len(self.input_bytes)))

    @property
    def output_symbols(self) -> tuple[str, ...]:
        """Functions that return the address of each output."""
        return tuple(f"{self.name}_output_{i}" for i in range(len(self.output_bytes)))

    @property
    def entry_symbols(self) -> tuple[str, ...]:
        """Every function a runner calls; the linker keeps them."""
        reset = (self.reset_symbol,) if self.has_reset else ()
        return (self.run_symbol, *reset, *self.input_symbols, *self.output_symbols)


def pack_samples(abi: ModelAbi, samples: Sequence[Sequence[TensorData]]) -> list[tuple[bytes, ...]]:
    """Every sample's inputs as bytes, sizes checked against `abi`.

    Arrays are taken as they lie in C order, little-endian. Raises DataError otherwise.
    """
    return [_pack_sample(abi, sample, index) for index, sample in enumerate(samples)]


def _pack_sample(abi: ModelAbi, sample: Sequence[TensorData], index: int) -> tuple[bytes, ...]:
    if len(sample) != len(abi.input_bytes):
        raise DataError(
            f"sample {index} of model '{abi.name}': {len(sample)} inputs given,"
            f" {len(abi.input_bytes)} needed"
        )
    packed = tuple(_to_bytes(data) for data in sample)
    for position, (data, size) in enumerate(zip(packed, abi.input_bytes, strict=True)):
        if len(data) != size:
            raise DataError(
                f"sample {index}, input {position} of model '{abi.name}':"
                f" {len(data)} bytes given, {size} needed"
            )
    return packed


def _to_bytes(data: TensorData) -> bytes:
    if isinstance(data, bytes):
        return data
    return data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes()


def split_outputs(abi: ModelAbi, stream: bytes) -> tuple[tuple[bytes, ...], ...]:
    """Cut the concatenated outputs of consecutive samples into one tuple per sample."""
    step = sum(abi.output_bytes)
    rows: list[tuple[bytes, ...]] = []
    for start in range(0, len(stream), step) if step else ():
        row: list[bytes] = []
        at = start
        for size in abi.output_bytes:
            row.append(stream[at : at + size])
            at += size
        rows.append(tuple(row))
    return tuple(rows)
