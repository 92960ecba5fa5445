# SPDX-License-Identifier: MIT
"""What a model is made of."""

from __future__ import annotations

from milliwatt.report.inspection import inspect_graph
from tests.backend.mcu.networks import odd_ports, residual, two_in_two_out


def test_parameters_count_once_however_many_layers_read_them() -> None:
    graph = residual()
    inspection = inspect_graph(graph)
    assert inspection.parameter_bytes == graph.parameter_bytes()
    assert inspection.macs == graph.macs()


def test_memory_while_each_layer_runs() -> None:
    # Two inputs and their sum of 16 bytes; the parts; then outputs of 8 bytes, the first kept.
    live = [row.live_bytes for row in inspect_graph(two_in_two_out()).layers]
    assert live == [16 * 3, 16 + 2 * 8, 3 * 8, 3 * 8]


def test_peak_is_the_layer_with_most() -> None:
    inspection = inspect_graph(residual())
    assert inspection.peak is not None
    assert inspection.peak.live_bytes == max(row.live_bytes for row in inspection.layers)
    assert inspection.as_json()["peak_live_bytes"] == inspection.peak.live_bytes


def test_states_and_ports_are_named() -> None:
    inspection = inspect_graph(odd_ports())
    assert inspection.state_bytes == 8
    assert inspection.inputs[1] == "x: int8[2,4], scale 0.5, zero point -3"
    assert len(inspection.outputs) == 8
