# SPDX-License-Identifier: MIT
"""Damaged files import or end in a ModelError: no crash, no hang, no memory without bound."""

from __future__ import annotations

import resource
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from milliwatt.errors import ModelError
from milliwatt.frontend.onnx import load_onnx
from milliwatt.ir.verify import verify
from tests.frontend.onnx.models import tiny_float, tiny_qdq
from tests.frontend.onnx.mutations import Mutator
from tests.support import find_shared, shared_dir

TOO_SLOW_S = 5.0
TOO_MUCH_KIB = 1 << 20

OWN = {
    "float": tiny_float(),
    "float, opset 9": tiny_float(9),
    "qdq": tiny_qdq(),
    "qdq, uint8": tiny_qdq(np.uint8, 0),
}


def load_or_refuse(data: bytes) -> str:
    """Import once, within time; what is imported holds together."""
    started = time.monotonic()
    try:
        graph = load_onnx(data)
    except ModelError as error:
        outcome = type(error).__name__
    else:
        verify(graph)
        outcome = "imported"
    assert time.monotonic() - started < TOO_SLOW_S
    return outcome


def fuzz(files: list[bytes], count: int, seed: int) -> Counter[str]:
    """Import `count` mutations of the files in turn; how they ended."""
    rng = np.random.default_rng(seed)
    mutators = [Mutator(data) for data in files]
    memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = Counter(
        load_or_refuse(mutators[i % len(mutators)].mutate(rng)) for i in range(count)
    )
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_kib
    assert grown_kib < TOO_MUCH_KIB
    return outcomes


@pytest.mark.parametrize("name", OWN)
def test_damaged_small_files(name: str) -> None:
    outcomes = fuzz([OWN[name]], 300, seed=1)
    assert outcomes["ModelError"] > 60
    assert outcomes["UnsupportedError"] > 10
    assert outcomes["imported"] > 10


def test_every_truncation_of_a_small_file_is_refused() -> None:
    data = OWN["qdq"]
    outcomes = Counter(load_or_refuse(data[:length]) for length in range(len(data) - 20))
    assert set(outcomes) <= {"ModelError", "UnsupportedError"}


def published() -> list[bytes]:
    shared = find_shared()
    paths = [] if shared is None else sorted((shared / "models").rglob("*.onnx"))
    return [Path(path).read_bytes() for path in paths]


def test_damaged_published_files() -> None:
    shared_dir()
    outcomes = fuzz(published(), 200, seed=2)
    assert outcomes["ModelError"] > 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_damaged_files(seed: int) -> None:
    outcomes = fuzz(published() + list(OWN.values()) * 4, 2500, seed=100 + seed)
    assert outcomes["ModelError"] > 800
    assert outcomes["imported"] > 100
