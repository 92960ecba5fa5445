# SPDX-License-Identifier: MIT
"""Inputs for a model: random over the full range, or from files."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from milliwatt.errors import DataError, reason_of
from milliwatt.ir.types import Array, DType, Shape
from milliwatt.units import format_count

FLOAT_RANGE = 4.0
"""Random float inputs are uniform between minus and plus this."""
_UNREADABLE = (
    *(OSError, EOFError, ValueError, SyntaxError, KeyError, TypeError, AttributeError),
    *(MemoryError, RuntimeError, tokenize.TokenError, struct.error),
    *(zipfile.BadZipFile, zlib.error),
)
"""What damaged files make NumPy and its readers raise."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a model, as its files describe it."""

    name: str
    dtype: DType
    shape: Shape

    @property
    def size_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.numpy.itemsize

    def __str__(self) -> str:
        return f"'{self.name}' ({self.dtype.value}[{','.join(map(str, self.shape))}])"


Sample = tuple[Array, ...]


def random_samples(ports: Sequence[Port], count: int, seed: int) -> list[Sample]:
    """`count` samples, uniform over the whole range of each input's type; floats in +-4."""
    rng = np.random.default_rng(seed)
    return [tuple(_random(port, rng) for port in ports) for _ in range(count)]


def _random(port: Port, rng: np.random.Generator) -> Array:
    if port.dtype is DType.BOOL:
        return rng.integers(0, 2, port.shape).astype(bool)
    if port.dtype.is_float:
        return rng.uniform(-FLOAT_RANGE, FLOAT_RANGE, port.shape).astype(np.float32)
    low, high = port.dtype.integer_range
    return rng.integers(low, high, port.shape, dtype=port.dtype.numpy, endpoint=True)


def check_samples(samples: Sequence[Sample], ports: Sequence[Port]) -> None:
    """DataError unless every sample has an array of the type and shape of each input."""
    for index, sample in enumerate(samples):
        if len(sample) != len(ports):
            raise DataError(
                f"sample {index} has {len(sample)} arrays; the model needs {len(ports)}"
            )
        for port, array in zip(ports, sample, strict=True):
            if array.dtype != port.dtype.numpy or array.shape != port.shape:
                held = f"{array.dtype}[{','.join(map(str, array.shape))}]"
                raise DataError(f"sample {index} holds {held} for input {port}")


def load_samples(path: str | Path, ports: Sequence[Port]) -> list[Sample]:
    """Samples from a file, checked against the model's inputs.

    `.npy`: one input, one sample or a stack of them along a new first axis (or along the batch
    axis where that is 1). `.npz`: one array for each input, named after it; or in order, where no
    array has the name of an input. `.bin`: raw little-endian bytes of one or more samples, inputs
    one after another. Raises DataError that says what was given and what is needed.
    """
    path = Path(path)
    if not ports:
        raise DataError(f"{path}: the model has no inputs")
    match path.suffix:
        case ".npy":
            samples = _zip_stacks(path, ports, {"": _read_numpy(path)})
        case ".npz":
            samples = _zip_stacks(path, ports, _read_archive(path))
        case ".bin":
            samples = _split_bytes(path, ports)
        case _:
            raise DataError(f"{path}: inputs are .npy, .npz or .bin files, not '{path.suffix}'")
    if not samples:
        raise DataError(f"{path} holds no samples")
    return samples


def _zip_stacks(path: Path, ports: Sequence[Port], arrays: Mapping[str, Array]) -> list[Sample]:
    stacks = [_stack(path, port, array) for port, array in _match(path, ports, arrays)]
    if len({len(stack) for stack in stacks}) != 1:
        raise DataError(f"{path}: inputs hold {[len(s) for s in stacks]} samples")
    return [tuple(parts) for parts in zip(*stacks, strict=True)]


def _read_numpy(path: Path) -> Array:
    content = _load(path)
    if isinstance(content, dict):
        raise DataError(f"{path} holds several arrays: rename it to .npz")
    return content


def _read_archive(path: Path) -> dict[str, Array]:
    content = _load(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} holds a single array: rename it to .npy")
    return content


def _load(path: Path) -> Array | dict[str, Array]:
    """An array, or those of an archive by name; DataError for whatever NumPy cannot read."""
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return content
            return {name: content[name] for name in content.files}
    except _UNREADABLE as error:
        raise DataError(f"cannot read {path}: {reason_of(error)}") from error


def _match(
    path: Path, ports: Sequence[Port], arrays: Mapping[str, Array]
) -> list[tuple[Port, Array]]:
    """The array of each input: of its name, or in order where no array has an input's name."""
    names = [port.name for port in ports]
    if set(names) <= set(arrays):
        return [(port, arrays[port.name]) for port in ports]
    if len(arrays) != len(ports) or set(names) & set(arrays):
        needed = ", ".join(map(str, ports))
        held = ", ".join(f"'{name}'" for name in arrays if name) or format_count(
            len(arrays), "array"
        )
        raise DataError(f"{path} holds {held}; the model needs {needed}")
    return list(zip(ports, arrays.values(), strict=True))


def _stack(path: Path, port: Port, array: Array) -> list[Array]:
    if array.dtype != port.dtype.numpy:
        raise DataError(
            f"{path}: input {port} needs {port.dtype.value} values, the file holds {array.dtype}"
        )
    if array.shape == port.shape:
        return [array]
    if array.ndim and array.shape[1:] == port.shape:
        return list(array)
    if array.ndim and port.shape[:1] == (1,) and array.shape[1:] == port.shape[1:]:
        return [row[np.newaxis] for row in array]
    raise DataError(
        f"{path}: shape {list(array.shape)} does not match input {port}, alone or stacked"
    )


def _split_bytes(path: Path, ports: Sequence[Port]) -> list[Sample]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason_of(error)}") from error
    step = sum(port.size_bytes for port in ports)
    if len(data) % step:
        raise DataError(f"{path}: {len(data)} bytes are not whole samples of {step} bytes")
    return [_cut(data[at : at + step], ports) for at in range(0, len(data), step)]


def _cut(data: bytes, ports: Sequence[Port]) -> Sample:
    parts: list[Array] = []
    at = 0
    for port in ports:
        part = np.frombuffer(data[at : at + port.size_bytes], port.dtype.numpy)
        parts.append(part.reshape(port.shape))
        at += port.size_bytes
    return tuple(parts)
