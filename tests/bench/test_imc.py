# SPDX-License-Identifier: MIT
"""The comparison with ZigZag: its machines load, its layer maps, its page is up to date."""

from dataclasses import replace

import pytest

from bench.imc import figures
from bench.imc.__main__ import our_figures
from bench.imc.page import EXPLANATION, cost_table
from milliwatt.backend.aimc import load_machine as load_analogue
from milliwatt.backend.dimc.load import load_machine as load_digital
from milliwatt.backend.dimc.placement import place

PEAK_MACS_A_CYCLE = {"layer, digital": 128 * 128 / 8, "layer, analogue": 128 * 128 / 4}


def test_both_machines_hold_the_same_weights() -> None:
    digital = load_digital(figures.HERE / "machines/zigzag-dimc.toml")
    analogue = load_analogue(figures.HERE / "machines/zigzag-aimc.toml")
    assert digital.capacity_bits == analogue.rows * analogue.columns == 128 * 128 * 8


def test_workloads_have_the_networks_macs() -> None:
    assert figures.workload(figures.LAYER).macs == figures.example_matrix().macs == 9_437_184
    assert figures.workload(figures.RESNET).macs == 1_814_073_344


def test_no_case_is_faster_than_the_array() -> None:
    ours = our_figures()
    macs = figures.workload(figures.LAYER).macs
    for name, peak in PEAK_MACS_A_CYCLE.items():
        assert ours[name].cycles >= macs / peak


def test_bit_serial_energy_is_near_zigzags_array() -> None:
    """Two models of the same gates: 11 % apart on the layer, 6 % on ResNet-18."""
    ours = our_figures()
    assert ours["layer, digital"].array_uj == pytest.approx(2.838, rel=0.12)
    assert ours["ResNet-18, digital"].array_uj == pytest.approx(516.355, rel=0.07)


def test_serial_inputs_cost_as_many_passes_as_bits() -> None:
    """The same array, fed a bit at a time or 8 bits at once: 8 times the cycles of computing."""
    serial = load_digital(figures.HERE / "machines/zigzag-dimc.toml")
    at_once = replace(serial, input_slice_bits=None)
    layer = figures.workload(figures.LAYER)
    cycles = [place(layer, machine).layers[0].cycles.compute for machine in (serial, at_once)]
    assert cycles[0] == 8 * cycles[1]


def test_the_page_has_the_computed_costs() -> None:
    page = (figures.HERE / "README.md").read_text("utf-8")
    assert cost_table(our_figures()) in page
    assert page.endswith(EXPLANATION.read_text("utf-8"))
