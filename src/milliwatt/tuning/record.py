# SPDX-License-Identifier: MIT
"""Measured rounds as data and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from milliwatt.backend.mcu.choice.decide import Option
from milliwatt.errors import OptionError


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer by one kernel, in the network it was measured in.

    `own_bytes` are its tables and its call; `code` tells which layers share `code_bytes`.
    `cycles` is None where the target has no cycle figure. `turns` are those of the stream that
    computes it, 1 where none does.
    """

    kernel: str
    instructions: int
    cycles: float | None
    own_bytes: int
    code: str
    code_bytes: int
    scratch_bytes: int
    turns: int = 1

    @property
    def work(self) -> float:
        """Cycles where they are modelled, else instructions."""
        return float(self.instructions) if self.cycles is None else self.cycles

    def option_beside(self, default: LayerCost) -> Option:
        """The layer as a decision sees it, its work by what the default needs.

        Where cycles are modelled the worse of the two counts: a gain must show in both.
        """
        return Option(
            kernel=self.kernel,
            work=default.work * relative_work(self, default),
            own_bytes=self.own_bytes,
            code=self.code,
            code_bytes=self.code_bytes,
            scratch_bytes=self.scratch_bytes,
        )


@dataclass(frozen=True, slots=True)
class Round:
    """A whole network under one choice of kernels; `layers` goes by the nodes' names."""

    instructions: int
    cycles: float | None
    flash_bytes: int
    arena_bytes: int
    static_bytes: int
    layers: Mapping[str, LayerCost]

    @property
    def work(self) -> float:
        """Cycles where they are modelled, else instructions."""
        return float(self.instructions) if self.cycles is None else self.cycles


def relative_work(one: LayerCost | Round, default: LayerCost | Round) -> float:
    """Instructions over the default's, or modelled cycles over its, whichever is more."""
    if default.instructions == 0:
        return 1.0
    instructions = one.instructions / default.instructions
    if one.cycles is None or not default.cycles:
        return instructions
    return max(instructions, one.cycles / default.cycles)


def round_text(measured: Round) -> str:
    """JSON that `read_round` reads."""
    return json.dumps(asdict(measured), indent=1)


def read_round(path: Path) -> Round:
    """The round of that file; OptionError where it is damaged."""
    try:
        content = json.loads(path.read_text("utf-8"))
        layers = {name: LayerCost(**layer) for name, layer in content.pop("layers").items()}
        return Round(layers=layers, **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OptionError(
            f"the tuning cache is damaged: {path} is not what a measurement wrote; remove that "
            "file and tune again"
        ) from error
