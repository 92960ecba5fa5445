# SPDX-License-Identifier: MIT
"""`milliwatt map` on analogue machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from milliwatt.cli.main import main
from tests.support import REPOSITORY, shared_file

RESNET = str(REPOSITORY / "bench" / "imc" / "workloads" / "resnet18.toml")


def mapped(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["map", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_table_and_stream_of_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    model = str(shared_file("models", "mlperf_tiny", "kws_dscnn_int8.tflite"))
    assert main(["map", model, "--target", "pcm-cluster"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in ("depthwise engine", "on 1 of 34 arrays", "one inference:", "one behind another:"):
        assert part in text


def test_json_says_where_every_tile_lies(capsys: pytest.CaptureFixture[str]) -> None:
    model = str(shared_file("models", "mlperf_tiny", "ad01_int8.tflite"))
    found = mapped(capsys, model, "--target", "pcm-cluster")
    layers = found["layers"]
    assert isinstance(layers, list)
    tiles = [tile for layer in layers for tile in layer["tiles"]]
    assert len({tile["spot"]["array"] for tile in tiles}) == found["arrays_used"]
    assert sum(layer["macs"] for layer in layers) == 264192
    assert found["pipeline"] is not None


@pytest.mark.parametrize("target", ["pcm-cluster", "diana", "reram-wan2022", "charge-sram-28nm"])
def test_a_list_of_layers_on_every_machine(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """ResNet-18 is larger than all of them: SRAM is rewritten, cores do what others cannot hold."""
    found = mapped(capsys, RESNET, "--target", target)
    layers = found["layers"]
    assert isinstance(layers, list)
    assert sum(layer["macs"] for layer in layers) == 1_814_073_344
    units = {layer.get("unit", "(rewriting)") for layer in layers}
    sram = target in ("diana", "charge-sram-28nm")
    assert units == ({"arrays", "(rewriting)"} if sram else {"arrays", "cores"})
    assert sum(layer["energy_pj"] for layer in layers) == pytest.approx(found["energy_pj"])


def test_options_of_digital_machines_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", RESNET, "--target", "diana", "--clusters", "2", "--explain"]) == 2
    assert "--clusters, --explain are for digital machines" in capsys.readouterr().err


def test_an_analogue_file_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = REPOSITORY / "src" / "milliwatt" / "backend" / "aimc" / "data" / "diana.toml"
    own = tmp_path / "mine.toml"
    own.write_text(data.read_text().replace('name = "diana"', 'name = "mine"'))
    assert mapped(capsys, RESNET, "--target", str(own))["machine"] == "mine"
