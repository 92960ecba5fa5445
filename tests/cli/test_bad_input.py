# SPDX-License-Identifier: MIT
"""Whatever the user can mend gives one clear block, exit code 2, and no half-written output."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from milliwatt.cli.console import interrupts_wait
from milliwatt.cli.main import main
from milliwatt.ir.text import to_text
from tests.backend.mcu.networks import residual
from tests.support import REPOSITORY

BOARD = "nucleo-l4r5zi"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small network in milliwatt's own text form."""
    path = tmp_path / "small.mw"
    path.write_text(to_text(residual()), encoding="utf-8")
    return path


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run the command line; it must exit with 2. The message, without the program's name."""
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert code == 2
    assert "Traceback" not in captured.err
    return captured.err


def compile_arguments(model: Path, output: Path, *more: object) -> list[object]:
    return ["compile", model, "--target", BOARD, "-o", output, *more]


def test_an_unknown_target_names_the_nearest(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    text = fails(capsys, "compile", model, "--target", "nucleo-l4r5z", "-o", tmp_path / "out")
    assert "unknown target 'nucleo-l4r5z'" in text
    assert "nucleo-l4r5zi" in text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["missing.tflite", "missing.onnx"])
def test_a_model_that_is_not_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    text = fails(capsys, "inspect", tmp_path / name)
    assert name in text
    assert "No such file" in text or "does not exist" in text


def test_a_file_that_is_no_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "noise.tflite"
    path.write_bytes(bytes(range(256)) * 4)
    assert "noise.tflite" in fails(capsys, "inspect", path)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros((1, 6, 6, 4), np.int8), "shape [1, 6, 6, 4] does not match input 'x' (int8"),
        (np.zeros((1, 6, 6, 3), np.float32), "needs int8 values, the file holds float32"),
    ],
)
def test_input_of_the_wrong_shape_or_type(
    capsys: pytest.CaptureFixture[str],
    model: Path,
    tmp_path: Path,
    array: np.ndarray,
    expected: str,
) -> None:
    data = tmp_path / "data.npy"
    np.save(data, array)
    arguments = compile_arguments(model, tmp_path / "out", "--verify", "--input", data)
    assert expected in fails(capsys, *arguments)
    assert not (tmp_path / "out").exists()


