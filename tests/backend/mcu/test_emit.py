# SPDX-License-Identifier: MIT
"""The generated C: it compiles without a warning anywhere, runs, and equals the reference."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.backend.mcu.planning.fit import require_fit
from milliwatt.backend.mcu.planning.place import make_plan
from milliwatt.errors import FitError, UnsupportedError, VerifyError
from milliwatt.hardware import load_target
from milliwatt.hardware.model import Target
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.interpret import run
from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Padding
from milliwatt.ops.pool import Mean
from milliwatt.ops.shape import Reshape
from milliwatt.run.build import build_firmware
from milliwatt.run.cores import find_core
from milliwatt.run.host import build_host, run_host
from milliwatt.run.samples import random_samples
from milliwatt.run.unicorn_runner import run_unicorn
from milliwatt.run.verify import (
    abi_of,
    build_compiled,
    ports_of,
    reference_outputs,
    verify_compiled,
)
from tests.backend.mcu.networks import ALL, delay_line, residual, sliding_window, two_in_two_out
from tests.passes.graphs import NONE, conv, conv_constants, int8, make_graph
from tests.support import needs_clang, needs_gcc

BOARD = "nucleo-l4r5zi"


@pytest.fixture(scope="module")
def board() -> Target:
    return load_target(BOARD)


def write(compiled: Compiled, folder: Path) -> list[Path]:
    """All files on disk; the C sources' paths."""
    for name, text in compiled.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / f"{compiled.plan.name}.c", folder / f"{compiled.plan.name}_weights.c"]


@pytest.mark.parametrize(
    "compiler", [pytest.param("gcc", marks=needs_gcc), pytest.param("clang", marks=needs_clang)]
)
@pytest.mark.parametrize("network", ALL)
def test_it_equals_the_reference_on_the_host_under_sanitizers(
    network: Callable[[], Graph], compiler: str, board: Target, tmp_path: Path
) -> None:
    compiled = compile_graph(network(), board, "net")
    program = build_host(
        write(compiled, tmp_path),
        abi_of(compiled),
        include_folders=[tmp_path],
        compiler=compiler,
        sanitize=True,
    )
    samples = random_samples(ports_of(compiled.source), 6, seed=4)
    got = run_host(program, samples, reset_each=False)
    expected = reference_outputs(compiled.source, samples)
    assert got == tuple(tuple(o.tobytes() for o in row) for row in expected)


@pytest.mark.parametrize("network", ALL)
def test_it_equals_the_reference_on_the_core(network: Callable[[], Graph], board: Target) -> None:
    compiled = compile_graph(network(), board, "net")
    firmware = build_compiled(compiled)
    samples = random_samples(ports_of(compiled.source), 6, seed=5)
    assert verify_compiled(compiled, firmware, samples).samples == 6


