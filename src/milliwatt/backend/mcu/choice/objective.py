# SPDX-License-Identifier: MIT
"""What generated code is to be good at: speed, SRAM, flash, or a weighted mix."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from milliwatt.errors import OptionError


@dataclass(frozen=True, slots=True)
class Objective:
    """Weights of instructions, SRAM bytes and flash bytes, each relative to the fastest code's.

    With speed 1 and flash 0.2, one percent more instructions are worth five percent less flash.
    Raises OptionError for a weight that is negative or not finite, and where all are 0.
    """

    speed: float = 0.0
    sram: float = 0.0
    flash: float = 0.0

    def __post_init__(self) -> None:
        weights = [getattr(self, field.name) for field in fields(self)]
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
            raise OptionError(f"objective '{self}': weights must be finite and not negative")
        if not any(weights):
            raise OptionError("an objective needs a weight above 0: speed, sram or flash")

    @property
    def is_speed(self) -> bool:
        """Whether nothing but speed counts."""
        return self.sram == 0 and self.flash == 0

    @property
    def is_sram(self) -> bool:
        """Whether nothing but SRAM counts."""
        return self.speed == 0 and self.flash == 0

    @property
    def of_code(self) -> Objective:
        """The same without SRAM; speed where nothing else counts."""
        return SPEED if self.is_sram else replace(self, sram=0.0)

    @property
    def optimisation(self) -> str:
        """The compiler flag to build with where the user names none."""
        return "-Os" if self.flash > max(self.speed, self.sram) else "-O2"

    def cost(self, instructions: float, sram: float, flash: float) -> float:
        """The weighted sum; each argument is relative to the fastest code's."""
        return self.speed * instructions + self.sram * sram + self.flash * flash

    def __str__(self) -> str:
        """The form that `parse_objective` reads."""
        weights = {field.name: getattr(self, field.name) for field in fields(self)}
        parts = [name if weight == 1 else f"{name}={weight:g}" for name, weight in weights.items()]
        return ",".join(
            part for part, weight in zip(parts, weights.values(), strict=True) if weight
        )


SPEED = Objective(speed=1.0)
SRAM = Objective(sram=1.0)
NAMES = tuple(field.name for field in fields(Objective))


def parse_objective(text: str) -> Objective:
    """The objective of `speed`, `sram`, `flash`, or a mix such as `speed=1,flash=0.2`.

    A name without a weight has 1. Raises OptionError that says what is allowed.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition("=")
        if name not in NAMES:
            raise OptionError(
                f"objective '{text}': no '{name}'; there are {', '.join(NAMES)}, and mixes such "
                "as speed=1,flash=0.2"
            )
        if name in weights:
            raise OptionError(f"objective '{text}' names {name} twice")
        weights[name] = _weight(text, part, weight)
    return Objective(**weights)


def _weight(text: str, part: str, weight: str) -> float:
    if "=" not in part:
        return 1.0
    try:
        return float(weight)
    except ValueError as error:
        raise OptionError(f"objective '{text}': '{weight}' is not a number") from error
