# SPDX-License-Identifier: MIT
"""Damaged files import or end in a ModelError: no crash, no hang, no memory without bound."""

from __future__ import annotations

from collections import Counter

import pytest

from milliwatt.frontend.tflite import load_tflite
from tests.frontend.fuzzing import Fuzzer, published
from tests.frontend.mutations import Mutator
from tests.frontend.networks import lstm_network, streaming_network, tiny_network, uint8_network
from tests.support import shared_dir

OWN = {
    "tiny": tiny_network(),
    "streaming": streaming_network(),
    "uint8": uint8_network(),
    "lstm": lstm_network(),
}


FUZZER = Fuzzer(load_tflite, Mutator)


@pytest.mark.parametrize("name", OWN)
def test_damaged_small_files(name: str) -> None:
    outcomes = FUZZER.fuzz([OWN[name]], 150, seed=1)
    assert outcomes["ModelError"] > 10
    assert outcomes["imported"] > 0


def test_every_truncation_of_a_small_file_is_refused() -> None:
    data = OWN["tiny"]
    outcomes = Counter(FUZZER.load_or_refuse(data[:length]) for length in range(len(data) - 3))
    assert set(outcomes) == {"ModelError"}


def test_every_damaged_byte_of_a_small_file() -> None:
    data = OWN["streaming"]
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        FUZZER.load_or_refuse(bytes(damaged))


def test_damaged_published_files() -> None:
    shared_dir()
    outcomes = FUZZER.fuzz(published(".tflite"), 300, seed=2)
    assert outcomes["ModelError"] > 100
    assert outcomes["imported"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_damaged_files(seed: int) -> None:
    outcomes = FUZZER.fuzz(published(".tflite") + list(OWN.values()), 2500, seed=100 + seed)
    assert outcomes["ModelError"] > 1000
