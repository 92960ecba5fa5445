# SPDX-License-Identifier: MIT
"""`milliwatt compile --sram-bytes`, `--push-rows`, and `milliwatt frontier`."""

import json
from pathlib import Path

import pytest

from milliwatt.cli.main import main
from tests.support import needs_arm_gcc, shared_file

BOARD = ["--target", "nucleo-l4r5zi"]
DIGITS = str(Path(__file__).parents[2] / "examples" / "digits.mw")


def resnet() -> str:
    return str(shared_file("models", "mlperf_tiny", "ic_resnet8_int8.tflite"))


def test_compile_says_what_is_by_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "net"
    assert main(["compile", resnet(), *BOARD, "-o", str(folder), "--sram-bytes", "24000"]) == 0
    assert "by rows: 'model_activation" in capsys.readouterr().out
    manifest = json.loads((folder / "milliwatt.json").read_text("utf-8"))
    assert manifest["arena_bytes"] <= 24_000
    assert manifest["streams"]
    assert manifest["pushed_rows"] is None


def test_objective_sram_chooses_streams_and_says_what_is_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "net"
    model = str(shared_file("models", "mlperf_tiny", "vww_mobilenetv1_025_96_int8.tflite"))
    command = ["compile", model, *BOARD, "-o", str(folder), "--objective", "sram"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    bound_bytes = answer["arena_choice_bound_bytes"]
    assert answer["arena_bytes"] == bound_bytes <= 27_752
    assert "by rows" in text
    assert f"needs less than {bound_bytes:,} B: proven smallest" in text


def test_bands_are_told_and_what_is_proven_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "net"
    command = ["compile", resnet(), *BOARD, "-o", str(folder), "--objective", "sram"]
    assert main(command) == 0
    text = capsys.readouterr().out
    answer = json.loads((folder / "milliwatt.json").read_text("utf-8"))
    bound_bytes = answer["arena_choice_bound_bytes"]
    assert bound_bytes <= answer["arena_bytes"] <= 14_688
    assert "by rows in 3 bands: 'model_activation_Relu_1'" in text
    assert "2,313,216 multiply-accumulates more (18.5%)" in text
    assert f"needs less than {bound_bytes:,} B\n" in text
    assert [stream["band"]["number"] for stream in answer["streams"]] == [1, 2, 3]


def test_compile_refuses_what_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "net"
    assert main(["compile", resnet(), *BOARD, "-o", str(folder), "--sram-bytes", "5000"]) == 2
    message = capsys.readouterr().err
    assert "does not fit 5,000 B of SRAM" in message
    assert "no choice of streams and kernels needs less than" in message
    assert not folder.exists()


@needs_arm_gcc
@pytest.mark.emulator
def test_pushed_rows_are_verified_and_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "net"
    options = ["-o", str(folder), "--push-rows", "--verify", "--samples", "1"]
    assert main(["compile", resnet(), *BOARD, *options]) == 0
    text = capsys.readouterr().out
    assert "every output equals the reference" in text
    assert "other static 8 B" in text
    header = (folder / "ic_resnet8_int8.h").read_text("utf-8")
    assert "int32_t ic_resnet8_int8_push_rows(const int8_t *rows, int32_t count);" in header
    assert "ic_resnet8_int8_input_0" not in header
    assert main(["run", str(folder), "--on", "host", "--json"]) == 0
    on_host = json.loads(capsys.readouterr().out)
    assert main(["run", str(folder), "--on", "unicorn", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == on_host["outputs"]


@needs_arm_gcc
@pytest.mark.emulator
def test_streams_are_in_the_answer_verified_or_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["compile", DIGITS, *BOARD, "-o", str(tmp_path), "--sram-bytes", "500"]
    assert main([*command, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main([*command, "--json", "--verify", "--samples", "1"]) == 0
    verified = json.loads(capsys.readouterr().out)
    assert plain["streams"]
    for name in ("streams", "pushed_rows", "arena_choice_bound_bytes", "macs"):
        assert verified[name] == plain[name]


@needs_arm_gcc
@pytest.mark.emulator
def test_frontier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "frontier"
    command = ["frontier", resnet(), *BOARD, "--points", "2", "-o", str(folder)]
    assert main([*command, "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert [point["streams"] == [] for point in points] == [True, *(False for _ in points[1:])]
    sizes = [point["sram_bytes"] for point in points]
    counts = [point["instructions"] for point in points]
    assert sizes == sorted(sizes, reverse=True)
    assert counts == sorted(counts)
    assert b"<svg" in (folder / "frontier.svg").read_bytes()
    assert json.loads((folder / "frontier.json").read_text("utf-8"))["points"] == points


@needs_arm_gcc
@pytest.mark.emulator
def test_frontier_of_kept_kernels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "choices.toml"
    kept.write_text(
        'model = "digits"\ncore = "cortex-m4"\ncompiler = "gcc"\noptimisation = "-O2"\n'
        'objective = "speed"\n\n[kernels]\n"linear" = "fully_connected_s8"\n',
        "utf-8",
    )
    command = ["frontier", DIGITS, *BOARD, "--points", "1", "--json"]
    assert main([*command, "--choices", str(kept)]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert points[0]["kernels"]["linear"] == "fully_connected_s8"
    assert main(["frontier", DIGITS, "--target", "rpi-pico", "--choices", str(kept)]) == 2
    assert "measured on cortex-m4" in capsys.readouterr().err
