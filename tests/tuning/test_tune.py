# SPDX-License-Identifier: MIT
"""Tuning on the emulator: measured, kept, repeated, resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from milliwatt.backend.mcu.choice.choices import Choices, choices_text
from milliwatt.backend.mcu.choice.objective import SPEED, SRAM, Objective, parse_objective
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.cli.main import main
from milliwatt.errors import OptionError, VerifyError
from milliwatt.hardware import load_target
from milliwatt.ir.text import to_text
from milliwatt.tuning.measure import Workbench
from milliwatt.tuning.pick import Scale
from milliwatt.tuning.record import LayerCost, relative_work
from milliwatt.tuning.tune import tune
from tests.backend.mcu.networks import residual
from tests.backend.mcu.streaming.networks import chain

pytest.importorskip("unicorn")
pytestmark = pytest.mark.emulator

BOARD = load_target("nucleo-l4r5zi")
BENCH = Workbench(residual(), BOARD, "auto", "-O2", 0)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that nothing was measured in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_kept_is_the_best_that_was_measured() -> None:
    done = tune(residual(), BOARD)
    assert done.default.work == BENCH.measure({}).work
    assert done.tuned.work <= done.default.work
    assert done.tuned.instructions <= done.default.instructions
    for layer in done.layers:
        assert layer.measured[0].kernel == layer.default.kernel
        assert {cost.kernel for cost in layer.measured} >= {layer.tuned.kernel}
    assert done.rounds >= max(len(layer.measured) for layer in done.layers)
    assert dict(done.choices.kernels) == {one.name: one.tuned.kernel for one in done.layers}


def test_kept_choices_build_the_very_network_that_was_measured() -> None:
    done = tune(residual(), BOARD, objective=Objective(flash=1.0))
    assert done.choices.optimisation == "-Os"
    assert done.tuned.flash_bytes <= done.default.flash_bytes < done.fastest.flash_bytes
    bench = Workbench(residual(), BOARD, "auto", "-Os", 0, Objective(flash=1.0))
    assert bench.measure(done.choices.kernels) == done.tuned
    kept = compile_graph(residual(), BOARD, "net", kept=done.choices.kernels)
    assert kept.files == compile_graph(residual(), BOARD, "net", kept=done.choices.kernels).files
    assert [step.kernel for step in kept.plan.steps] == list(done.choices.kernels.values())


LIMITED = [(SRAM, None), (parse_objective("speed=1,sram=0.5"), None), (SPEED, 1500)]


@pytest.mark.parametrize(("objective", "sram_bytes"), LIMITED)
def test_what_is_measured_is_what_compile_builds(
    objective: Objective, sram_bytes: int | None
) -> None:
    """Streams included: by default, and with the kept choices."""
    graph = chain()
    done = tune(graph, BOARD, objective=objective, sram_bytes=sram_bytes)
    assert done.choices.sram_bytes == sram_bytes
    for kept, found in (({}, done.default), (done.choices.kernels, done.tuned)):
        plan = compile_graph(
            graph, BOARD, objective=objective, kept=kept, sram_bytes=sram_bytes
        ).plan
        assert plan.streams
        assert plan.arena_bytes == found.arena_bytes
        by_rows = {step.node.name for step in plan.steps if step.stream is not None}
        assert by_rows >= {name for name, layer in found.layers.items() if layer.turns > 1}
        assert all(found.layers[node].kernel == kernel for node, kernel in kept.items())
    scale = Scale(objective, done.fastest, done.default)
    assert scale.cost(done.tuned) <= scale.cost(done.default)
    assert done.default.static_bytes < done.fastest.static_bytes


def test_a_gain_must_show_in_instructions_and_in_cycles() -> None:
    default = LayerCost("first", 100, 200.0, 1, "first", 1, 0)
    assert relative_work(replace(default, instructions=80, cycles=150.0), default) == 0.8
    assert relative_work(replace(default, instructions=120, cycles=150.0), default) == 1.2
    assert relative_work(replace(default, instructions=50, cycles=None), default) == 0.5
    assert replace(default, instructions=110).option_beside(default).work == pytest.approx(220)


def test_the_choice_fits_the_flash() -> None:
    """Without room for Winograd's weights another choice is kept."""
    free = tune(residual(), BOARD)
    assert free.tuned.flash_bytes > free.default.flash_bytes
    (flash,) = [memory for memory in BOARD.memories if memory.kind == "flash"]
    small = replace(flash, bytes=free.tuned.flash_bytes - 1)
    memories = tuple(small if memory is flash else memory for memory in BOARD.memories)
    done = tune(residual(), replace(BOARD, memories=memories))
    assert done.tuned.flash_bytes < free.tuned.flash_bytes
    assert free.tuned.work < done.tuned.work <= done.default.work


