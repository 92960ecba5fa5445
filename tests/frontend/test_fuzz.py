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
from milliwatt.frontend.tflite import load_tflite
from milliwatt.ir.verify import verify
from tests.frontend.mutations import Mutator
from tests.frontend.networks import lstm_network, streaming_network, tiny_network, uint8_network
from tests.support import find_shared, shared_dir

TOO_SLOW_S = 5.0
TOO_MUCH_KIB = 1 << 20

OWN = {
    "tiny": tiny_network(),
    "streaming": streaming_network(),
    "uint8": uint8_network(),
    "lstm": lstm_network(),
}


def load_or_refuse(data: bytes) -> str:
    """Import once, within time; what is imported holds together."""
    started = time.monotonic()
    try:
        graph = load_tflite(data)
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
    outcomes = fuzz([OWN[name]], 150, seed=1)
    assert outcomes["ModelError"] > 10
    assert outcomes["imported"] > 0


def test_every_truncation_of_a_small_file_is_refused() -> None:
    data = OWN["tiny"]
    outcomes = Counter(load_or_refuse(data[:length]) for length in range(len(data) - 3))
    assert set(outcomes) == {"ModelError"}


def test_every_damaged_byte_of_a_small_file() -> None:
    data = OWN["streaming"]
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        load_or_refuse(bytes(damaged))


def published() -> list[bytes]:
    shared = find_shared()
    paths = [] if shared is None else sorted((shared / "models").rglob("*.tflite"))
    return [Path(path).read_bytes() for path in paths]


def test_damaged_published_files() -> None:
    shared_dir()
    outcomes = fuzz(published(), 300, seed=2)
    assert outcomes["ModelError"] > 100
    assert outcomes["imported"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_damaged_files(seed: int) -> None:
    outcomes = fuzz(published() + list(OWN.values()), 2500, seed=100 + seed)
    assert outcomes["ModelError"] > 1000
