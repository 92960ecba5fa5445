# SPDX-License-Identifier: MIT
"""What is compared: a network, and labelled samples where accuracy is asked for."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from milliwatt.errors import DataError, OptionError, reason_of
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.quantize import Quantize
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.report.compare_types import Accuracy, Unknown

LABEL_NAMES = ("labels", "label")
NO_LABELS = Unknown("no labelled samples were given (--data)")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Samples [count, *input shape] in the element type of the network's input, and classes."""

    inputs: Array
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)

    def spread(self, count: int) -> Labelled:
        """At most `count` samples, evenly over all: files often hold one class after another."""
        step = max(1.0, len(self) / count)
        chosen = [int(i * step) for i in range(min(count, len(self)))]
        return Labelled(self.inputs[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True)
class Workload:
    """A network as imported and as optimised, its data, and how analogue noise is drawn."""

    source: Graph
    optimised: Graph
    data: Labelled | None
    exact: Accuracy | Unknown
    """Accuracy of the integer reference, which every bit-exact target has."""
    noise_samples: int
    """Labelled samples that noisy inference runs, evenly over all."""
    noise_seeds: int
    after_s: float
    """Seconds between programming analogue cells and the inference."""


def make_workload(
    graph: Graph,
    data: Labelled | None = None,
    *,
    noise_samples: int = 100,
    noise_seeds: int = 5,
    after_s: float = 3600.0,
) -> Workload:
    """The workload of `graph`; the reference runs once over the data."""
    if min(noise_samples, noise_seeds) < 1 or after_s <= 0:
        raise OptionError("noise needs at least one sample, one seed and a time above zero")
    exact = NO_LABELS if data is None else reference_accuracy(graph, data)
    return Workload(graph, run_pipeline(graph), data, exact, noise_samples, noise_seeds, after_s)


def reference_accuracy(graph: Graph, data: Labelled) -> Accuracy:
    """Accuracy of the integer reference."""
    outputs = [run(graph, [sample]).outputs[0] for sample in data.inputs]
    value = share_right(outputs, data.labels)
    source = f"integer reference on {len(data)} samples; the target equals it bit for bit"
    return Accuracy((value,), len(data), "simulated", source)


def share_right(outputs: Sequence[Array], labels: Array) -> float:
    """Share of outputs whose largest value is at the label."""
    found = np.array([int(np.argmax(output)) for output in outputs])
    return float(np.mean(found == labels.reshape(-1)))


def load_labelled(path: Path, graph: Graph) -> Labelled:
    """Labelled samples from an .npz: an array named as the input (or the only one), and `labels`.

    Float32 samples of an integer network are quantised as its input says. A DataError says what
    is given and what is needed.
    """
    if len(graph.inputs) != 1:
        raise DataError(f"{path}: accuracy is for networks of one input, not {len(graph.inputs)}")
    arrays = _read(path)
    named = [name for name in LABEL_NAMES if name in arrays]
    if not named:
        held = ", ".join(f"'{name}'" for name in arrays) or "nothing"
        raise DataError(f"{path} holds {held}; it needs an array 'labels' with a class a sample")
    labels = arrays.pop(named[0])
    samples = _samples(path, graph, arrays)
    inputs = _as_input(path, samples, graph.types[graph.inputs[0]])
    classes = graph.types[graph.outputs[0]].elements
    _check_labels(path, labels, len(inputs), classes)
    return Labelled(inputs, labels.reshape(-1))


def _read(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                raise DataError(f"{path} holds a single array; labelled data is an .npz")
            return {name: content[name] for name in content.files}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"cannot read {path}: {reason_of(error)}") from error


def _samples(path: Path, graph: Graph, arrays: Mapping[str, Array]) -> Array:
    name = graph.inputs[0]
    if name in arrays:
        return arrays[name]
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    held = ", ".join(f"'{key}'" for key in arrays) or "nothing"
    raise DataError(f"{path} holds {held} beside the labels; it needs one array, or one '{name}'")


def _as_input(path: Path, samples: Array, kind: TensorType) -> Array:
    """Samples as the input takes them: reshaped where the elements agree, floats quantised."""
    if not samples.ndim or not len(samples) or samples[0].size != kind.elements:
        raise DataError(f"{path}: samples are {list(samples.shape)}; each must be {kind}")
    shaped = samples.reshape(len(samples), *kind.shape)
    if shaped.dtype == kind.dtype.numpy:
        return shaped
    if shaped.dtype != np.float32 or kind.quant is None:
        raise DataError(f"{path}: samples are {samples.dtype}; they must be {kind} or float32")
    real = TensorType(kind.shape, type(kind.dtype).FLOAT32)
    return np.stack([Quantize().reference([row], [real], [kind])[0] for row in shaped])


def _check_labels(path: Path, labels: Array, count: int, classes: int) -> None:
    if labels.size != count or labels.dtype.kind not in "iu":
        raise DataError(
            f"{path}: labels are {labels.dtype}{list(labels.shape)}; there must be one integer "
            f"for each of the {count} samples"
        )
    if classes < 2:
        raise DataError(f"{path}: the network has one output; accuracy needs a score a class")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise DataError(
            f"{path}: labels go from {labels.min()} to {labels.max()}; the network has {classes} "
            "classes, 0 first"
        )
