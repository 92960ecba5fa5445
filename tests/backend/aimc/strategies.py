# SPDX-License-Identifier: MIT
"""Random layers and machines for the tests of analogue in-memory computing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from milliwatt.backend.aimc.layers import Layer
from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.model import Machine
from milliwatt.hardware.model import Figure


def figure(value: float) -> Figure:
    return Figure(value, "a test", "estimated")


def resized(name: str, **whole: int) -> Machine:
    """A machine of the catalogue with other whole figures of its arrays."""
    machine = load_machine(name)
    arrays = figure(whole.pop("arrays")) if "arrays" in whole else machine.arrays
    crossbar = replace(machine.crossbar, **{key: figure(value) for key, value in whole.items()})
    concurrent = figure(min(machine.system.concurrent_arrays.value, arrays.value))
    system = replace(machine.system, concurrent_arrays=concurrent)
    return replace(machine, arrays=arrays, crossbar=crossbar, system=system)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    groups = draw(st.sampled_from([1, 1, 1, 8, 33]))
    rows = draw(st.integers(1, 700)) if groups == 1 else draw(st.integers(1, 40))
    columns = draw(st.integers(1, 300)) if groups == 1 else draw(st.integers(1, 3))
    vectors = draw(st.integers(1, 200))
    macs = rows * columns * groups * vectors
    kind = "conv" if groups == 1 else "depthwise"
    bits = draw(st.sampled_from([4, 8]))
    name = f"layer{draw(st.integers(0, 10**9))}"
    inputs, outputs = rows * groups * vectors, columns * groups * vectors
    return Layer(name, kind, rows, columns, groups, vectors, bits, macs, inputs, outputs)
