# SPDX-License-Identifier: MIT
"""The checker passes what is right and finds what is broken, whatever the scheduler thinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.streaming.check import check_stream
from milliwatt.backend.mcu.streaming.rows import Rows
from milliwatt.backend.mcu.streaming.schedule import Pace
from milliwatt.backend.mcu.streaming.stream import Stream, Strip
from milliwatt.errors import VerifyError
from tests.backend.mcu.streaming.forced import build
from tests.backend.mcu.streaming.networks import chain

DSP = Core(dsp=True)
HALF = Pace(1, 2)


def stream_of(*, fed: bool = False, pace: Pace = HALF) -> Stream:
    found = build(chain(), DSP, range(3), pace, fed=fed)
    assert found is not None
    return found


def check(stream: Stream, *, result_below: int = 0, base: int = 8192) -> None:
    """The source at 2048, the result at or below it, the stream's memory at `base`."""
    offsets = {stream.source: 2048, stream.result: 2048 - result_below}
    check_stream(chain(), stream, offsets, base, 16384)


def changed(stream: Stream, value: str, change: Callable[[Strip], Strip]) -> Stream:
    strips = {**stream.strips, value: change(stream.strips[value])}
    return replace(stream, strips=strips)


@pytest.mark.parametrize("fed", [False, True])
@pytest.mark.parametrize("pace", [Pace(1, 2), Pace(1), Pace(3), Pace(8)])
def test_right_streams(pace: Pace, fed: bool) -> None:
    stream = stream_of(fed=fed, pace=pace)
    gap = 4096 if stream.gap_bytes is None or fed else stream.gap_bytes
    check(stream, result_below=min(gap, 2048))


def inner(stream: Stream) -> str:
    """A strip that keeps rows."""
    return next(v for v, s in stream.strips.items() if s.keeps_rows and not s.whole)


def later(rows: Rows) -> Rows:
    return replace(rows, offset=rows.offset + 1)


def earlier(rows: Rows) -> Rows:
    return replace(rows, offset=rows.offset - 1)


def test_rows_dropped_too_early() -> None:
    stream = stream_of()
    broken = changed(stream, inner(stream), lambda s: replace(s, low=later(s.low)))
    with pytest.raises(VerifyError, match=r"lie outside its memory|is not in memory"):
        check(broken)


def test_rows_that_are_made_too_late() -> None:
    stream = stream_of()
    broken = changed(stream, inner(stream), lambda s: replace(s, end=earlier(s.end)))
    with pytest.raises(VerifyError, match=r"is not in memory|outside"):
        check(broken)


def test_a_strip_that_is_too_small() -> None:
    stream = stream_of()
    broken = changed(stream, inner(stream), lambda s: replace(s, capacity=s.capacity - 1))
    with pytest.raises(VerifyError, match=r"lie outside its memory"):
        check(broken)


def test_strips_on_the_same_bytes() -> None:
    stream = stream_of()
    values = [v for v, s in stream.strips.items() if s.keeps_rows and not s.whole]
    assert len(values) == 2
    other = stream.strips[values[1]].offset_bytes
    broken = changed(stream, values[0], lambda s: replace(s, offset_bytes=other))
    with pytest.raises(VerifyError, match=r"is not in memory|writes where it reads"):
        check(broken)


def test_scratch_memory_over_a_strip() -> None:
    stream = stream_of()
    last = max(c.lowered.scratch_bytes for c in stream.calls)
    place = min(stream.strips[inner(stream)].offset_bytes, stream.inner_bytes - last)
    calls = tuple(replace(c, scratch_offset_bytes=place) for c in stream.calls)
    with pytest.raises(VerifyError, match=r"scratch memory overlaps a value|is not in memory"):
        check(replace(stream, calls=calls))


def test_windows_of_another_operator() -> None:
    stream = stream_of()
    first, *rest = stream.calls
    wrong = replace(first, window=replace(first.window, pad=first.window.pad - 1))
    with pytest.raises(VerifyError, match=r"needs row|is not in memory"):
        check(replace(stream, calls=(wrong, *rest)))


def test_a_result_over_a_source_that_is_still_read() -> None:
    with pytest.raises(VerifyError, match=r"is not in memory|writes where it reads"):
        check(stream_of(), result_below=-300)


def test_turns_that_stop_early() -> None:
    stream = stream_of()
    with pytest.raises(VerifyError, match=r"after the last turn"):
        check(replace(stream, turns=range(len(stream.turns) - 1)), result_below=2048)
