# SPDX-License-Identifier: MIT
"""`python -m bench.predictions [TARGET…]`: fit the predictor of kernel costs to measurements.

Every kernel of every layer of some networks is measured as `milliwatt tune` does it. For each
kernel a sum of rates times a few features of the layer is fitted, no rate negative; of all sets of
up to three features the one is taken whose error on layers left out in turn is least. That error
stands in the table.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.sources import commit_of
from bench.suite import load_suite
from milliwatt.backend.mcu.choice.predict import FEATURES, TABLE, core_class, features_of
from milliwatt.backend.mcu.choice.select import site_of
from milliwatt.backend.mcu.choice.shaped import SUFFIX
from milliwatt.backend.mcu.compile import core_of
from milliwatt.errors import DataError
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.output import write_file
from milliwatt.tuning.tune import tune
from tests.support import find_shared

TARGETS = ("nucleo-l4r5zi", "rpi-pico", "corstone-300")
MODELS = ("ad", "kws", "vww", "ic", "sww", "kws-m")
OTHERS = ("models/mlperf_tiny/ic_resnet_large_int8.tflite",)
"""Networks outside the suite."""

COLUMNS = (
    *("core", "kernel"),
    *(f"per_{feature}" for feature in FEATURES),
    *("layers", "mean_error", "max_error"),
)
LAYERS_A_FEATURE = 3
"""A fit has at most one feature for so many layers."""

PENALTY = 0.1
"""A feature more must lessen the error by this share."""

Array = NDArray[np.float64]


Sample = tuple[tuple[int, ...], int]
"""One layer by one kernel: its features, and the instructions."""


def main(targets: Sequence[str] = TARGETS) -> None:
    """Measure, fit, write; rows of cores that none of the targets has stay."""
    shared = find_shared()
    if shared is None:
        raise SystemExit("the shared models are not here")
    samples: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for target in targets:
        files = [model.file for model in load_suite().models if model.key in MODELS]
        for file in (*files, *OTHERS):
            print(f"{target} {file}", file=sys.stderr)
            for key, sample in _samples(shared / file, target):
                samples[key].append(sample)
    rows = {key: ",".join(_row(key, found)) for key, found in samples.items()}
    fresh = {core for core, _ in rows}
    kept = (line for line in TABLE.read_text("utf-8").splitlines()[2:] if line)
    rows |= {_key(line): line for line in kept if _key(line)[0] not in fresh}
    lines = [rows[key] for key in sorted(rows)]
    about = (
        f"# fitted by `python -m bench.predictions` at {commit_of()}: gcc -O2, {', '.join(MODELS)}"
        f", {', '.join(Path(file).stem for file in OTHERS)}"
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
        for cost in layer.measured:
            if not cost.kernel.endswith(SUFFIX):
                key = core_class(core_of(target)), cost.kernel
                yield key, (features_of(site), cost.instructions)


def _row(key: tuple[str, str], samples: Sequence[Sample]) -> list[str]:
    features = np.array([found for found, _ in samples], np.float64)
    counts = np.array([instructions for _, instructions in samples], np.float64)
    rates, errors = best_fit(features, counts)
    return [
        *key,
        *(f"{value:.4g}" for value in rates),
        str(len(samples)),
        *(f"{value:.3f}" for value in (errors.mean(), errors.max())),
    ]


def best_fit(features: Array, counts: Array) -> tuple[Array, Array]:
    """Rates[features], and the error of each layer by a fit to the others.

    `features` [layers, features], `counts` [layers]. A lone layer's error is that of its own fit.
    """
    best: tuple[float, Array, Array] | None = None
    most = max(1, min(3, len(counts) // LAYERS_A_FEATURE))
    for size in range(1, most + 1):
        for chosen in combinations(range(features.shape[1]), size):
            rates = _rates(features, counts, chosen)
            if rates is None:
                continue
            errors = _errors(features, counts, chosen)
            score = float(np.sqrt((errors**2).mean())) * (1 + PENALTY * size)
            if best is None or score < best[0] - 1e-9:
                best = score, rates, errors
    if best is None:
        raise DataError("no feature fits the layers with a rate that is not negative")
    return best[1], best[2]


def _rates(features: Array, counts: Array, chosen: Sequence[int]) -> Array | None:
    """Rates of least squared relative error, 0 but for the chosen features.

    None where one is negative, or no layer tells them apart.
    """
    scaled = features[:, chosen] / counts[:, None]
    some, _, rank, _ = np.linalg.lstsq(scaled, np.ones(len(counts)), rcond=None)
    if rank < len(chosen) or (some < 0).any():
        return None
    found = np.zeros(features.shape[1])
    found[list(chosen)] = some
    return found


def _errors(features: Array, counts: Array, chosen: Sequence[int]) -> Array:
    """Relative errors of layers, each predicted by a fit to the others; 1 where there is none."""
    errors = np.ones(len(counts))
    for out in range(len(counts)):
        kept = np.arange(len(counts)) != out if len(counts) > 1 else np.array([True])
        rates = _rates(features[kept], counts[kept], chosen)
        if rates is not None:
            errors[out] = abs(float(features[out] @ rates) / counts[out] - 1)
    return errors


if __name__ == "__main__":
    main(sys.argv[1:] or TARGETS)
