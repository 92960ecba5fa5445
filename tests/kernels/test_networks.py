# SPDX-License-Identifier: MIT
"""Portable kernels compute every node of the shared networks as its reference does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from milliwatt.backend.mcu.choice.select import select_kernel, site_of
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.values.views import is_view
from milliwatt.errors import UnsupportedError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array, TensorType
from milliwatt.passes.pipeline import run_pipeline
from tests.cases.build import values
from tests.kernels.harness import Job, check_kernels
from tests.support import find_shared, needs_gcc

pytestmark = needs_gcc
FLOAT_ERROR = 2e-5
"""Allowed to an element of a float node, relative to its output's largest magnitude."""


def _networks() -> list[Path]:
    shared = find_shared()
    return [] if shared is None else sorted((shared / "models").rglob("*.tflite"))


def _inputs(graph: Graph, rng: np.random.Generator) -> list[Array]:
    return [_input(graph.types[v], rng) for v in graph.inputs]


def _input(kind: TensorType, rng: np.random.Generator) -> Array:
    # Floats as images and features have them, so that nothing overflows on its way.
    return values(kind, rng) / np.float32(4) if kind.dtype.is_float else values(kind, rng)


def node_jobs(graph: Graph, seed: int = 0) -> list[Job]:
    """Every node that needs code, with the values that reach it for random inputs."""
    seen = trace(graph, _inputs(graph, np.random.default_rng(seed)))
    found: list[Job] = []
    for node in graph.nodes:
        if not is_view(graph, node):
            site = site_of(graph, node)
            kernel = select_kernel(node.name, site, Core())
            found.append(Job(kernel, site, [seen[v] for v in node.inputs]))
    return found


def _bound(job: Job) -> list[Array | None]:
    site = job.site
    wanted = site.op.reference(job.inputs, site.inputs, site.outputs)
    return [
        np.full(w.shape, FLOAT_ERROR * max(1e-6, float(np.abs(w).max())))
        if t.dtype.is_float and site.inputs[0].dtype.is_float
        else None
        for w, t in zip(wanted, site.outputs, strict=True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", _networks(), ids=lambda p: p.stem)
def test_every_node_equals_the_reference(path: Path) -> None:
    try:
        graph = run_pipeline(load_model(path))
    except UnsupportedError as error:
        pytest.skip(str(error).splitlines()[0])
    assert check_kernels(node_jobs(graph), sanitize=False, bound=_bound) > 0
