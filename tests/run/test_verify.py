# SPDX-License-Identifier: MIT
"""When two arrays count as equal, and what a failed verification says."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from milliwatt.run.cores import find_core
from milliwatt.run.verify import FLOAT_TOLERANCE, agree, first_difference

NAN, INF = float("nan"), float("inf")


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("actual", "expected", "equal"),
    [
        (floats(100.0, 1.0), floats(100.0, 1.0 + 50 * FLOAT_TOLERANCE), True),
        (floats(100.0, 1.0), floats(100.0, 1.0 + 200 * FLOAT_TOLERANCE), False),
        (floats(0.0), floats(0.0), True),
        (floats(1e-3), floats(0.0), False),
        (floats(NAN, 1.0), floats(NAN, 1.0), True),
        (floats(1.0, NAN), floats(NAN, 1.0), False),
        (floats(INF, 1.0), floats(INF, 1.0), True),
        (floats(-INF, 1.0), floats(INF, 1.0), False),
        (floats(3e38, 1.0), floats(INF, 1.0), False),
        (floats(INF, 1.0), floats(3e38, 1.0), False),
        (np.array([1, 2], np.int8), np.array([1, 2], np.int8), True),
        (np.array([1, 3], np.int8), np.array([1, 2], np.int8), False),
    ],
)
def test_agree(actual: np.ndarray, expected: np.ndarray, equal: bool) -> None:
    assert agree(actual, expected) is equal


def test_without_unicorn_a_difference_names_no_layer() -> None:
    core = replace(find_core("cortex-m4"), name="cortex-x", unicorn_model=None)
    firmware = cast(Any, SimpleNamespace(core=core))
    assert first_difference(cast(Any, None), firmware, []) == (
        "which layer is unknown: only Unicorn runs single layers, and has no cortex-x"
    )
