# SPDX-License-Identifier: MIT
"""The best option for each layer by what was measured, and what whole networks cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.choice.decide import Option, decide, layers_flash
from milliwatt.backend.mcu.choice.objective import Objective
from milliwatt.tuning.record import LayerCost, Round, relative_work

_FLASH_WEIGHTS = (0.0, *(0.001 * 2**step for step in range(12)))
"""Added to the objective's, one after the other, until a choice fits the flash."""
_LEAST_GAIN = 0.005
"""Of a layer's work; where code lies in the flash moves modelled cycles by about as much."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What networks are weighed by: the objective, whose weights stand before quantities relative
    to the `fastest` code's, and what the `default` took."""

    objective: Objective
    fastest: Round
    default: Round

    def cost(self, found: Round) -> tuple[float, float, int]:
        """The weighted cost, then work and flash, which decide between equals.

        Work goes by the default's, so that a gain shows in instructions and in cycles.
        """
        weighted = self.objective.cost(
            instructions=self._work * relative_work(found, self.default),
            sram=found.arena_bytes / max(self.fastest.arena_bytes, 1),
            flash=found.flash_bytes / self.fastest.flash_bytes,
        )
        return round(weighted, 12), found.work, found.flash_bytes

    def beside_default(self, more_flash: float) -> Objective:
        """The objective without SRAM for quantities relative to the default's."""
        of_code = self.objective.of_code
        flash = self.default.flash_bytes / self.fastest.flash_bytes
        return Objective(speed=of_code.speed * self._work, flash=of_code.flash * flash + more_flash)

    @property
    def _work(self) -> float:
        return relative_work(self.default, self.fastest)


def pick(
    scale: Scale, layers: Mapping[str, Sequence[LayerCost]], flash_bytes: int, *, thrifty: bool
) -> dict[str, str]:
    """A kernel for each layer; `layers` has what was measured, the default first.

    Where the network would need more than `flash_bytes`, flash weighs more, for as long as that is
    so. `thrifty`: none that takes more scratch memory than the default.
    """
    rows = [_worthwhile(costs, thrifty=thrifty) for costs in layers.values()]
    rest_bytes = scale.default.flash_bytes - layers_flash(rows, (0,) * len(rows))
    choice = (0,) * len(rows)
    for weight in _FLASH_WEIGHTS:
        choice = decide(rows, scale.beside_default(weight))
        if layers_flash(rows, choice) + rest_bytes <= flash_bytes:
            break
    return {node: row[i].kernel for node, row, i in zip(layers, rows, choice, strict=True)}


def _worthwhile(costs: Sequence[LayerCost], *, thrifty: bool) -> list[Option]:
    """The default, and whatever needs notably less work than it or fewer bytes."""
    default, *others = (cost.option_beside(costs[0]) for cost in costs)
    return [
        default,
        *(
            other
            for other in others
            if (
                other.work < (1 - _LEAST_GAIN) * default.work
                or other.own_bytes + other.code_bytes < default.own_bytes + default.code_bytes
            )
            and not (thrifty and other.scratch_bytes > default.scratch_bytes)
        ),
    ]
