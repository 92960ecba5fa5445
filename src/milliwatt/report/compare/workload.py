# SPDX-License-Identifier: MIT
"""What is compared: a network, and labelled samples where accuracy is asked for."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from milliwatt.errors import DataError, OptionError, reason_of
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.quantize import Quantize
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.report.compare.candidate import Accuracy, Unknown
from milliwatt.report.compare.quality import Samples, is_autoencoder, reference_quality

LABEL_NAMES = ("labels", "label")
NO_DATA = Unknown("no samples were given (--data)")


@dataclass(frozen=True, slots=True)
class Workload:
    """A network as imported and as optimised, its data, and how analogue noise is drawn."""

    source: Graph
    optimised: Graph
    data: Samples | None
    exact: Accuracy | Unknown
    """How right the integer reference is, which every bit-exact target equals."""
    noise_samples: int
    """Samples that noisy inference runs, evenly over all."""
    noise_seeds: int
    after_s: float
    """Seconds between programming analogue cells and the inference."""


def make_workload(
    graph: Graph,
    data: Samples | None = None,
    *,
    noise_samples: int = 100,
    noise_seeds: int = 5,
    after_s: float = 3600.0,
) -> Workload:
    """The workload of `graph`; the reference runs once over the data."""
    if min(noise_samples, noise_seeds) < 1 or after_s <= 0:
        raise OptionError("noise needs at least one sample, one seed and a time above zero")
    exact = NO_DATA if data is None else reference_quality(graph, data)
    return Workload(graph, run_pipeline(graph), data, exact, noise_samples, noise_seeds, after_s)


def load_labelled(path: Path, graph: Graph) -> Samples:
    """Samples from an .npz: an array named as the input (or the only one), and `labels` if known.

    Float32 samples of an integer network are quantised as its input says. A DataError says what
    is given and what is needed.
    """
    if len(graph.inputs) != 1:
        raise DataError(f"{path}: accuracy is for networks of one input, not {len(graph.inputs)}")
    arrays = _read(path)
    named = [name for name in LABEL_NAMES if name in arrays]
    labels = arrays.pop(named[0]) if named else None
    samples = _samples(path, graph, arrays)
    inputs = _as_input(path, samples, graph.types[graph.inputs[0]])
    if labels is None:
        return Samples(inputs, None)
    classes = 2 if is_autoencoder(graph) else graph.types[graph.outputs[0]].elements
    _check_labels(path, labels, len(inputs), classes)
    return Samples(inputs, labels.reshape(-1))


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
    raise DataError(f"{path} holds {held} beside labels; it needs one array, or one '{name}'")


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
