# SPDX-License-Identifier: MIT
"""Fixtures and settings of every test; the helpers that tests import are in `tests.support`."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import find_shared, shared_dir

# The same examples at every run: a red test is a change of the code, never of the dice.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
# For hunting: pytest --hypothesis-profile=hunt
settings.register_profile("hunt", deadline=None, max_examples=2000)
settings.load_profile("repeatable")

# Tests run side by side: PyTorch's threads would wait for processors that other tests have, at a
# hundredth of the speed. It reads this when it is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

OPTIONAL_COMMANDS = ("gcc", "clang", "arm-none-eabi-gcc", "qemu-system-arm")
OPTIONAL_MODULES = ("torch", "unicorn", "ziglang", "tflite_micro", "ai_edge_litert", "onnxruntime")


def pytest_report_header() -> list[str]:
    """Say first what this machine lacks, since it decides what will be skipped."""
    lacking = [name for name in OPTIONAL_COMMANDS if shutil.which(name) is None]
    lacking += [name for name in OPTIONAL_MODULES if importlib.util.find_spec(name) is None]
    shared = find_shared()
    return [
        f"shared models: {shared or 'none (tests that need them are skipped)'}",
        f"not on this machine: {', '.join(lacking) or 'nothing'}",
    ]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared models and data; skips where this machine has none."""
    return shared_dir()
