# SPDX-License-Identifier: MIT
"""Every published .onnx file: imports and is close to ONNX Runtime, or is refused."""

import re
from pathlib import Path

import numpy as np
import pytest

from milliwatt.frontend.load import load_model
from milliwatt.ir.interpret import run
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.quant.calibrate import quantize_graph
from tests.models.generate_onnx_table import COMMAND, TABLE, onnx_files, render
from tests.models.measure_onnx import FLOAT_BOUND, OnnxRow, measure_onnx
from tests.models.onnx_samples import keywords
from tests.support import find_shared, shared_file

pytest.importorskip("onnx", reason="needs onnx: pip install onnx")

pytestmark = pytest.mark.oracle

SHARED = find_shared()
FILES = [] if SHARED is None else onnx_files(SHARED / "models")

REFUSED = {
    "pulp_integer_onnx": "an integer network of QuantLib",
    "subbyte": "QONNX, arbitrary and sub-byte precision from Brevitas",
}
"""The folders whose files cannot be imported, and why."""


def relative(path: Path) -> str:
    assert SHARED is not None
    return path.relative_to(SHARED / "models").as_posix()


def without_counts(row: str) -> str:
    return re.sub(r"\d[\d.e-]*", "#", row)


@pytest.mark.skipif(SHARED is None, reason="needs the shared models")
def test_the_table_has_a_row_for_each_file_and_no_other() -> None:
    named = re.findall(r"^\| (\S+\.onnx) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == [relative(path) for path in FILES], f"run {COMMAND}"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_and_is_close_to_the_oracle(path: Path) -> None:
    assert SHARED is not None
    row = measure_onnx(path, SHARED / "models", SHARED / "data")
    reason = REFUSED.get(row.file.split("/")[0])
    if reason is None:
        check_close(row)
    else:
        assert row.imported.startswith(f"no: {reason}")
    table = without_counts(TABLE.read_text(encoding="utf-8")).splitlines()
    assert without_counts(row.markdown()) in table, f"{TABLE.name} is out of date: run {COMMAND}"


def check_close(row: OnnxRow) -> None:
    assert row.imported == "yes", f"{row.file}: {row.imported}"
    if row.alone.elements:
        assert row.alone.largest <= 1
        assert row.alone.differing <= 0.005 * row.alone.elements
    else:
        assert row.float_error <= FLOAT_BOUND
    assert row.disagreeing == 0


def test_the_head_of_the_table_is_the_generated_one() -> None:
    assert TABLE.read_text(encoding="utf-8").startswith(render([])), f"run {COMMAND}"


def test_a_float_network_quantised_here_is_as_right() -> None:
    """The pruned keyword network: calibrated on 100 words, tested on 200 others."""
    graph = run_pipeline(load_model(shared_file("models", "pruned", "alibaba_kws.onnx")))
    samples = keywords(shared_file("data"))
    shape = graph.types[graph.inputs[0]].shape
    words = [x.reshape(shape) for x in samples.inputs]
    integer = quantize_graph(graph, [(x,) for x in words[:100]])
    kind = integer.types[integer.inputs[0]]
    same = 0
    for x in words[100:]:
        codes = np.clip(np.rint(x / kind.scale) + kind.zero_point, -128, 127).astype(np.int8)
        real, coded = run(graph, [x]).outputs[0], run(integer, [codes]).outputs[0]
        same += int(real.argmax() == coded.argmax())
    assert same >= 190
