# SPDX-License-Identifier: MIT
"""The FlatBuffers reader: every offset is checked before it is followed."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import ModelError
from milliwatt.frontend.tflite import flat
from milliwatt.frontend.tflite.flat import FlatBuffer, Ref, Scalar


def file_of(vtable: list[int], table: bytes, tail: bytes = b"") -> bytes:
    """A root offset, a vtable (16-bit entries behind its two sizes), a table, and what follows."""
    head = struct.pack("<2H", 4 + 2 * len(vtable), 4 + len(table))
    entries = struct.pack(f"<{len(vtable)}H", *vtable)
    start = 4 + len(head) + len(entries)
    return struct.pack("<I", start) + head + entries + struct.pack("<i", start - 4) + table + tail


def test_numbers_are_read_and_absent_ones_have_their_default() -> None:
    root = FlatBuffer(file_of([4, 0, 8], struct.pack("<if", -7, 0.5))).root()
    assert root.integer(Scalar(0, "int32")) == -7
    assert root.integer(Scalar(1, "int32", 3)) == 3
    assert root.real(Scalar(2, "float32")) == 0.5
    assert root.integer(Scalar(9, "uint8", 5)) == 5
    assert root.flag(Scalar(9, "bool")) is False


def test_a_vector_is_a_view_of_the_file() -> None:
    # The offset is relative to its own place; the vector begins right behind the table.
    data = file_of([4], struct.pack("<I", 4), struct.pack("<I3i", 3, 1, -2, 3))
    array = FlatBuffer(data).root().array(Ref(0), "int32", "numbers")
    assert array.tolist() == [1, -2, 3]
    assert not array.flags.writeable


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x01\x00", "lie outside the file"),
        (struct.pack("<I", 0), "points at itself"),
        (struct.pack("<I", 400), "lie outside the file"),
        (struct.pack("<Ii", 4, 400), "vtable: 4 bytes at offset -396 lie outside"),
        (struct.pack("<Ii2H", 4, -4, 3, 4), "a vtable of 3 bytes"),
        (struct.pack("<Ii2H", 4, -4, 4, 400), "400 bytes at offset 4 lie outside"),
        (struct.pack("<Ii2H", 4, -4, 400, 4), "vtable: 400 bytes at offset 8 lie outside"),
    ],
)
def test_a_root_that_leads_nowhere(data: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        FlatBuffer(data).root()


@pytest.mark.parametrize("offset", [2, 5, 400])
def test_a_field_outside_its_table(offset: int) -> None:
    root = FlatBuffer(file_of([offset], b"\0\0\0\0")).root()
    with pytest.raises(ModelError, match="field 0 lies outside its table"):
        root.integer(Scalar(0, "int32"))


@pytest.mark.parametrize("count", [2, 1 << 20, (1 << 32) - 1])
def test_a_vector_longer_than_the_file(count: int) -> None:
    root = FlatBuffer(file_of([4], struct.pack("<I", 4), struct.pack("<Ii", count, 1))).root()
    with pytest.raises(ModelError, match="lie outside the file"):
        root.array(Ref(0), "int32", "numbers")


def test_overlapping_vectors_end_in_an_error() -> None:
    data = file_of([4], struct.pack("<I", 4), struct.pack("<I", 64) + bytes(64))
    root = FlatBuffer(data).root()
    assert len(root.array(Ref(0), "int8", "numbers")) == 64
    with pytest.raises(ModelError, match="the vectors of this file overlap"):
        root.array(Ref(0), "int8", "numbers")


def test_tables_reached_again_and_again_end_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "MAX_TABLES", 3)
    buffer = FlatBuffer(file_of([], b""))
    for _ in range(3):
        buffer.root()
    with pytest.raises(ModelError, match="more than 3 tables"):
        buffer.root()


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ModelError):
        root = FlatBuffer(data).root()
        root.integer(Scalar(0, "int32"))
        root.text(Ref(1), "text")
        for table in root.tables(Ref(2), "tables"):
            table.array(Ref(0), "float32", "numbers")
