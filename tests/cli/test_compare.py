# SPDX-License-Identifier: MIT
"""`milliwatt compare`: tables that fit, JSON that is JSON, errors that help."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from milliwatt.cli.main import main
from milliwatt.frontend.load import load_model
from milliwatt.report.compare.comparison import compare
from milliwatt.report.compare.sweeps import sweep_kinds, sweep_mix, sweep_rates, sweep_sizes
from milliwatt.report.compare.tables import (
    basis_text,
    comparison_table,
    kinds_table,
    mix_table,
    rate_text,
    rates_table,
    sizes_table,
)
from milliwatt.report.compare.workload import make_workload
from tests.support import REPOSITORY

MODEL = REPOSITORY / "examples" / "digits.mw"
IMC = ("st-dimc", "pcm-cluster", "reram-wan2022", "charge-sram-28nm")


@pytest.mark.parametrize("width", [80, 140])
def test_tables_fit_the_terminal(width: int) -> None:
    done = compare(make_workload(load_model(MODEL)), IMC)
    kinds = sweep_kinds(IMC[:2])
    tables = [
        comparison_table(done),
        basis_text(done),
        rates_table(sweep_rates(done)),
        kinds_table(kinds),
        mix_table(sweep_mix(kinds, "pointwise", "depthwise")),
        sizes_table(sweep_sizes(IMC[:2], channels=(8, 16, 24, 32, 40))),
    ]
    for table in tables:
        console = Console(width=width, record=True, quiet=True)
        with console.capture() as capture:
            console.quiet = False
            console.print(table)
        lines = capture.get().splitlines()
        assert max(map(cell_len, lines)) <= width
        # A table that lost its end would end in an ellipsis.
        assert not [line for line in lines if line.rstrip().endswith("…")]


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(MODEL), "--targets", "st-dimc, pcm-cluster", "--basis"]) == 0
    shown = capsys.readouterr().out
    for text in ("digital IMC", "analogue IMC", "4.2 mm²", "J/day", "system energy:", "standby:"):
        assert text in shown


def test_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = tmp_path / "digits.npz"
    images = np.load(REPOSITORY / "examples" / "digits_images.npy")
    np.savez(data, images=images, labels=np.arange(10))
    arguments = ["--targets", "st-dimc,pcm-cluster", "--data", str(data), "--seeds", "2"]
    arguments += ["--rate", "2", "--standby", "st-dimc=3", "--json"]
    assert main(["compare", str(MODEL), *arguments]) == 0
    content = json.loads(capsys.readouterr().out)
    digital, analogue = content["candidates"]
    assert digital["accuracy"]["mean"] == 1.0
    assert len(analogue["accuracy"]["values"]) == 2
    assert digital["standby"]["high_w"] == pytest.approx(3e-6)
    assert [point["rate_hz"] for point in content["rates"]] == [2]
    assert content["rates"][0]["days"]["st-dimc"]["low_j"] > 0
    assert content["refused"] == []


def test_sweeps(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milliwatt.report.compare.sweeps.STACK_CHANNELS", (8, 16))
    arguments = ["--targets", "st-dimc,pcm-cluster", "--sweep", "layers", "--sweep", "sizes"]
    assert main(["compare", str(MODEL), *arguments]) == 0
    shown = capsys.readouterr().out
    assert "pJ/MAC, depthwise" in shown
    assert "KiB" in shown
    assert main(["compare", str(MODEL), *arguments, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert {cost["kind"] for cost in content["layers"]} >= {"pointwise", "depthwise"}
    assert content["sizes"][0]["rows"][0]["target"] == "st-dimc"


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_pictures(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    arguments = ["compare", str(MODEL), "--targets", "st-dimc,pcm-cluster", "--picture"]
    drawn: list[bytes] = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}{suffix}"
        assert main([*arguments, str(path), "--sweep", "layers"]) == 0
        drawn.append(path.read_bytes())
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) > 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--targets", "st-dimk"], "nearest: st-dimc"),
        (["--targets", ","], "at least one"),
        (["--targets", "st-dimc", "--picture", "out.gif"], "not '.gif'"),
        (["--targets", "st-dimc", "--standby", "st-dimc"], "TARGET=µW"),
        (["--targets", "st-dimc", "--standby", "st-dimc=x"], "TARGET=µW"),
        (["--targets", "st-dimc", "--standby", "diana=1"], "not compared: st-dimc"),
        (["--targets", "st-dimc", "--standby", "st-dimc=-1"], "zero or more"),
        (["--targets", "st-dimc", "--rate", "0"], "rate"),
        (["--targets", "st-dimc", "--data", "none.npz"], "cannot read none.npz"),
    ],
)
def test_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(MODEL), *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rate_hz", "text"),
    [(10, "10/s"), (1 / 60, "1/min"), (1 / 3600, "1/h"), (1 / 86400, "1/day"), (0.5, "0.5/s")],
)
def test_rates_are_written_for_people(rate_hz: float, text: str) -> None:
    assert rate_text(rate_hz) == text
