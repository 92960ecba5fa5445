# SPDX-License-Identifier: MIT
"""What the verbs print: JSON and nothing else where asked, tables that fit the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.cli.console import show_json
from milliwatt.cli.main import main
from milliwatt.cli.targets import targets_table
from milliwatt.hardware import load_target
from milliwatt.ir.text import to_text
from milliwatt.report.compilation import compile_report
from milliwatt.report.inspection import inspect_graph, inspection_table
from milliwatt.report.layout import Column, FittedTable, shortened
from milliwatt.report.tables import cost_table, memory_table
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, ports_of, verify_compiled
from tests.backend.mcu.networks import odd_ports, residual

BOARD = "nucleo-l4r5zi"
WIDTHS = [60, 80, 100, 140]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small network in milliwatt's own text form."""
    path = tmp_path / "small.mw"
    path.write_text(to_text(residual()), encoding="utf-8")
    return path


def json_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """What the command prints to standard output, which must be one JSON value."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


class TestJson:
    def test_targets(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert BOARD in {target["name"] for target in json_of(capsys, "targets")}
        assert [t["name"] for t in json_of(capsys, "targets", BOARD)] == [BOARD]

    def test_inspect(self, capsys: pytest.CaptureFixture[str], model: Path) -> None:
        content = json_of(capsys, "inspect", model)
        assert [layer["op"] for layer in content["layers"]][:2] == ["Conv2D", "Conv2D"]
        assert content["peak_live_bytes"] == max(row["live_bytes"] for row in content["layers"])

    def test_compile(self, capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path) -> None:
        arguments = ["compile", model, "--target", BOARD, "-o", tmp_path / "out"]
        content = json_of(capsys, *arguments)
        manifest = json.loads((tmp_path / "out/milliwatt.json").read_text())
        assert set(manifest.pop("files")) == {p.name for p in (tmp_path / "out").iterdir()}
        assert content == {"verified_samples": 0, **manifest}

    def test_compile_and_verify(
        self, capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
    ) -> None:
        arguments = ["compile", model, "--target", BOARD, "-o", tmp_path / "out", "--verify"]
        content = json_of(capsys, *arguments, "--samples", 2)
        assert content["verified_samples"] == 2
        assert content["instructions"] == content["overhead_instructions"] + sum(
            layer["instructions"] for layer in content["layers"]
        )

    @pytest.mark.parametrize("engine", ["host", "unicorn"])
    def test_run(
        self, capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path, engine: str
    ) -> None:
        assert main(["compile", str(model), "--target", BOARD, "-o", str(tmp_path / "out")]) == 0
        capsys.readouterr()
        content = json_of(capsys, "run", tmp_path / "out", "--on", engine)
        assert np.array(content["outputs"][0][0]).shape == (1, 72)
        assert ("instructions" in content) is (engine == "unicorn")

    def test_what_json_has_no_word_for_is_null(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_json({"a": [1.5, float("nan")], "b": {"c": (float("-inf"), 2)}})
        assert json.loads(capsys.readouterr().out) == {"a": [1.5, None], "b": {"c": [None, 2]}}


def printed(renderable: Any, width: int) -> list[str]:
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(renderable)
    lines = capture.get().splitlines()
    assert max(map(cell_len, lines)) <= width
    return lines


class TestWidths:
    @pytest.mark.parametrize("width", WIDTHS)
    def test_inspect_shows_every_layer_on_one_line(self, width: int) -> None:
        graph = residual()
        lines = printed(inspection_table(inspect_graph(graph)), width)
        for node, line in zip(graph.nodes, lines[2:], strict=False):
            assert line.startswith(f"{node.name} ")
            assert line.rstrip().endswith("█")

    @pytest.mark.parametrize("width", WIDTHS)
    def test_targets_show_every_name_and_size_whole(self, width: int) -> None:
        lines = printed(targets_table(), width)
        (line,) = [line for line in lines if line.startswith(f"{BOARD} ")]
        assert "655,360 B" in line
        assert "2,097,152 B" in line
        assert ("STM32L4R5ZI" in line) is (width >= 100)

    @pytest.mark.parametrize("width", WIDTHS)
    def test_costs_and_memory(self, width: int) -> None:
        compiled = compile_graph(residual(), load_target(BOARD), "net")
        samples = random_samples(ports_of(compiled.source), 1, seed=1)
        done = verify_compiled(compiled, build_compiled(compiled), samples)
        report = compile_report(compiled, done, samples)
        lines = printed(cost_table(report), width)
        for layer, line in zip(report.layers, lines[1:], strict=False):
            assert line.startswith(f"{layer.name} ")
            assert f" {layer.instructions:,} " in line
        text = " ".join(printed(memory_table(report.memory), width))
        memory = report.memory
        assert f"| {memory.flash_bytes:,} of 2,097,152 B" in text
        assert f"| {memory.sram_bytes:,} of 655,360 B" in text
        assert f"W weights {memory.weights_bytes:,}  K constants {memory.constants_bytes:,}" in text
        assert f"A arena {memory.arena_bytes:,}  K stack {memory.stack_bytes:,}  free " in text

    def test_names_keep_their_ends(self) -> None:
        assert shortened("block_1/depthwise", 10) == "…depthwise"
        assert shortened("block", 10) == "block"
        assert shortened("層層層", 5) == "…層層"

    def test_columns_go_in_their_order(self) -> None:
        table = FittedTable(
            (
                Column("name", ("x" * 30,)),
                Column("first", ("1" * 10,), optional=2),
                Column("second", ("2" * 10,), optional=1),
                Column("number", ("1,234",), right=True),
            )
        )
        assert [c.title for c in table.fitting(80)] == ["name", "first", "second", "number"]
        assert [c.title for c in table.fitting(48)] == ["name", "second", "number"]
        assert [c.title for c in table.fitting(30)] == ["name", "number"]
        assert table.fitting(30)[0].cells == ("…" + "x" * 21,)

    def test_a_name_cannot_steer_the_terminal(self) -> None:
        assert Column("name", ("a\x1b[2J\nb",)).cells == ("a?[2J?b",)


def test_run_prints_whole_integers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "odd.mw"
    path.write_text(to_text(odd_ports()), encoding="utf-8")
    assert main(["compile", str(path), "--target", BOARD, "-o", str(tmp_path / "out")]) == 0
    assert main(["run", str(tmp_path / "out"), "--on", "host"]) == 0
    printed_lines = capsys.readouterr().out.splitlines()
    assert "sample 0, 'c' (int8[2,4]): -4 -3 -2 -1 0 1 2 3" in printed_lines


def test_lines_do_not_end_in_spaces(capsys: pytest.CaptureFixture[str], model: Path) -> None:
    for command in (["inspect", str(model)], ["targets"], ["targets", BOARD]):
        assert main(command) == 0
        text = capsys.readouterr().out
        assert text.endswith("\n")
        assert all(line == line.rstrip() for line in text.splitlines())


def test_a_sentence_stays_on_its_line(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / ("long" * 40)
    assert main(["compile", str(model), "--target", BOARD, "-o", str(folder)]) == 0
    (last,) = capsys.readouterr().out.splitlines()[-1:]
    assert last.startswith(f"{folder}: ")
    assert last.endswith("not verified (add --verify)")
