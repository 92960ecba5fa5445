# SPDX-License-Identifier: MIT
"""One published .onnx file: does it import, and how far is it from ONNX Runtime?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from milliwatt.errors import UnsupportedError
from milliwatt.frontend.onnx.importer import import_model
from milliwatt.frontend.onnx.reader import read_model
from milliwatt.frontend.onnx.records import ModelRecord
from milliwatt.ir.types import Array
from tests.models.measure import describe_types
from tests.models.onnx_samples import SAMPLES, Samples
from tests.oracles.onnx_runtime import NOTHING, Beside, Difference

RANDOM_CALLS = 4

FLOAT_BOUND = 1e-4
"""How far a float output may be from the oracle's, relative to its largest value (at least 1)."""

CLOSE_STEPS = 2.01
"""Where the oracle's two best logits are nearer than this, in steps, another may win."""


@dataclass(frozen=True, slots=True)
class OnnxRow:
    """What the table says of one file; the numbers behind it for the tests."""

    file: str
    operators: str
    imported: str
    types: str = ""
    alone: Difference = NOTHING
    within: Difference = NOTHING
    float_error: float = 0.0
    samples: str = ""
    disagreeing: int = 0

    def markdown(self) -> str:
        """The row."""
        cells = (self.file, self.imported, self.types, self._layers(), self.samples, self.operators)
        return f"| {' | '.join(cells)} |"

    def _layers(self) -> str:
        if self.imported != "yes":
            return ""
        if not self.alone.elements:
            return f"float within {FLOAT_BOUND:g}"
        return (
            f"{self.alone.largest} step at most, {_share(self.alone)}; in the whole network "
            f"{self.within.largest}, {_share(self.within)}"
        )


def measure_onnx(path: Path, root: Path, data: Path) -> OnnxRow:
    """Import the file, run it beside its oracle, and say how it went."""
    content = path.read_bytes()
    record = read_model(content)
    file, operators = path.relative_to(root).as_posix(), _operators(record)
    try:
        import_model(record, "network")
    except UnsupportedError as error:
        return OnnxRow(file, operators, f"no: {_reasons(error)}")
    both = Beside(content)
    alone, within, error = _random(both)
    text, disagreeing = "", 0
    if file in SAMPLES:
        a, w, text, disagreeing, e = _real(both, SAMPLES[file](data))
        alone, within, error = alone + a, within + w, max(error, e)
    types = describe_types(both.imported.graph)
    return OnnxRow(file, operators, "yes", types, alone, within, error, text, disagreeing)


def _random(both: Beside) -> tuple[Difference, Difference, float]:
    """Inputs over the full range of the first integers, or of what networks are trained on."""
    rng, alone, within, worst = np.random.default_rng(20), NOTHING, NOTHING, 0.0
    low, high = _range(both)
    for _ in range(RANDOM_CALLS):
        feeds = both.feeds(lambda n, shape, t: rng.uniform(low, high, shape).astype(np.float32))
        compared = both.compare(feeds)
        alone += sum(compared.alone.values(), NOTHING)
        within += sum(compared.within.values(), NOTHING)
        worst = max(worst, _error(compared.ours[0], compared.theirs[0]))
    return alone, within, worst


def _range(both: Beside) -> tuple[float, float]:
    graph = both.imported.graph
    first = next((n for n in graph.nodes if n.op.kind == "Quantize"), None)
    if first is None:
        return -4.0, 4.0
    kind = graph.types[first.outputs[0]]
    low, high = kind.dtype.integer_range
    return (low - kind.zero_point) * kind.scale, (high - kind.zero_point) * kind.scale


def _real(both: Beside, samples: Samples) -> tuple[Difference, Difference, str, int, float]:
    alone, within, worst = NOTHING, NOTHING, 0.0
    ours: list[Array] = []
    theirs: list[Array] = []
    for sample in samples.inputs:
        compared = both.compare(both.feeds(lambda n, shape, t, s=sample: s.reshape(shape)))
        alone += sum(compared.alone.values(), NOTHING)
        within += sum(compared.within.values(), NOTHING)
        worst = max(worst, _error(compared.ours[0], compared.theirs[0]))
        ours.append(compared.ours[0].reshape(-1))
        theirs.append(compared.theirs[0].reshape(-1))
    if ours[0].size == samples.inputs[0].size:
        text = _reconstruction(samples, np.array(ours), np.array(theirs))
        return alone, within, text, 0, worst
    text, disagreeing = _classification(both, samples, np.array(ours), np.array(theirs))
    return alone, within, text, disagreeing, worst


def _reconstruction(samples: Samples, ours: Array, theirs: Array) -> str:
    flat = samples.inputs.reshape(ours.shape)
    scores = [np.mean((flat - r) ** 2, axis=1) for r in (ours, theirs)]
    score = np.mean(np.abs(scores[0] - scores[1]) / scores[1])
    return (
        f"{len(ours)} {samples.what}: mean absolute difference {np.mean(np.abs(ours - theirs)):.2g}"
        f", of the anomaly score {score:.1%}"
    )


def _classification(both: Beside, samples: Samples, ours: Array, theirs: Array) -> tuple[str, int]:
    """Top-1 beside the oracle's; disagreements count where its two best are not close."""
    count, same = len(ours), ours.argmax(axis=1) == theirs.argmax(axis=1)
    best = np.sort(theirs, axis=1)[:, ::-1]
    if any(n.op.kind == "Softmax" for n in both.imported.graph.nodes):
        best = np.log(best)
    steps = (best[:, 0] - best[:, 1]) / _logit_scale(both)
    disagreeing = int((~same & (steps > CLOSE_STEPS)).sum())
    text = f"same top-1 on {same.sum()} of {count} {samples.what}"
    if not same.all():
        apart = f"{steps[~same].max():.0f}"
        text += f" (elsewhere the oracle's two best are within {apart} output steps)"
    if samples.labels is not None:
        right = [int((r.argmax(axis=1) == samples.labels).sum()) for r in (ours, theirs)]
        text += f"; right: {right[0]}, oracle {right[1]}"
    return text, disagreeing


def _logit_scale(both: Beside) -> float:
    graph = both.imported.graph
    last = [n for n in graph.nodes if n.op.kind == "Dequantize"]
    return graph.types[last[-1].inputs[0]].scale if last else 1e-3


def _error(ours: Array, theirs: Array) -> float:
    return float(np.abs(ours - theirs).max() / max(1.0, float(np.abs(theirs).max())))


def _share(difference: Difference) -> str:
    return f"{difference.differing / difference.elements:.2%} of integers differ"


def _operators(record: ModelRecord) -> str:
    kinds = Counter(f"{n.domain}.{n.kind}" if n.domain else n.kind for n in record.nodes)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _reasons(error: UnsupportedError) -> str:
    """Each reason once, in order, and how many nodes it concerns."""
    reasons = Counter(problem.split(": ", 1)[1] for problem in error.problems)
    return "; ".join(
        f"{reason} ({count} node{'s' if count > 1 else ''})" for reason, count in reasons.items()
    )
