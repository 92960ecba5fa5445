# SPDX-License-Identifier: MIT
"""How right a network's answers are, with labels and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import DataError
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array, TensorType
from milliwatt.report.compare.candidate import Accuracy, Metric

METRICS: dict[Metric, str] = {
    "accuracy": "share of samples whose largest output is their label",
    "AUC": "chance that an anomaly is reconstructed worse than a normal sample",
    "agreement": "no labels: share of samples whose largest output is the integer reference's",
    "reconstruction": "no labels: mean squared error of reconstruction over the reference's",
}


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples [count, *input shape] in the element type of the network's input, and classes."""

    inputs: Array
    labels: Array | None
    """Integers [count]; for an autoencoder 1 is what it should not reconstruct. None: unknown."""

    def __len__(self) -> int:
        return len(self.inputs)

    def spread(self, count: int) -> Samples:
        """At most `count` samples, evenly over all: files often hold one class after another."""
        step = max(1.0, len(self) / count)
        chosen = [int(i * step) for i in range(min(count, len(self)))]
        labels = None if self.labels is None else self.labels[chosen]
        return Samples(self.inputs[chosen], labels)


def is_autoencoder(graph: Graph) -> bool:
    """Whether the output is to be like the input: one of each, of equal size, with real values."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return False
    x, y = graph.types[graph.inputs[0]], graph.types[graph.outputs[0]]
    return x.elements == y.elements > 1


def metric_of(graph: Graph, data: Samples) -> Metric:
    """What can be said of the network on these samples."""
    if is_autoencoder(graph):
        return "reconstruction" if data.labels is None else "AUC"
    return "agreement" if data.labels is None else "accuracy"


def reference_quality(graph: Graph, data: Samples) -> Accuracy:
    """How right the integer reference is; 1 where it is what others are held against."""
    metric = metric_of(graph, data)
    value = 1.0
    if data.labels is not None:
        value = quality(graph, data, reference_outputs(graph, data))
    source = f"integer reference on {len(data)} samples; the target equals it bit for bit"
    return Accuracy((value,), len(data), "simulated", f"{METRICS[metric]}: {source}", metric)


def reference_outputs(graph: Graph, data: Samples) -> Array:
    """The integer reference's outputs [count, *shape]; each sample is a first call."""
    return np.stack([run(graph, [sample]).outputs[0] for sample in data.inputs])


def quality(graph: Graph, data: Samples, outputs: Array, reference: Array | None = None) -> float:
    """The metric of these outputs [count, *shape].

    DataError where there are neither labels nor the reference's outputs, or labels of one kind
    where two are needed.
    """
    match metric_of(graph, data):
        case "accuracy" | "agreement":
            expected = data.labels if reference is None else _classes(reference)
            if expected is None:
                raise DataError("no labels, and no reference to agree with")
            return float(np.mean(_classes(outputs) == expected.reshape(-1)))
        case "AUC":
            assert data.labels is not None
            return area_under_curve(_errors(graph, data, outputs), data.labels)
        case "reconstruction":
            if reference is None:
                raise DataError("no labels, and no reference to be held against")
            exact = _errors(graph, data, reference).mean()
            return float(_errors(graph, data, outputs).mean() / exact)


def area_under_curve(scores: Array, labels: Array) -> float:
    """Chance that a sample of label 1 has a higher score than one of label 0; ties count half."""
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    if not len(normal) or not len(anomalous):
        raise DataError("AUC needs samples of both kinds, labels 0 (normal) and 1 (anomalous)")
    higher = anomalous[:, None] - normal[None, :]
    return float(np.mean((higher > 0) + 0.5 * (higher == 0)))


def quality_text(values: Sequence[float], metric: Metric) -> str:
    """Mean and standard deviation over chips, as the metric is usually written."""
    mean = float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    match metric:
        case "accuracy" | "agreement":
            more = f" ± {spread:.1%}" if len(values) > 1 else ""
            return f"{mean:.1%}{more}{' agree' if metric == 'agreement' else ''}"
        case "AUC":
            return f"AUC {mean:.3f}" + (f" ± {spread:.3f}" if len(values) > 1 else "")
        case "reconstruction":
            return f"error × {mean:.2f}" + (f" ± {spread:.2f}" if len(values) > 1 else "")


def _classes(outputs: Array) -> Array:
    return outputs.reshape(len(outputs), -1).argmax(axis=1)


def _errors(graph: Graph, data: Samples, outputs: Array) -> Array:
    """Mean squared error of each sample's reconstruction, in real values."""
    x = _real(data.inputs, graph.types[graph.inputs[0]])
    y = _real(outputs, graph.types[graph.outputs[0]])
    return ((x - y) ** 2).mean(axis=1)


def _real(values: Array, kind: TensorType) -> Array:
    flat = values.reshape(len(values), -1).astype(np.float64)
    return flat if kind.quant is None else (flat - kind.zero_point) * kind.scale
