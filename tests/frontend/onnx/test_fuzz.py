# SPDX-License-Identifier: MIT
"""Damaged files import or end in a ModelError: no crash, no hang, no memory without bound."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from milliwatt.frontend.onnx import load_onnx
from tests.frontend.fuzzing import Fuzzer, published
from tests.frontend.onnx.models import tiny_float, tiny_qdq
from tests.frontend.onnx.mutations import Mutator
from tests.support import shared_dir

OWN = {
    "float": tiny_float(),
    "float, opset 9": tiny_float(9),
    "qdq": tiny_qdq(),
    "qdq, uint8": tiny_qdq(np.uint8, 0),
}


FUZZER = Fuzzer(load_onnx, Mutator)


@pytest.mark.parametrize("name", OWN)
def test_damaged_small_files(name: str) -> None:
    outcomes = FUZZER.fuzz([OWN[name]], 300, seed=1)
    assert outcomes["ModelError"] > 60
    assert outcomes["UnsupportedError"] > 10
    assert outcomes["imported"] > 10


def test_every_truncation_of_a_small_file_is_refused() -> None:
    data = OWN["qdq"]
    outcomes = Counter(FUZZER.load_or_refuse(data[:length]) for length in range(len(data) - 20))
    assert set(outcomes) <= {"ModelError", "UnsupportedError"}


def test_damaged_published_files() -> None:
    shared_dir()
    outcomes = FUZZER.fuzz(published(".onnx"), 200, seed=2)
    assert outcomes["ModelError"] > 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_damaged_files(seed: int) -> None:
    outcomes = FUZZER.fuzz(published(".onnx") + list(OWN.values()) * 4, 2500, seed=100 + seed)
    assert outcomes["ModelError"] > 800
    assert outcomes["imported"] > 100