def test_the_same_input_gives_the_same_bytes(board: Target) -> None:
    script = (
        "import hashlib; from tests.backend.mcu.networks import *;"
        "from milliwatt.backend.mcu.compile import compile_graph;"
        "from milliwatt.hardware import load_target;"
        f"files = [compile_graph(n(), load_target('{BOARD}'), 'net').files for n in ALL];"
        "print(hashlib.sha256(repr(files).encode()).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[3],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1
    assert (
        compile_graph(residual(), board, "net").files
        == compile_graph(residual(), board, "net").files
    )


def test_two_models_link_into_one_firmware(board: Target, tmp_path: Path) -> None:
    first = compile_graph(residual(), board, "first")
    second = compile_graph(sliding_window(), board, "second")
    sources = [*write(first, tmp_path), *write(second, tmp_path)]
    firmware = build_firmware(
        sources,
        abi_of(first),
        find_core(board.core),
        include_folders=[tmp_path],
        other_models=[abi_of(second)],
    )
    for compiled in (first, second):
        samples = random_samples(ports_of(compiled.source), 4, seed=6)
        got = run_unicorn(firmware, abi_of(compiled), samples, reset_each=False).outputs
        expected = reference_outputs(compiled.source, samples)
        assert got == tuple(tuple(o.tobytes() for o in row) for row in expected)


def test_an_in_place_sum_and_a_view_take_no_memory(board: Target) -> None:
    plan = compile_graph(residual(), board, "net").plan
    assert [step.node.op.kind for step in plan.steps] == ["Conv2D", "Conv2D", "Add", "MaxPool2D"]
    assert plan.places["y"] == plan.places["m"]
    assert plan.arena_bytes == plan.arena_bound_bytes
    scratch = max(step.lowered.scratch_bytes for step in plan.steps)
    assert plan.arena_bytes <= 2 * 288 + scratch


def test_layers_share_one_copy_of_a_kernel_and_of_equal_weights(board: Target) -> None:
    kind = int8(1, 6, 6, 8)
    graph = make_graph(
        {"x": kind},
        [
            ("a", conv(Padding(1, 1, 1, 1)), ["x", "w", "b"], kind),
            ("y", conv(Padding(1, 1, 1, 1)), ["a", "w", "b"], kind),
        ],
        constants=conv_constants(8, 8, 3),
    )
    compiled = compile_graph(graph, board, "net")
    assert {s.symbol.split("_")[1] for s in compiled.plan.tables.stored} == {"0"}
    source = compiled.files["net.c"]
    assert source.count("static MW_NOINLINE void net_shared_") == 1
    assert source.count("static MW_NOINLINE void net_node_") == 2


def test_a_state_is_updated_without_a_copy_where_that_is_safe(board: Target) -> None:
    plan = compile_graph(sliding_window(), board, "net").plan
    assert plan.places["next"] == plan.places["kept"]
    assert plan.places["next"].region == "state"
    assert plan.state_copies == ()


def test_states_in_a_row_are_copied_last_one_first(board: Target) -> None:
    plan = compile_graph(delay_line(), board, "net").plan
    assert [copy.state.before for copy in plan.state_copies] == ["second", "first"]


def test_a_state_that_is_an_output_is_the_one_before_the_call(board: Target) -> None:
    """A delay of two calls: the oldest state is what comes out."""
    delay = delay_line()
    graph = replace(delay, outputs=("y", "second"))
    compiled = compile_graph(graph, board, "net")
    samples = random_samples(ports_of(graph), 5, seed=9)
    done = verify_compiled(compiled, build_compiled(compiled), samples)
    last = np.frombuffer(done.measurement.outputs[4][1], np.int8)
    np.testing.assert_array_equal(last, samples[2][0].reshape(-1))


def test_a_state_that_becomes_itself_reshaped_costs_nothing(board: Target) -> None:
    kind = int8(1, 4)
    graph = Graph(
        name="same",
        nodes=(
            Node("next", Reshape((1, 4)), ("kept",), ("next",)),
            Node("y", Add(NONE), ("next", "x"), ("y",)),
        ),
        types=dict.fromkeys(("x", "kept", "next", "y"), kind),
        constants={},
        inputs=("x",),
        outputs=("y",),
        states=(State("kept", "next", np.full((1, 4), 7, np.int8)),),
    )
    compiled = compile_graph(graph, board, "net")
    assert [step.node.op.kind for step in compiled.plan.steps] == ["Add"]
    samples = random_samples(ports_of(graph), 3, seed=9)
    assert verify_compiled(compiled, build_compiled(compiled), samples).samples == 3


@pytest.mark.parametrize("rows", [4, 5, 8])
def test_gcc_drops_no_layer(rows: int, board: Target) -> None:
    """Loops that gcc 12 rewrites with a null base: it thought that they do nothing at all."""
    graph = make_graph(
        {"x": int8(1, rows, 1, 2)},
        [("y", Mean((2, 3), True), ["x"], int8(1, rows, 1, 1))],
    )
    compiled = compile_graph(graph, board, "net")
    samples = random_samples(ports_of(graph), 2, seed=9)
    assert verify_compiled(compiled, build_compiled(compiled), samples).samples == 2


def test_what_c_cannot_hold_is_refused_at_once(board: Target) -> None:
    nibbles, real = TensorType((6,), DType.INT4), TensorType((2,), DType.FLOAT32)
    graph = Graph(
        name="odd",
        nodes=(Node("y", Add(NONE), ("f", "c"), ("y",)),),
        types={"x": nibbles, "f": real, "c": real, "y": real, "kept": real},
        constants={"c": np.array([1, np.nan], np.float32)},
        inputs=("x", "f"),
        outputs=("y",),
        states=(State("kept", "y", np.array([np.inf, 1], np.float32)),),
    )
    with pytest.raises(UnsupportedError) as caught:
        compile_graph(graph, board, "net")
    assert caught.value.problems == (
        "'x' is int4[6]: inputs, outputs and states need whole bytes",
        "'c' holds values that are not finite",
        "'kept' holds values that are not finite",
    )


def test_states_that_swap_are_refused(board: Target) -> None:
    graph = delay_line()
    zero = np.zeros((1, 4), np.int8)
    swap = (State("first", "second", zero), State("second", "first", zero))
    with pytest.raises(UnsupportedError, match="exchange their values in a cycle: first, second"):
        compile_graph(replace(graph, states=swap), board, "net")


def test_reset_starts_the_stream_again(board: Target) -> None:
    compiled = compile_graph(sliding_window(), board, "net")
    firmware = build_compiled(compiled)
    samples = random_samples(ports_of(compiled.source), 3, seed=7)
    fresh = run_unicorn(firmware, abi_of(compiled), samples, reset_each=True).outputs
    expected = [run(compiled.source, s).outputs[0].tobytes() for s in samples]
    assert [row[0] for row in fresh] == expected


def test_verification_names_the_first_layer_that_differs(board: Target) -> None:
    compiled = compile_graph(residual(), board, "net")
    weights = compiled.files["net_weights.c"]
    at = weights.index("net_1_", weights.index("net_1_") + 1)
    start = weights.index("{", at) + 1
    end = weights.index(",", start)
    value = int(weights[start:end])
    wrong = weights[:start] + f" {value - 2_000_000}" + weights[end:]
    broken = replace(compiled, files={**compiled.files, "net_weights.c": wrong})
    firmware = build_compiled(broken)
    samples = random_samples(ports_of(compiled.source), 2, seed=8)
    with pytest.raises(VerifyError, match=r"first layer that differs: 'c' \(Conv2D, kernel conv2d"):
        verify_compiled(broken, firmware, samples)


def test_a_model_that_does_not_fit_says_what_is_in_the_way(board: Target) -> None:
    plan = compile_graph(residual(), board, "net").plan
    with pytest.raises(FitError) as caught:
        require_fit(plan, board, flash_bytes=3_000_000, sram_bytes=700_000)
    message = str(caught.value)
    for part in (
        "case does not fit nucleo-l4r5zi",
        "flash: needs 3,000,000 B, has 2,097,152 B",
        "largest constants: 'c' ",
        "SRAM: needs 700,000 B, has 655,360 B",
        "largest values: 'a' 288 B",
        "peak at: ",
    ):
        assert part in message


def test_every_value_has_a_place(board: Target) -> None:
    for network in (residual, two_in_two_out, sliding_window, delay_line):
        graph = network()
        plan = make_plan(graph, compile_graph(graph, board, "net").plan.core, "net")
        assert set(plan.places) == set(graph.types)
