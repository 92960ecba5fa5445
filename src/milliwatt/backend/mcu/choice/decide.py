# SPDX-License-Identifier: MIT
"""Which of its options each layer takes, such that the whole network is best by an objective."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.choice.objective import Objective


@dataclass(frozen=True, slots=True)
class Option:
    """One way to compute a layer, measured or predicted.

    `work` counts cycles or instructions. Options of equal `code` share `code_bytes`: the network
    pays for them once, and for each of the named `helpers`, with their bytes, as well. `own_bytes`
    are paid by each layer that takes the option.
    """

    kernel: str
    work: float
    own_bytes: int
    code: str
    code_bytes: int
    scratch_bytes: int
    helpers: tuple[tuple[str, int], ...] = ()


Choice = tuple[int, ...]
"""For each layer the index of its option; all 0 is the default."""

Layers = Sequence[Sequence[Option]]


def decide(layers: Layers, objective: Objective) -> Choice:
    """The choice of least work and flash that local search finds; equal arguments, equal choices.

    Both add up over the layers, so that single layers, and all layers that share some code, are
    changed for as long as the cost falls. Of equal costs the less work is taken, then the less
    flash. SRAM counts for nothing: it does not add up, and is planned with streams.
    """
    default: Choice = (0,) * len(layers)
    rate = _Rate(layers, objective, default)
    starts = (default, _least(layers, lambda option: option.own_bytes + option.code_bytes))
    return min((_descend(rate, start) for start in starts), key=rate.cost)


def layers_flash(layers: Layers, choice: Choice) -> int:
    """Bytes that the chosen options need, code that several share once."""
    taken = [options[i] for options, i in zip(layers, choice, strict=True)]
    shared = {option.code: option.code_bytes for option in taken}
    shared |= {name: size for option in taken for name, size in option.helpers}
    return sum(option.own_bytes for option in taken) + sum(shared.values())


def _least(layers: Layers, key: Callable[[Option], int]) -> Choice:
    """For each layer the option of the least key, the first of equals."""
    return tuple(min(range(len(some)), key=lambda i: (key(some[i]), i)) for some in layers)


class _Rate:
    """Costs of choices, relative to the default's."""

    def __init__(self, layers: Layers, objective: Objective, default: Choice) -> None:
        self.layers = layers
        self.objective = objective
        self._default_work, self._default_flash = self._totals(default)

    def _totals(self, choice: Choice) -> tuple[float, int]:
        work = sum(options[i].work for options, i in zip(self.layers, choice, strict=True))
        return work, layers_flash(self.layers, choice)

    def cost(self, choice: Choice) -> tuple[float, float, int]:
        """The weighted cost, then work and flash, which decide between equals."""
        work, flash = self._totals(choice)
        weighted = self.objective.cost(
            instructions=work / max(self._default_work, 1.0),
            sram=1.0,
            flash=flash / max(self._default_flash, 1),
        )
        return round(weighted, 12), work, flash


def _descend(rate: _Rate, choice: Choice) -> Choice:
    """The choice that no single move improves."""
    cost = rate.cost(choice)
    while True:
        found = min(_moves(rate.layers, choice), key=rate.cost, default=choice)
        if rate.cost(found) >= cost:
            return choice
        choice, cost = found, rate.cost(found)


def _moves(layers: Layers, choice: Choice) -> Iterator[Choice]:
    """Each layer's other options; and for each code in use, every layer off it, or onto it."""
    for at, options in enumerate(layers):
        for index in range(len(options)):
            if index != choice[at]:
                yield (*choice[:at], index, *choice[at + 1 :])
    for code in sorted({option.code for options in layers for option in options}):
        yield tuple(_onto(options, i, code) for options, i in zip(layers, choice, strict=True))
        yield tuple(_off(options, i, code) for options, i in zip(layers, choice, strict=True))


def _onto(options: Sequence[Option], index: int, code: str) -> int:
    """The option of that code, where there is one."""
    return next((i for i, option in enumerate(options) if option.code == code), index)


def _off(options: Sequence[Option], index: int, code: str) -> int:
    """Of the options of other codes the one of least own bytes, where this one has that code."""
    others = [i for i, option in enumerate(options) if option.code != code]
    if options[index].code != code or not others:
        return index
    return min(others, key=lambda i: (options[i].own_bytes, options[i].work, i))
