# SPDX-License-Identifier: MIT
"""Ways from a network's first node to its last, segment by segment."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu.streaming.segments import Segment

BySegmentStart = Sequence[Sequence[Segment]]
"""For each node the segments that begin with it."""


def rank(segment: Segment) -> tuple[int, ...]:
    """An order of the segments that begin with one node, however they were found."""
    pace = (-1, -1) if segment.pace is None else (segment.pace.rows, segment.pace.turns)
    variant = -1 if segment.variant is None else segment.variant
    return segment.nodes.stop, segment.bands, *pace, variant


def cheapest_path(starts: BySegmentStart, limit_bytes: int) -> list[Segment] | None:
    """Segments that need no more than the limit, of least cost; of equals the lowest peak.

    Of equals in both one that is not built is preferred, so that what is found once all are built
    does not depend on which were built before.
    """
    best: list[tuple[float, int, bool, Segment | None] | None] = [None] * (len(starts) + 1)
    best[0] = (0.0, 0, True, None)
    for start, segments in enumerate(starts):
        before = best[start]
        if before is None:
            continue
        cost, peak, built, _ = before
        for segment in segments:
            if segment.need_bytes > limit_bytes:
                continue
            most = max(peak, segment.need_bytes)
            found = (cost + segment.cost, most, built and segment.built, segment)
            there = best[segment.nodes.stop]
            if there is None or found[:3] < there[:3]:
                best[segment.nodes.stop] = found
    if best[-1] is None:
        return None
    path: list[Segment] = []
    at = len(starts)
    while at > 0:
        reached = best[at]
        assert reached is not None
        assert reached[3] is not None
        path.append(reached[3])
        at = reached[3].nodes.start
    return path[::-1]


def lowest_peak_bytes(starts: BySegmentStart) -> int | None:
    """The least limit under which there is a path."""
    best: list[int | None] = [None] * (len(starts) + 1)
    best[0] = 0
    for start, segments in enumerate(starts):
        before = best[start]
        if before is None:
            continue
        for segment in segments:
            peak = max(before, segment.need_bytes)
            there = best[segment.nodes.stop]
            best[segment.nodes.stop] = peak if there is None else min(there, peak)
    return best[-1]


def peak_bytes(path: Sequence[Segment]) -> int:
    """The most that any segment needs."""
    return max((segment.need_bytes for segment in path), default=0)


def path_cost(path: Sequence[Segment]) -> float:
    """What all segments cost together."""
    return sum(segment.cost for segment in path)
