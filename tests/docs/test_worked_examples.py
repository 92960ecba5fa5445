# SPDX-License-Identifier: MIT
"""The steps of docs/add-*.md work: applied to a copy of the repository, the tests they add pass."""

from pathlib import Path

import pytest

from tests.docs.worked import apply_document, run_python
from tests.support import REPOSITORY, needs_arm_gcc, needs_clang, needs_gcc

DOCS = REPOSITORY / "docs"


def run_tests(root: Path, *arguments: str) -> str:
    """What pytest prints; fails where a test does, or where none ran."""
    done = run_python(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


@needs_gcc
@pytest.mark.oracle
def test_add_an_operator(tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    root = apply_document(DOCS / "add-an-operator.md", tmp_path)
    tests = ("tests/kernels/test_portable.py", "tests/ops/test_against_oracles.py")
    printed = run_tests(root, *tests, "-k", "absolute")
    assert "3 passed" in printed


@needs_gcc
@needs_arm_gcc
@needs_clang
@pytest.mark.emulator
def test_add_a_kernel(tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    root = apply_document(DOCS / "add-a-kernel.md", tmp_path)
    tests = ("test_dsp_max_pool.py", "test_headers.py", "test_comments.py")
    run_tests(root, *(f"tests/kernels/{name}" for name in tests))
    chosen = run_python(root, "-c", CHOSEN)
    assert chosen.stdout == "max_pool2d_s8_dsp max_pool2d_s8\n", chosen.stderr


CHOSEN = """
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.choice.select import select_kernel
from tests.kernels.test_dsp_max_pool import sites
site = sites()[0][0]
print(*(select_kernel("pool", site, Core(dsp=dsp)).name for dsp in (True, False)))
"""
