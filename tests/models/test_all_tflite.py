# SPDX-License-Identifier: MIT
"""Every published .tflite file: imports, and equals the oracle layer by layer, or is refused."""

import re
from pathlib import Path

import pytest

from tests.models.generate_table import COMMAND, TABLE, files, render
from tests.models.measure import measure
from tests.models.on_core import FLOAT_TOLERANCE
from tests.support import find_shared

pytestmark = pytest.mark.oracle

SHARED = find_shared()
ROOT = None if SHARED is None else SHARED / "models"
FILES = [] if ROOT is None else files(ROOT)

REFUSED = {
    "mlperf_tiny/kws_dscnn_hybrid.tflite": "hybrid: float32 activations with int8 weights",
    "silabs/keyword_spotting_heygecko_fp32.tflite": "hybrid: float32 activations with int8 weights",
    "tflm/audio_preprocessor_float.tflite": "TFLM's audio front end",
    "tflm/audio_preprocessor_int8.tflite": "TFLM's audio front end",
    "tflm/person_detect_vela.tflite": "already compiled by Vela for an Ethos-U",
}
"""The files that cannot be imported, and why."""


def relative(path: Path) -> str:
    assert ROOT is not None
    return path.relative_to(ROOT).as_posix()


@pytest.mark.skipif(ROOT is None, reason="needs the shared models")
def test_the_table_has_a_row_for_each_file_and_no_other() -> None:
    named = re.findall(r"^\| (\S+\.tflite) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == [relative(path) for path in FILES], f"run {COMMAND}"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_and_equals_the_oracle(path: Path) -> None:
    assert ROOT is not None
    row = measure(path, ROOT)
    reason = REFUSED.get(row.file)
    if reason is None:
        assert row.imported == "yes", f"{row.file}: {row.imported}"
    else:
        assert row.imported.startswith(f"no: {reason}")
    table = TABLE.read_text(encoding="utf-8").splitlines()
    possible = [row.markdown(cell) for cell in ("equal", f"within {FLOAT_TOLERANCE:g}", "")]
    assert any(line in table for line in possible), f"docs/models.md is out of date: run {COMMAND}"


def test_the_head_of_the_table_is_the_generated_one() -> None:
    assert TABLE.read_text(encoding="utf-8").startswith(render([], [])), f"run {COMMAND}"
