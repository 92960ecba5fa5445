# SPDX-License-Identifier: MIT
"""What a comparison of targets is made of: quantities with their basis, and a row a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from milliwatt.errors import OptionError

Basis = Literal["counted", "simulated", "measured", "published", "estimated"]
Metric = Literal["accuracy", "AUC", "agreement", "reconstruction"]
Family = Literal["Cortex-M", "digital IMC", "analogue IMC"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the unit that its field's name ends in, and where it comes from."""

    value: float
    basis: Basis
    source: str
    low: float | None = None
    """Smallest value thought possible; None where no range is known."""
    high: float | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value; both are `value` where no range is known."""
        low = self.value if self.low is None else self.low
        return low, self.value if self.high is None else self.high


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that nothing known gives, and why."""

    reason: str


Known = Quantity | Unknown


@dataclass(frozen=True, slots=True)
class Standby:
    """Power between inferences, in watts: no less than `low_w`, no more than `high_w`."""

    low_w: float | None
    """None where no figure is known: that it is not below zero is then all that is."""
    high_w: float
    """Infinite where nothing bounds it."""
    basis: Basis
    source: str

    @property
    def floor_w(self) -> float:
        """What it cannot be below."""
        return self.low_w or 0.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How right a target's answers are, by one of `quality.METRICS`.

    One value a seed, one if exact.
    """

    values: tuple[float, ...]
    samples: int
    basis: Basis
    source: str
    metric: Metric = "accuracy"

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return sum(self.values) / len(self.values)

    @property
    def spread(self) -> float:
        """Sample standard deviation over the seeds; 0 for one value."""
        if len(self.values) < 2:
            return 0.0
        squares = sum((value - self.mean) ** 2 for value in self.values)
        return float((squares / (len(self.values) - 1)) ** 0.5)


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """One memory of a target: what the network needs of it, and what there is."""

    name: str
    need: int
    have: int | None
    """None where the target's description does not say."""
    unit: str = "B"

    @property
    def text(self) -> str:
        """`flash 30,000 of 2,097,152 B`."""
        return f"{self.name} {self.need:,} of {'?' if self.have is None else f'{self.have:,}'} " + (
            self.unit
        )


@dataclass(frozen=True, slots=True)
class UnitUse:
    """One kind of operator on one unit of the target."""

    op: str
    unit: str
    nodes: int
    macs: int
    seconds: float | None
    """None where the model gives this unit no time."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One target that runs the workload, and what an inference costs there.

    Energy has three levels: "macro" is the compute array alone, "accelerator" adds what moves
    data to it, "system" adds memories, cores and standing power while the inference runs.
    """

    target: str
    title: str
    family: Family
    settings: str
    macs: int
    accuracy: Accuracy | Unknown
    latency_s: Known
    interval_s: Known
    """From one result to the next where inferences follow one another without a rest."""
    macro_energy_j: Known
    accelerator_energy_j: Known
    system_energy_j: Known
    standby: Standby
    area_mm2: Known
    memory: tuple[MemoryUse, ...]
    utilisation: Known
    """Share of the peak rate of multiply-accumulates that is reached, 0 to 1."""
    units: tuple[UnitUse, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One target that cannot run the workload, and why."""

    target: str
    title: str
    family: Family
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Targets side by side on one workload, in the order they were asked for."""

    model: str
    macs: int
    parameter_bytes: int
    rows: tuple[Candidate | Refusal, ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The targets that run it."""
        return tuple(row for row in self.rows if isinstance(row, Candidate))

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The targets that do not."""
        return tuple(row for row in self.rows if isinstance(row, Refusal))

    def candidate(self, target: str) -> Candidate:
        """The row of that target; an OptionError where it is not among those that run."""
        for row in self.candidates:
            if row.target == target:
                return row
        known = ", ".join(row.target for row in self.candidates) or "none"
        raise OptionError(f"no candidate '{target}' in the comparison; there are: {known}")

    def as_json(self) -> dict[str, Any]:
        """Values that `json.dumps` takes; units are in the names."""
        return {
            "model": self.model,
            "macs": self.macs,
            "parameter_bytes": self.parameter_bytes,
            "candidates": [candidate_json(row) for row in self.candidates],
            "refused": [asdict(row) for row in self.refusals],
        }


def candidate_json(row: Candidate) -> dict[str, Any]:
    """Values that `json.dumps` takes; what is not known is a null with the reason beside it."""
    content = asdict(row)
    for name in _quantities(content):
        if "reason" in content[name]:
            content[name] = {"value": None, "unknown": content[name]["reason"]}
    if isinstance(row.accuracy, Accuracy):
        content["accuracy"] |= {"mean": row.accuracy.mean, "spread": row.accuracy.spread}
    return content


def _quantities(content: Mapping[str, Any]) -> Sequence[str]:
    """Fields that may be unknown."""
    names = ("accuracy", "latency_s", "interval_s", "area_mm2", "utilisation")
    return [*names, *(name for name in content if name.endswith("_energy_j"))]
