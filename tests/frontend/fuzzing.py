# SPDX-License-Identifier: MIT
"""Importing damaged files: within time and memory, to a sound graph or a ModelError."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.graph import Graph
from milliwatt.ir.verify import verify
from tests.support import find_shared

TOO_SLOW_S = 5.0
TOO_MUCH_KIB = 1 << 20


class Mutates(Protocol):
    """Something that damages a file in another way each time."""

    def mutate(self, rng: np.random.Generator) -> bytes: ...


@dataclass(frozen=True)
class Fuzzer:
    """A frontend's reader, and what damages files of its format."""

    load: Callable[[bytes], Graph]
    mutator: Callable[[bytes], Mutates]

    def load_or_refuse(self, data: bytes) -> str:
        """Import once, within time; what is imported holds together."""
        started = time.monotonic()
        try:
            graph = self.load(data)
        except ModelError as error:
            outcome = type(error).__name__
        else:
            verify(graph)
            outcome = "imported"
        assert time.monotonic() - started < TOO_SLOW_S
        return outcome

    def fuzz(self, files: Sequence[bytes], count: int, seed: int) -> Counter[str]:
        """Import `count` mutations of the files in turn; how they ended."""
        rng = np.random.default_rng(seed)
        mutators = [self.mutator(data) for data in files]
        memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcomes = Counter(
            self.load_or_refuse(mutators[i % len(mutators)].mutate(rng)) for i in range(count)
        )
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_kib
        assert grown_kib < TOO_MUCH_KIB
        return outcomes


def published(suffix: str) -> list[bytes]:
    """The shared models of a format; none where they are not here."""
    shared = find_shared()
    paths: list[Path] = []
    if shared is not None:
        paths = sorted((shared / "models").rglob(f"*{suffix}"))
    return [path.read_bytes() for path in paths]
