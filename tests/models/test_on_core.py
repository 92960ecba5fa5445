# SPDX-License-Identifier: MIT
"""Every published .tflite file that imports runs on the emulated core as its reference does."""

import re
from pathlib import Path

import pytest

from tests.models.generate_table import COMMAND, TABLE, files
from tests.models.on_core import measure_on_core
from tests.support import find_shared

pytestmark = pytest.mark.emulator

SHARED = find_shared()
ROOT = None if SHARED is None else SHARED / "models"
FILES = [] if ROOT is None else files(ROOT)


def relative(path: Path) -> str:
    assert ROOT is not None
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_it_runs_on_the_core_as_the_table_says(path: Path) -> None:
    cell = measure_on_core(path)
    row = re.search(rf"^\| {re.escape(relative(path))} \|.*$", TABLE.read_text("utf-8"), re.M)
    assert row is not None, f"run {COMMAND}"
    assert row.group().split(" | ")[4] == cell, f"docs/models.md is out of date: run {COMMAND}"
