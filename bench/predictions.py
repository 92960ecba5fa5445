# SPDX-License-Identifier: MIT
"""`python -m bench.predictions [TARGET…]`: fit the predictor of kernel costs to measurements.

Every kernel of every layer of some networks is measured as `milliwatt tune` does it. For each
kernel a sum of costs for each multiply-accumulate, each output and each call is fitted; its error
is that of layers left out of the fit in turn.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.sources import commit_of
from bench.suite import load_suite
from milliwatt.backend.mcu.compile import core_of
from milliwatt.backend.mcu.predict import TABLE, core_class
from milliwatt.backend.mcu.select import site_of
from milliwatt.backend.mcu.shaped import SUFFIX
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.output import write_file
from milliwatt.tuning.tune import tune
from tests.support import find_shared

TARGETS = ("nucleo-l4r5zi", "rpi-pico", "corstone-300")
MODELS = ("ad", "kws", "vww", "ic", "sww")
COLUMNS = (
    *("core", "kernel", "per_mac", "per_output", "per_call", "layers"),
    *("mean_error", "max_error"),
)
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """One layer by one kernel."""

    macs: int
    outputs: int
    instructions: int


def main(targets: Sequence[str] = TARGETS) -> None:
    """Measure, fit, write; rows of cores that none of the targets has stay."""
    shared = find_shared()
    if shared is None:
        raise SystemExit("the shared models are not here")
    samples: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for target in targets:
        for model in (m for m in load_suite().models if m.key in MODELS):
            print(f"{target} {model.key}", file=sys.stderr)
            for key, sample in _samples(shared / model.file, target):
                samples[key].append(sample)
    rows = {key: ",".join(_row(key, found)) for key, found in samples.items()}
    fresh = {core for core, _ in rows}
    kept = (line for line in TABLE.read_text("utf-8").splitlines()[2:] if line)
    rows |= {_key(line): line for line in kept if _key(line)[0] not in fresh}
    lines = [rows[key] for key in sorted(rows)]
    about = (
        f"# fitted by `python -m bench.predictions` at {commit_of()}: gcc -O2, {', '.join(MODELS)}"
    )
    write_file(TABLE, "\n".join([about, ",".join(COLUMNS), *lines]) + "\n")


def _key(line: str) -> tuple[str, str]:
    core, kernel, *_ = line.split(",")
    return core, kernel


def _samples(path: Path, name: str) -> Iterator[tuple[tuple[str, str], Sample]]:
    target = load_target(name)
    graph = load_model(path)
    done = tune(graph, target, compiler="gcc")
    plan_graph = done.graph
    nodes = {node.name: node for node in plan_graph.nodes}
    for layer in done.layers:
        site = site_of(plan_graph, nodes[layer.name])
        outputs = sum(kind.elements for kind in site.outputs)
        for cost in layer.measured:
            if not cost.kernel.endswith(SUFFIX):
                key = core_class(core_of(target)), cost.kernel
                yield key, Sample(layer.macs, outputs, cost.instructions)


def _row(key: tuple[str, str], samples: Sequence[Sample]) -> list[str]:
    features = np.array([[s.macs, s.outputs, 1.0] for s in samples])
    counts = np.array([s.instructions for s in samples], np.float64)
    fitted = _fit(features, counts)
    errors = _errors(features, counts)
    return [
        *key,
        *(f"{value:.4g}" for value in fitted),
        str(len(samples)),
        *(f"{value:.3f}" for value in (errors.mean(), errors.max())),
    ]


def _fit(features: Array, counts: Array) -> Array:
    """Coefficients, none negative, of least squared relative error."""
    best, least = np.zeros(3), np.inf
    scaled = features / counts[:, None]
    for size in (1, 2, 3):
        for chosen in combinations(range(3), min(size, len(counts), 3)):
            some, *_ = np.linalg.lstsq(scaled[:, chosen], np.ones(len(counts)), rcond=None)
            found = np.zeros(3)
            found[list(chosen)] = some
            error = float(((scaled @ found - 1) ** 2).sum())
            if (some >= 0).all() and error < least - 1e-9:
                best, least = found, error
    return best


def _errors(features: Array, counts: Array) -> Array:
    """Relative errors of layers, each predicted by a fit to the others; of a lone one its own."""
    if len(counts) == 1:
        return np.abs(features @ _fit(features, counts) / counts - 1)
    errors: list[float] = []
    for out in range(len(counts)):
        kept = np.arange(len(counts)) != out
        fitted = _fit(features[kept], counts[kept])
        errors.append(abs(float(features[out] @ fitted) / counts[out] - 1))
    return np.array(errors)


if __name__ == "__main__":
    main(sys.argv[1:] or TARGETS)