def test_raw_bytes_that_are_no_whole_samples(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data.bin"
    data.write_bytes(bytes(109))
    arguments = compile_arguments(model, tmp_path / "out", "--verify", "--input", data)
    assert "109 bytes are not whole samples of 108 bytes" in fails(capsys, *arguments)


def test_a_model_that_does_not_fit(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    board = (REPOSITORY / "src/milliwatt/hardware/data/nucleo-l4r5zi.toml").read_text()
    small = tmp_path / "small.toml"
    small.write_text(board.replace("bytes = 655_360", "bytes = 128"), encoding="utf-8")
    text = fails(capsys, "compile", model, "--target", small, "-o", tmp_path / "out")
    for part in ("does not fit", "SRAM: needs", "has 128 B", "largest values", "peak at"):
        assert part in text
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_ours_is_left_alone(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    assert "was not written by milliwatt" in fails(capsys, *compile_arguments(model, folder))
    assert [p.name for p in folder.iterdir()] == ["thesis.tex"]


def test_output_below_a_file(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    text = fails(capsys, *compile_arguments(model, model / "out"))
    assert f"cannot write {model / 'out'}" in text


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_keeps_the_old_output(
    capsys: pytest.CaptureFixture[str],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    output = tmp_path / "out"
    assert main([str(a) for a in compile_arguments(model, output)]) == 0
    before = {p.name: p.read_bytes() for p in output.iterdir()}
    write_bytes = Path.write_bytes

    def refuse(path: Path, data: bytes) -> int:
        if path.name.endswith("_weights.c"):
            raise OSError(code, os.strerror(code))
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    capsys.readouterr()
    text = fails(capsys, *compile_arguments(model, output))
    assert f"cannot write {output}: {os.strerror(code)}" in text
    assert {p.name: p.read_bytes() for p in output.iterdir()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "small.mw"]


def test_no_compiler(
    capsys: pytest.CaptureFixture[str],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = compile_arguments(model, tmp_path / "out", "--verify", "--compiler", "gcc")
    text = fails(capsys, *arguments)
    assert "arm-none-eabi-gcc" in text
    assert not (tmp_path / "out").exists()


def test_run_refuses_other_folders_and_damaged_projects(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    assert "not a folder that `milliwatt compile` wrote" in fails(capsys, "run", tmp_path)
    output = tmp_path / "out"
    assert main([str(a) for a in compile_arguments(model, output)]) == 0
    manifest = output / "milliwatt.json"
    content = json.loads(manifest.read_text())
    del content["inputs"]
    manifest.write_text(json.dumps(content))
    assert "damaged ('inputs'); compile the model again" in fails(capsys, "run", output)


@pytest.mark.parametrize("arguments", [["compille"], ["compile"], ["--nonsense"]])
def test_wrong_words(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert fails(capsys, *arguments)


def test_ctrl_c_leaves_nothing(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    arguments = compile_arguments(model, output, "--verify", "--samples", 100_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "milliwatt", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    seen = process.stderr.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 2, seen + rest
    assert "interrupted; no output is half-written" in rest
    assert "Traceback" not in rest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.mw"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--samples", 0), "nothing to verify on: --samples is 0 and no --input has any"),
        (("--samples", -1), "Invalid value for '--samples'"),
        (("--seed", -5), "Invalid value for '--seed'"),
        (("--name", ""), "'' does not make a C name"),
    ],
)
def test_options_out_of_range(
    capsys: pytest.CaptureFixture[str],
    model: Path,
    tmp_path: Path,
    options: tuple[object, ...],
    expected: str,
) -> None:
    arguments = compile_arguments(model, tmp_path / "out", "--verify", *options)
    assert expected in fails(capsys, *arguments)
    assert not (tmp_path / "out").exists()


def test_samples_without_verification(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    arguments = compile_arguments(model, tmp_path / "out", "--input", tmp_path / "missing.npy")
    assert "add --verify" in fails(capsys, *arguments)
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_no_regular_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "model.tflite")
    assert "not a regular file" in fails(capsys, "inspect", tmp_path / "model.tflite")


def test_the_demo_without_pytorch(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install 'milliwatt[demo]'" in fails(capsys, "demo", "-o", tmp_path / "out")


def test_outputs_are_refused_before_the_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = fails(capsys, "run", tmp_path / "missing", "-o", tmp_path / "outputs.txt")
    assert "outputs are saved as .npz" in text


def run_in_shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `command` in a shell, where `milliwatt` is this package."""
    return subprocess.run(
        ["bash", "-c", f'milliwatt() {{ "{sys.executable}" -m milliwatt "$@"; }}; {command}'],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", ["targets", "targets --json", "--help"])
def test_standard_output_that_is_full(arguments: str) -> None:
    done = run_in_shell(f"milliwatt {arguments} > /dev/full")
    assert done.returncode == 2
    assert done.stderr == "error: cannot write to standard output: No space left on device\n"


def test_standard_output_that_is_closed() -> None:
    done = run_in_shell("milliwatt targets >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_characters_that_the_terminal_lacks(model: Path) -> None:
    done = run_in_shell(f"milliwatt inspect '{model}'", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "????" in done.stdout


def test_a_reader_that_goes_away_takes_nothing_from_the_output(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = run_in_shell(
        f"milliwatt compile '{model}' --target {BOARD} -o '{output}' --verify --samples 1 | true"
    )
    assert "Traceback" not in done.stderr
    assert (output / "milliwatt.json").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_standard_error_that_is_full() -> None:
    assert run_in_shell("milliwatt inspect missing.tflite 2> /dev/full").returncode == 2


def test_a_picture_that_cannot_be_written_leaves_no_folder(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    picture = model / "memory.svg"
    arguments = compile_arguments(model, tmp_path / "out", "--picture", picture)
    assert f"cannot write {picture}" in fails(capsys, *arguments)
    assert [p.name for p in tmp_path.iterdir()] == ["small.mw"]


def test_a_picture_in_the_output_folder(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    output = tmp_path / "out"
    arguments = compile_arguments(model, output, "--picture", output / "memory.svg")
    for _ in range(2):
        assert main([str(a) for a in arguments]) == 0
        assert {"memory.svg", "milliwatt.json"} < {p.name for p in output.iterdir()}


INTERRUPTED_START = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from milliwatt.cli.main import main
sys.exit(main())
"""
INTERRUPTED_END = """
import os, signal, sys
from milliwatt.cli.main import main
code = main()
os.kill(os.getpid(), signal.SIGINT)
sys.exit(code)
"""


def test_ctrl_c_before_and_after_the_work() -> None:
    def run_script(script: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, "targets"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    start, end = run_script(INTERRUPTED_START), run_script(INTERRUPTED_END)
    assert (start.returncode, start.stdout) == (2, "")
    assert start.stderr == "error: interrupted; no output is half-written\n"
    assert (end.returncode, end.stderr) == (0, "")
    assert BOARD in end.stdout


def test_interrupts_wait_for_the_end_of_the_block() -> None:
    events: list[str] = []

    def work() -> None:
        with interrupts_wait():
            os.kill(os.getpid(), signal.SIGINT)
            events.append("done")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert events == ["done"]
