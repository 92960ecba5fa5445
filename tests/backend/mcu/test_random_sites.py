# SPDX-License-Identifier: MIT
"""Layers of random graphs alone, over every part of an input that their kernels may write to."""

from __future__ import annotations

import numpy as np
import pytest

from milliwatt.backend.mcu.choice.select import select_kernel, site_of
from milliwatt.backend.mcu.kernel import Core, Site
from milliwatt.backend.mcu.values.views import is_view
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Padding
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import FLOAT_TOLERANCE, ports_of
from tests.backend.mcu.random_graphs import LARGE, random_graph
from tests.cases.build import values
from tests.kernels.harness import Job, check_kernels, expected
from tests.passes.graphs import conv, conv_constants, int8
from tests.support import needs_gcc

GRAPHS = 40
CORES = {"dsp": Core(dsp=True), "swar": Core(swar=True), "portable": Core()}


def jobs_of(seed: int, dtype: DType, core: Core) -> list[Job]:
    """Every layer that needs code, with the values that reach it for random inputs."""
    graph = run_pipeline(random_graph(seed, dtype, LARGE))
    (sample,) = random_samples(ports_of(graph), 1, seed)
    seen = trace(graph, sample)
    sites = [(n, site_of(graph, n)) for n in graph.nodes if not is_view(graph, n)]
    return [
        Job(select_kernel(node.name, site, core), site, [seen[v] for v in node.inputs])
        for node, site in sites
    ]


def bound(job: Job) -> list[Array | None]:
    """Nothing for integers; for floats what the verifier allows."""
    return [
        np.full(w.shape, FLOAT_TOLERANCE * max(1e-6, float(np.abs(w).max())))
        if w.dtype == np.float32
        else None
        for w in expected(job)
    ]


def check(first_seed: int, dtype: DType, core: Core) -> None:
    seeds = range(first_seed, first_seed + GRAPHS)
    jobs = [job for seed in seeds for job in jobs_of(seed, dtype, core)]
    assert check_kernels(jobs, sanitize=False, bound=bound) > len(jobs)


@needs_gcc
@pytest.mark.parametrize("core", CORES)
def test_int8(core: str) -> None:
    check(0, DType.INT8, CORES[core])


@needs_gcc
def test_int16() -> None:
    check(100, DType.INT16, CORES["portable"])


@needs_gcc
def test_float32() -> None:
    check(200, DType.FLOAT32, CORES["portable"])


@pytest.mark.slow
@needs_gcc
@pytest.mark.parametrize("first_seed", range(1000, 1000 + 20 * GRAPHS, GRAPHS))
@pytest.mark.parametrize("core", CORES)
def test_many_more(core: str, first_seed: int) -> None:
    check(first_seed, DType.INT8, CORES[core])


@needs_gcc
@pytest.mark.parametrize("columns", [6, 7, 9, 10])
def test_a_block_of_pixels_that_ends_in_the_next_row(columns: int) -> None:
    """Its later pixels read the row again from the left, below what its first one reads."""
    rng = np.random.default_rng(1)
    x, y = int8(1, 5, columns, 16), int8(1, 6, columns, 8)
    constants = conv_constants(16, 8, 1)
    kinds = [x, *(kind for _, kind in constants.values())]
    arrays = [values(x, rng), *(array for array, _ in constants.values())]
    site = Site(conv(Padding(1, 0, 0, 0)), tuple(kinds), (y,), (None, *arrays[1:]))
    for core in CORES.values():
        job = Job(select_kernel("conv", site, core), site, arrays)
        assert check_kernels([job], sanitize=False) > 1
