# SPDX-License-Identifier: MIT
"""Unicorn and QEMU give the same outputs and the same counts, in total and layer by layer."""

import pytest

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.run.qemu_runner import run_qemu
from milliwatt.run.samples import random_samples
from milliwatt.run.unicorn_runner import run_unicorn
from milliwatt.run.verify import abi_of, build_compiled, ports_of
from tests.support import needs_qemu, shared_file

pytestmark = [pytest.mark.emulator, pytest.mark.qemu, needs_qemu]


@pytest.mark.parametrize(
    ("model", "board"),
    [
        ("mlperf_tiny/kws_dscnn_int8.tflite", "nucleo-l4r5zi"),
        ("mlperf_tiny/ic_resnet8_int8.tflite", "nucleo-f746zg"),
        ("mlperf_tiny/sww_int8.tflite", "nrf5340-dk"),
        ("esphome/hey_jarvis.tflite", "rpi-pico"),
    ],
)
def test_counts_and_outputs_are_the_same(model: str, board: str) -> None:
    graph = load_model(shared_file("models", *model.split("/")))
    compiled = compile_graph(graph, load_target(board), "network")
    firmware = build_compiled(compiled)
    samples = random_samples(ports_of(graph), 2, seed=3)
    first = run_unicorn(firmware, abi_of(compiled), samples, reset_each=False)
    second = run_qemu(firmware, abi_of(compiled), samples, reset_each=False)
    assert first.outputs == second.outputs
    assert first.instructions_by_row == second.instructions_by_row
    assert first.stack_bytes == second.stack_bytes