def test_of_a_round_without_room_only_what_has_none_alone_is_left_out() -> None:
    free = tune(residual(), BOARD)
    tables = [
        sum(int(t.data.nbytes) for step in compiled.plan.steps for t in step.lowered.tables)
        for compiled in (BENCH.compile({}), BENCH.compile(free.choices.kernels))
    ]
    (flash,) = [memory for memory in BOARD.memories if memory.kind == "flash"]
    small = replace(flash, bytes=max(tables) * 8 // 7 - 8)
    memories = tuple(small if memory is flash else memory for memory in BOARD.memories)
    done = tune(residual(), replace(BOARD, memories=memories))
    assert tables[0] < tables[1]
    assert done.tuned.flash_bytes <= small.bytes
    met, meets = (
        {(layer.name, cost.kernel) for layer in tuning.layers for cost in layer.measured}
        for tuning in (free, done)
    )
    assert meets < met
    assert {kernel.partition("@")[0] for _, kernel in met - meets} == {"conv2d_winograd_4x4_s8_dsp"}


def test_equal_tunings_keep_equal_choices() -> None:
    first, second = (choices_text(tune(residual(), BOARD).choices) for _ in range(2))
    assert first == second


def test_an_interrupted_tuning_goes_on(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    run = Workbench._run

    def once(self: Workbench, compiled: Any) -> Any:
        if len(built) == 2:
            raise KeyboardInterrupt
        built.append(compiled.plan.name)
        return run(self, compiled)

    monkeypatch.setattr(Workbench, "_run", once)
    with pytest.raises(KeyboardInterrupt):
        tune(residual(), BOARD)
    monkeypatch.setattr(Workbench, "_run", lambda self, c: built.append("") or run(self, c))
    done = tune(residual(), BOARD)
    assert len(built) == done.rounds  # two before the interruption, the others after it


def test_a_damaged_cache_says_which_file(own_cache: Path) -> None:
    BENCH.measure({})
    (path,) = own_cache.rglob("*.json")
    path.write_text(path.read_text()[:100])
    with pytest.raises(OptionError, match=rf"cache is damaged: {path} .*; remove that file"):
        BENCH.measure({})


def test_a_kernel_that_is_wrong_ends_tuning(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise VerifyError("sample 0, output 'y': differs")

    monkeypatch.setattr("milliwatt.tuning.measure.verify_compiled", wrong)
    with pytest.raises(VerifyError):
        tune(residual(), BOARD)
    assert not list(own_cache.rglob("*.json"))


def test_a_target_without_cycle_figures_is_tuned_by_instructions() -> None:
    done = tune(residual(), load_target("rpi-pico"))
    assert done.default.cycles is None
    assert done.tuned.instructions <= done.default.instructions


def test_the_command_keeps_a_file_that_compile_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, kept = tmp_path / "net.mw", tmp_path / "kept.toml"
    model.write_text(to_text(residual()), encoding="utf-8")
    assert main(["tune", str(model), "--target", BOARD.name, "-o", str(kept), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["tuned"]["instructions"] <= content["default"]["instructions"]
    assert content["choices"]["objective"] == str(SPEED)
    command = ["compile", str(model), "--target", BOARD.name, "-o", str(tmp_path / "out")]
    assert main([*command, "--choices", str(kept), "--json"]) == 0
    manifest = json.loads(capsys.readouterr().out)
    kernels = {node["name"]: node["kernel"] for node in manifest["nodes"]}
    assert kernels == content["choices"]["kernels"]


def test_the_command_prints_what_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "net.mw"
    model.write_text(to_text(residual()), encoding="utf-8")
    assert main(["tune", str(model), "--target", BOARD.name, "--objective", "flash"]) == 0
    text = capsys.readouterr().out
    assert "objective flash" in text
    assert "not kept (add -o FILE)" in text


def test_choices_for_another_core_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, kept = tmp_path / "net.mw", tmp_path / "kept.toml"
    model.write_text(to_text(residual()), encoding="utf-8")
    kept.write_text(choices_text(Choices("net", "cortex-m55", "gcc", "-O2", SPEED, {})))
    command = ["compile", str(model), "--target", BOARD.name, "-o", str(tmp_path / "out")]
    assert main([*command, "--choices", str(kept)]) == 2
    assert "measured on cortex-m55, the target has cortex-m4" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
