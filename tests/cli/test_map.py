# SPDX-License-Identifier: MIT
"""What `milliwatt map` prints and draws."""

import json
from pathlib import Path

import pytest

from milliwatt.cli.main import main
from tests.support import shared_file

PUBLISHED = ["--mode", "published", "--clusters", "1", "--objective", "one-cluster"]


def test_json_holds_the_published_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "st-vgg16-tiny", *PUBLISHED, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert round(shown["cycles"]) in (865213, 865214)
    assert round(shown["inferences_per_second"]) == 693
    assert shown["tops_per_watt_1_op_a_mac"] == pytest.approx(46.8, abs=0.05)
    (layer,) = (item for item in shown["layers"] if item["name"] == "C2_2")
    assert [layer[k] for k in ("stripes", "chains", "parallel", "rounds")] == [1, 3, 2, 2]
    assert "outputs of 2 chains interleaved" in layer["merge"]


def test_table_of_a_model_with_its_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    model = shared_file("models", "mlperf_tiny", "kws_dscnn_int8.tflite")
    assert main(["map", str(model), "--explain", "--level", "system"]) == 0
    shown = capsys.readouterr().out
    assert "64 x 40 8/8b" in shown
    assert "weights in 2 slices of 4 bits, a row each" in shown
    assert "64 groups: a row meets its own channels only" in shown
    assert "left to the host core, " in shown
    assert "of the cycles (estimated at 2 a MAC and 8 an element)" in " ".join(shown.split())
    assert "system" in shown


def test_feature_memory_is_told_where_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    model = str(shared_file("models", "mlperf_tiny", "kws_dscnn_int8.tflite"))
    assert main(["map", model, "--target", "generic-dimc"]) == 0
    assert "of 65,536 B; off the chip 0 B; fused: none" in capsys.readouterr().out
    assert main(["map", model, "--target", "generic-dimc", "--json"]) == 0
    groups = json.loads(capsys.readouterr().out)["feature_groups"]
    assert sum(len(group["steps"]) for group in groups) == 12


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_picture(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        assert main(["map", "st-vgg16-tiny", *PUBLISHED, "--picture", str(path)]) == 0
    first, second = (path.read_bytes() for path in paths)
    assert len(first) > 1000
    assert first == second


def test_a_picture_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "tiles.svg"
    path.mkdir()
    assert main(["map", "st-vgg16-tiny", *PUBLISHED, "--picture", str(path)]) == 2
    assert f"cannot write {path}: Is a directory" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["tiles.svg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "abacus"], "unknown in-memory-computing machine 'abacus'"),
        (["--clusters", "9"], "clusters is 9; st-dimc has 1 to 8"),
        (["--activity", "busy"], "written as in 50S_50T"),
        (["--point", "turbo"], "no operating point 'turbo'"),
        (["--picture", "tiles.gif"], "pictures are .svg, .png, .pdf files"),
        (["--weights", "resident"], "to keep the kernels of 'st-vgg16-tiny' resident takes"),
    ],
)
def test_what_cannot_be_is_said(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", "st-vgg16-tiny", *options]) == 2
    assert message in capsys.readouterr().err
