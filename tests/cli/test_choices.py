# SPDX-License-Identifier: MIT
"""`milliwatt compile --choices`: what the file decides, and what the other options do."""

import json
from pathlib import Path

import pytest

from milliwatt.cli.main import main
from tests.support import needs_arm_gcc

DIGITS = str(Path(__file__).parents[2] / "examples" / "digits.mw")
CHOICES = """\
model = "digits"
core = "cortex-m4"
compiler = "gcc"
optimisation = "{optimisation}"
objective = "speed"

[kernels]
"linear" = "{kernel}"
"""


GAVE_WAY = (
    "kept kernels that gave way: 'linear': fully_connected_s8_dsp in place of "
    "fully_connected_s8_coded, which needs more memory"
)


def choices(folder: Path, kernel: str, optimisation: str = "-O2") -> str:
    file = folder / "choices.toml"
    file.write_text(CHOICES.format(kernel=kernel, optimisation=optimisation), "utf-8")
    return str(file)


def compile_digits(folder: Path, *options: str, target: str = "nucleo-l4r5zi") -> int:
    return main(["compile", DIGITS, "--target", target, "-o", str(folder / "net"), *options])


def test_another_core_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = choices(tmp_path, "fully_connected_s8")
    assert compile_digits(tmp_path, "--choices", file, target="corstone-300") == 2
    assert "measured on cortex-m4, the target has cortex-m55" in capsys.readouterr().err
    assert not (tmp_path / "net").exists()


def test_a_kernel_that_does_not_compute_the_layer_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compile_digits(tmp_path, "--choices", choices(tmp_path, "softmax_s8")) == 2
    error = capsys.readouterr().err
    assert "'softmax_s8', does not compute it on this core; there are: " in error
    assert "fully_connected_s8_dsp" in error


@needs_arm_gcc
@pytest.mark.emulator
def test_the_files_flag_gives_way_to_an_objective_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = choices(tmp_path, "fully_connected_s8", "-O3")
    verified = ("--choices", file, "--verify", "--samples", "1", "--json", "--compiler", "gcc")
    code_bytes: list[int] = []
    for more in ((), ("--objective", "speed"), ("--optimisation", "-O2")):
        assert compile_digits(tmp_path, *verified, *more) == 0
        code_bytes.append(json.loads(capsys.readouterr().out)["memory"]["code_bytes"])
    as_kept, by_objective, by_flag = code_bytes
    assert by_objective == by_flag != as_kept


def test_kept_kernels_give_way_to_a_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a limit can be met with other kernels alone it is, and a line says which they are."""
    assert compile_digits(tmp_path, "--objective", "sram", "--json") == 0
    least = json.loads(capsys.readouterr().out)["arena_bytes"]
    file = choices(tmp_path, "fully_connected_s8_coded")
    assert compile_digits(tmp_path, "--choices", file, "--sram-bytes", str(least)) == 0
    assert GAVE_WAY in capsys.readouterr().err


def test_a_limit_in_the_file_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(choices(tmp_path, "fully_connected_s8"))
    file.write_text("sram_bytes = 500\n" + file.read_text("utf-8"), "utf-8")
    for more, by_rows in (((), True), (("--sram-bytes", "5000"), False)):
        assert compile_digits(tmp_path, "--choices", str(file), "--json", *more) == 0
        assert bool(json.loads(capsys.readouterr().out)["streams"]) == by_rows
    file.write_text(file.read_text("utf-8").replace("500", '"500"'), "utf-8")
    assert compile_digits(tmp_path, "--choices", str(file)) == 2
    assert "sram_bytes must be a whole number above 0" in capsys.readouterr().err
