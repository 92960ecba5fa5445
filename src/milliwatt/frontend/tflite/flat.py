# SPDX-License-Identifier: MIT
"""Bounds-checked reading of FlatBuffers: every offset is verified before it is followed.

The format is described at https://flatbuffers.dev/internals/. Each read either succeeds inside
the file or raises ModelError; a budget on tables and vector elements bounds the work a hostile
file can cause, whatever its offsets point at.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array

MAX_TABLES = 1 << 16
"""Tables read from one file at most; real networks for microcontrollers have some thousands."""

_U16 = struct.Struct("<H")
_I32 = struct.Struct("<i")
_U32 = struct.Struct("<I")
_SCALARS = {
    "bool": struct.Struct("<?"),
    "int8": struct.Struct("<b"),
    "uint8": struct.Struct("<B"),
    "int32": _I32,
    "uint32": _U32,
    "uint64": struct.Struct("<Q"),
    "float32": struct.Struct("<f"),
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A field that holds one number: its index in the table, its type, its default."""

    index: int
    kind: str
    default: float = 0


@dataclass(frozen=True, slots=True)
class Ref:
    """A field that points at a table, a string or a vector: its index in the table."""

    index: int


class FlatBuffer:
    """A file being read, and what reading it may still cost."""

    __slots__ = ("_elements_left", "_tables_left", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._tables_left = MAX_TABLES
        # Vectors of a well-formed file do not overlap, so their elements never outnumber its bytes.
        self._elements_left = len(data)

    def root(self) -> Table:
        """The table the file starts with."""
        return self.table(self.offset(0, "the root"), "the root table")

    def spend_elements(self, count: int, what: str) -> None:
        """Count elements read; a ModelError when they outnumber the bytes of the file."""
        self._elements_left -= count
        if self._elements_left < 0:
            raise ModelError(f"{what}: the vectors of this file overlap")

    def check(self, position: int, size_bytes: int, what: str) -> None:
        """A ModelError unless `size_bytes` at `position` lie inside the file."""
        if position < 0 or position + size_bytes > len(self.data):
            raise ModelError(
                f"{what}: {size_bytes} bytes at offset {position} lie outside the file of "
                f"{len(self.data)} bytes"
            )

    def offset(self, position: int, what: str) -> int:
        """Where the forward offset stored at `position` leads."""
        self.check(position, 4, what)
        (distance,) = _U32.unpack_from(self.data, position)
        if distance == 0:
            raise ModelError(f"{what}: the offset at {position} points at itself")
        return position + distance

    def table(self, position: int, what: str) -> Table:
        """The table at `position`, its own and its vtable's extent verified."""
        self._tables_left -= 1
        if self._tables_left < 0:
            raise ModelError(f"{what}: the file has more than {MAX_TABLES} tables")
        self.check(position, 4, what)
        (back,) = _I32.unpack_from(self.data, position)
        vtable = position - back
        self.check(vtable, 4, f"{what}, vtable")
        (vtable_bytes,) = _U16.unpack_from(self.data, vtable)
        (table_bytes,) = _U16.unpack_from(self.data, vtable + 2)
        if vtable_bytes < 4 or vtable_bytes % 2 or table_bytes < 4:
            raise ModelError(f"{what}: a vtable of {vtable_bytes} bytes, table of {table_bytes}")
        self.check(vtable, vtable_bytes, f"{what}, vtable")
        self.check(position, table_bytes, what)
        return Table(self, position, vtable, vtable_bytes, table_bytes, what)


@dataclass(frozen=True, slots=True)
class Table:
    """A verified table; `what` names it in messages."""

    buffer: FlatBuffer
    position: int
    vtable: int
    vtable_bytes: int
    table_bytes: int
    what: str

    def _field(self, index: int, size_bytes: int) -> int | None:
        """Where a field is stored, or None where the file leaves it out."""
        entry = 4 + 2 * index
        if entry + 2 > self.vtable_bytes:
            return None
        (offset,) = _U16.unpack_from(self.buffer.data, self.vtable + entry)
        if offset == 0:
            return None
        if offset < 4 or offset + size_bytes > self.table_bytes:
            raise ModelError(f"{self.what}: field {index} lies outside its table")
        return self.position + offset

    def _number(self, field: Scalar) -> float:
        scalar = _SCALARS[field.kind]
        position = self._field(field.index, scalar.size)
        if position is None:
            return field.default
        (value,) = scalar.unpack_from(self.buffer.data, position)
        return value

    def integer(self, field: Scalar) -> int:
        """The field's integer (or its default)."""
        return int(self._number(field))

    def real(self, field: Scalar) -> float:
        """The field's float (or its default)."""
        return float(self._number(field))

    def flag(self, field: Scalar) -> bool:
        """The field's truth value (or its default)."""
        return bool(self._number(field))

    def _target(self, field: Ref) -> int | None:
        position = self._field(field.index, 4)
        return None if position is None else self.buffer.offset(position, self.what)

    def table(self, field: Ref, what: str) -> Table | None:
        """The table the field points at."""
        position = self._target(field)
        return None if position is None else self.buffer.table(position, f"{self.what}, {what}")

    def tables(self, field: Ref, what: str) -> list[Table]:
        """The tables of a vector of tables, none where the field is absent."""
        start, count = self._vector(field, 4, what)
        at = (start + 4 * i for i in range(count))
        return [
            self.buffer.table(
                self.buffer.offset(position, f"{self.what}, {what} {i}"),
                f"{self.what}, {what} {i}",
            )
            for i, position in enumerate(at)
        ]

    def array(self, field: Ref, dtype: str, what: str) -> Array:
        """A vector of numbers, as a read-only view into the file."""
        kind = np.dtype(dtype).newbyteorder("<")
        start, count = self._vector(field, kind.itemsize, what)
        return np.frombuffer(self.buffer.data, kind, count, start)

    def raw(self, field: Ref, what: str) -> memoryview:
        """A vector of bytes, as a view into the file; not counted, for files may share them."""
        start, count = self._span(field, 1, what)
        return memoryview(self.buffer.data)[start : start + count]

    def text(self, field: Ref, what: str) -> str:
        """A string, bad UTF-8 replaced; empty where absent."""
        start, count = self._vector(field, 1, what)
        return self.buffer.data[start : start + count].decode("utf-8", errors="replace")

    def present(self, field: Ref) -> bool:
        """Whether the file has the field."""
        return self._field(field.index, 4) is not None

    def _vector(self, field: Ref, element_bytes: int, what: str) -> tuple[int, int]:
        start, count = self._span(field, element_bytes, what)
        self.buffer.spend_elements(count, f"{self.what}, {what}")
        return start, count

    def _span(self, field: Ref, element_bytes: int, what: str) -> tuple[int, int]:
        """First byte and number of elements of a vector."""
        position = self._target(field)
        if position is None:
            return 0, 0
        self.buffer.check(position, 4, f"{self.what}, {what}")
        (count,) = _U32.unpack_from(self.buffer.data, position)
        self.buffer.check(position + 4, count * element_bytes, f"{self.what}, {what}")
        return position + 4, count
