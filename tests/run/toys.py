# SPDX-License-Identifier: MIT
"""Small C models that the runner tests share, and what the first of them means."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from milliwatt.run.abi import ModelAbi
from milliwatt.run.build import build_firmware
from milliwatt.run.compilers import find_compilers
from milliwatt.run.cores import find_core
from milliwatt.run.image import Firmware

FIXTURE = Path(__file__).parent / "fixture"

TOY = ModelAbi("toy", (64, 16), (16, 8), tuple(f"toy_node_{i}" for i in range(4)))
TOY_SOURCES = (FIXTURE / "toy.c", FIXTURE / "toy_weights.c")
COUNTED = ModelAbi("counted", (4,), (4,), ("counted_node_0", "counted_node_1"), has_reset=False)
CONDITIONAL = ModelAbi(
    "conditional", (4,), (4,), ("conditional_node_0", "conditional_node_1"), has_reset=False
)
FAULTY = ModelAbi("faulty", (4,), (4,), has_reset=False)

CORE_AND_COMPILER = [
    (core, compiler)
    for core in ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")
    for compiler in ("gcc", "zig")
]

ToySample = tuple[NDArray[np.int8], NDArray[np.int32]]


def build(abi: ModelAbi, core: str, compiler: str, optimisation: str = "-O2") -> Firmware:
    """Build a fixture model, or skip the calling test where that compiler is missing."""
    found: list[str] = [entry.kind for entry in find_compilers(find_core(core))]
    if compiler not in (found and [*found, "auto"]):
        pytest.skip(f"no {compiler} for {core} on this machine")
    sources = TOY_SOURCES if abi is TOY else (FIXTURE / f"{abi.name}.c",)
    return build_firmware(
        sources,
        abi,
        find_core(core),
        include_folders=[FIXTURE],
        compiler=compiler,
        optimisation=optimisation,
    )


def toy_samples(count: int = 3) -> list[ToySample]:
    """Random inputs of the toy model, always the same."""
    rng = np.random.default_rng(7)
    return [
        (
            rng.integers(-128, 128, 64).astype(np.int8),
            rng.integers(-20, 21, 4).astype(np.int32),
        )
        for _ in range(count)
    ]


def toy_reference(samples: list[ToySample], reset_each: bool) -> tuple[tuple[bytes, ...], ...]:
    """What toy.c computes, in Python."""
    state = 5
    outputs: list[tuple[bytes, ...]] = []
    for values, divisors in samples:
        if reset_each:
            state = 5
        integers, floats, state = _toy(values, divisors, state)
        outputs.append((integers.tobytes(), floats.tobytes()))
    return tuple(outputs)


def _toy(
    values: NDArray[np.int8], divisors: NDArray[np.int32], state: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], int]:
    table = [1, -2, 3, -4, 5, -6, 7, -8]
    weights = _toy_weights()
    arena = [
        table[row % 8] + int(np.dot(np.roll(weights, -row), values.astype(np.int64)))
        for row in range(32)
    ]
    out = [0, 0, 0, 0]
    for _ in range(3):
        for i, given in enumerate(int(d) for d in divisors):
            divisor = 7 if given == 0 else given
            factor = 5 if divisor > 3 else -2
            out[i] = _quotient(arena[i], divisor) + _remainder(arena[i + 4], 13) * factor
        out[0] += _clamp_sum(arena, -500, 500) + 21
        state = _remainder(state * 31 + out[0], 1000)
        out[1] += state
    out[2] = _clamp_sum(arena[::-1], -90, 90)
    first = np.float32(out[2]) * np.float32(0.25)
    return np.array(out, np.int32), np.array([first, first + np.float32(state)], np.float32), state


def _toy_weights() -> NDArray[np.int64]:
    text = (FIXTURE / "toy_weights.c").read_text("utf-8")
    body = text[text.index("= {") + 3 : text.rindex("}")]
    return np.array([int(word) for word in body.replace("\n", " ").split(",") if word.strip()])


def _quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _remainder(a: int, b: int) -> int:
    return a - _quotient(a, b) * b


def _clamp_sum(values: list[int], low: int, high: int) -> int:
    return sum(
        high + (i & 1) if value > high else max(value, low) for i, value in enumerate(values)
    )
