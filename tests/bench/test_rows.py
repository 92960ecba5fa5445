# SPDX-License-Identifier: MIT
"""CSV files and the records in them."""

from pathlib import Path

import pytest

from bench.rows import Figures, LayerFigures, Peer, format_rows, read_rows
from milliwatt.errors import DataError
from tests.bench.fakes import figures, layers, peer


def _again(tmp_path: Path, rows: list, kind: type) -> list:
    path = tmp_path / "rows.csv"
    path.write_text(format_rows(rows, kind))
    return read_rows(path, kind)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    rows = [figures(), figures("two", arena_proven=False, latency_ms=None)]
    assert _again(tmp_path, rows, Figures) == rows
    odd = [*layers('a "quoted", name')]
    assert _again(tmp_path, odd, LayerFigures) == odd
    unknown = [peer(flash_bytes=None, arena_bytes=None)]
    assert _again(tmp_path, unknown, Peer) == unknown


def test_floats_keep_four_digits(tmp_path: Path) -> None:
    (row,) = _again(tmp_path, [figures(latency_ms=123.456789)], Figures)
    assert row.latency_ms == 123.5


def test_no_file_is_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "none.csv", Figures) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("core,peer", "kern,peer", "columns are"),
        ("2500", "many", "line 2: invalid literal"),
        ("2500,", "", "line 2"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(format_rows([peer()], Peer).replace(old, new))
    with pytest.raises(DataError, match=told):
        read_rows(path, Peer)


def test_only_yes_and_no_are_truths(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(format_rows([figures()], Figures).replace(",yes,", ",maybe,"))
    with pytest.raises(DataError, match="'maybe' is neither yes nor no"):
        read_rows(path, Figures)
