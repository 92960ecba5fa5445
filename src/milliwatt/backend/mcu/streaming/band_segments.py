# SPDX-License-Identifier: MIT
"""Segments in bands: what chains cut across their columns need, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from milliwatt.backend.mcu.streaming.banded import banded_need_bytes
from milliwatt.backend.mcu.streaming.bands import Bands, with_bands
from milliwatt.backend.mcu.streaming.schedule import make_schedule
from milliwatt.backend.mcu.streaming.segments import (
    LEAST_WORK,
    Segment,
    Terms,
    inner_bytes,
    paces,
)
from milliwatt.backend.mcu.streaming.work import (
    CODE_BYTES_PER_LAYER,
    band_work,
    extra_work,
    lean_work,
)

COUNTS = (2, 3, 4)
"""Numbers of bands that are tried."""
InstructionsOf = Callable[[int], float]
"""What the objective's own kernel of a whole layer takes."""
_CODE_BYTES_PER_LAYER = 190
"""Of each layer of a band beyond those of the chain, its own function and its call, gcc -O2."""


def any_banded(terms: Terms, instructions: InstructionsOf, bands: Bands) -> Segment:
    """What stands for all streams in these bands."""
    count = len(bands.chains)
    need = banded_need_bytes(terms.graph, terms.around, bands, [0] * count)
    cost = terms.price(LEAST_WORK + band_work(terms.graph, instructions, bands), 0)
    return Segment(bands.cut, None, None, False, need, cost, built=False, bands=count)


def banded_segments(
    terms: Terms, instructions: InstructionsOf, bands: Bands, variants: Mapping[int, bool]
) -> Iterator[Segment]:
    """Streams in these bands at every pace; `variants` as in `stream_segments`."""
    cut = with_bands(terms.graph, bands)
    again = LEAST_WORK + band_work(terms.graph, instructions, bands)
    code = CODE_BYTES_PER_LAYER * (len(bands.cut) + 1)
    code += _CODE_BYTES_PER_LAYER * (len(bands.nodes) - len(bands.cut))
    for pace in paces(terms.graph, bands.cut):
        chains = [
            (nodes, schedule)
            for nodes in bands.chains
            if (schedule := make_schedule(cut, [cut.nodes[i] for i in nodes], pace))
        ]
        if len(chains) < len(bands.chains):
            continue
        inner = [inner_bytes(cut, nodes, schedule, fed=False) for nodes, schedule in chains]
        need = banded_need_bytes(terms.graph, terms.around, bands, inner)
        work = again + sum(extra_work(cut, terms.core, *chain) for chain in chains)
        for variant, lean in variants.items():
            more = sum(lean_work(cut, *chain) for chain in chains) if lean else 0
            cost = terms.price(work + more, code)
            yield Segment(
                *(bands.cut, pace, variant, False, need, cost),
                built=False,
                bands=len(bands.chains),
            )
