# SPDX-License-Identifier: MIT
"""Awkward applications of every operator, for whatever runs them: host, emulated cores.

`sites(family, seed)` gives sites with a value for each input; nothing here asserts.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.cases import activations, elementwise, linear, movers, pools, recurrent
from tests.cases.build import Case

FAMILIES: dict[str, Callable[[int], list[Case]]] = {
    **linear.FAMILIES,
    **activations.FAMILIES,
    **pools.FAMILIES,
    **elementwise.FAMILIES,
    **movers.FAMILIES,
    **recurrent.FAMILIES,
}


def sites(family: str, seed: int = 0) -> list[Case]:
    """The cases of one family, the same for the same seed."""
    return FAMILIES[family](seed)
