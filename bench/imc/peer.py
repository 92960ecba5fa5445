# SPDX-License-Identifier: MIT
"""ZigZag on the same work: what it said when it was run, and how long it takes where it is here."""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
import time
from pathlib import Path

from bench.imc.figures import HERE, Figures

VERSION = "zigzag-dse 3.9.1"
RECORDED = {
    "layer, digital": Figures(32876, 32876 * 3.75708, 2.838, 19.910),
    "layer, analogue": Figures(26824, 26824 * 14.07244, 2.688, 19.910),
    "ResNet-18, digital": Figures(5_681_000, 5_681_000 * 3.75708, 516.355, 4209.816),
}
"""Measured 2026-11 with `VERSION`; energy of its array and of its memories."""
RECORDED_SECONDS = {
    "layer, digital": "2.5–3.9",
    "layer, analogue": "2.5–3.9",
    "ResNet-18, digital": "182–223",
}
"""Seconds of search, measured 2026-11, the fastest and the slowest."""
_ARRAYS = {"layer, digital": "dimc", "layer, analogue": "aimc"}


def measured_seconds() -> dict[str, float]:
    """Seconds that ZigZag takes for the example layer here; empty where it is not installed."""
    if importlib.util.find_spec("zigzag") is None:
        return {}
    return {name: _search(array) for name, array in _ARRAYS.items()}


def _search(array: str) -> float:
    api = importlib.import_module("zigzag.api")
    inputs = Path(str(api.__file__)).parent / "inputs"
    with tempfile.TemporaryDirectory(prefix="milliwatt-") as folder:
        start = time.perf_counter()
        api.get_hardware_performance_zigzag(
            str(HERE / "zigzag-layer.yaml"),
            str(inputs / "hardware" / f"{array}.yaml"),
            str(inputs / "mapping" / "default_imc.yaml"),
            dump_folder=folder,
            in_memory_compute=True,
            loma_show_progress_bar=False,
        )
        return time.perf_counter() - start
