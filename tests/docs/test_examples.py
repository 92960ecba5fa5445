# SPDX-License-Identifier: MIT
"""The scripts in examples/ run, and what they print is what they promise."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import milliwatt as mw
from tests.support import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
IMAGES = EXAMPLES / "digits_images.npy"

needs_unicorn = pytest.mark.skipif(
    importlib.util.find_spec("unicorn") is None or importlib.util.find_spec("ziglang") is None,
    reason="needs the emulator: pip install 'milliwatt[emulate]'",
)
needs_training = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None or importlib.util.find_spec("sklearn") is None,
    reason="needs PyTorch and scikit-learn: pip install 'milliwatt[demo]'",
)


def run_example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@needs_unicorn
@pytest.mark.emulator
def test_compile_and_verify(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    done = run_example(
        "compile_and_verify.py", str(EXAMPLES / "digits.mw"), "nucleo-l4r5zi", str(folder)
    )
    assert done.returncode == 0, done.stderr
    assert "verified on unicorn: 8 inputs, every output byte equal" in done.stdout
    assert "proven lower bound" in done.stdout
    assert mw.load_project(folder).name == "digits"


def test_an_example_reports_what_the_user_can_mend() -> None:
    done = run_example("compile_and_verify.py", "no_such_model.tflite")
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot read no_such_model.tflite")
    assert "Traceback" not in done.stderr


@needs_unicorn
@needs_training
@pytest.mark.emulator
def test_from_pytorch(tmp_path: Path) -> None:
    """Training differs between machines in its last bits, so accuracy has a floor only."""
    folder = tmp_path / "project"
    done = run_example("from_pytorch.py", "nucleo-l4r5zi", str(folder))
    assert done.returncode == 0, done.stderr
    percent = float(done.stdout.split("emulated core: ")[1].split("%")[0])
    assert percent > 90
    assert mw.load_model(folder / "digits.mw").macs() == 10_368
    assert np.load(folder / "digits_images.npy").shape == (10, 8, 8, 1)


def test_the_digits_network_knows_its_ten_images() -> None:
    graph = mw.load_model(EXAMPLES / "digits.mw")
    for digit, (image,) in enumerate(mw.load_samples(IMAGES, mw.ports_of(graph))):
        (scores,) = mw.run_graph(graph, [image]).outputs
        assert int(scores.argmax()) == digit
