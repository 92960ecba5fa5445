# SPDX-License-Identifier: MIT
"""What less SRAM costs, as a table and a picture."""

from __future__ import annotations

import pytest

from milliwatt.errors import OptionError
from milliwatt.figures import PICTURE_SUFFIXES
from milliwatt.report.frontier import ByRows, Frontier, FrontierPoint, frontier_table
from milliwatt.report.frontier_picture import frontier_picture

STREAM = ByRows("first", "third", 3, 4, 1, 900)
FAST, LEAN = ({"fourth": kind, "fifth": kind} for kind in ("fast", "lean"))
FRONTIER = Frontier(
    model="net",
    target="board",
    push_rows=False,
    points=(
        FrontierPoint(38_064, 38_064, 424, 4_928_543, 59.35, (), {"first": "fast", **FAST}),
        FrontierPoint(27_988, 27_988, 440, 4_950_580, 1380.4, (STREAM,), FAST),
        FrontierPoint(27_752, 27_752, 440, 7_532_980, None, (STREAM,), LEAN),
    ),
    lower_bound_bytes=27_752,
)


def test_units_are_in_the_titles_and_what_differs_is_told() -> None:
    columns = {column.title: column.cells for column in frontier_table(FRONTIER).columns}
    assert columns["SRAM, B"] == ("38,064", "27,988", "27,752")
    assert columns["stack, B"] == ("424", "440", "440")
    assert columns["ms"] == ("59.4", "1,380", "")
    assert columns["by rows"] == (
        "no layer",
        "3 from 'first' (4)",
        "3 from 'first' (4), 2 other kernels",
    )


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_equal_frontiers_make_equal_pictures(suffix: str) -> None:
    pytest.importorskip("matplotlib")
    assert frontier_picture(FRONTIER, suffix) == frontier_picture(FRONTIER, suffix)


def test_the_picture_has_the_points_the_bound_and_units() -> None:
    pytest.importorskip("matplotlib")
    text = frontier_picture(FRONTIER).decode()
    for told in ("27,988 B, +0.4%", "no choice needs less: 27,752 B", "(bytes)", "net on board"):
        assert told in text


def test_other_files_are_refused() -> None:
    with pytest.raises(OptionError, match=r"not '\.gif'"):
        frontier_picture(FRONTIER, ".gif")
