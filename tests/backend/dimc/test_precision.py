# SPDX-License-Identifier: MIT
"""The mixed-precision slide of ST's talk: ~7x and 2.1x."""

from dataclasses import replace

import pytest

from milliwatt.backend.dimc.extract import Precision
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.precision import compare_precision, with_precision
from milliwatt.backend.dimc.workload import Workload, load_workload
from milliwatt.errors import OptionError

ST = load_machine("st-dimc")
SLIDE_ROWS = ("C1_1", "C1_2", "C2_2", "C3_3", "C5_1")
"""The five layers that the slide lists."""
BITS = {"C1_1": 8, "C1_2": 4, "C2": 4, "C3": 2, "C4": 1, "C5": 1}
"""The slide's bits by stage; it does not list C4, which has C5's kernels and is taken as C5."""


def networks(names: tuple[str, ...] | None = None) -> tuple[Workload, Workload]:
    """VGG16-tiny in 8 bits and in the slide's bits, whole or only the layers named."""
    vgg = load_workload("st-vgg16-tiny")
    if names is not None:
        vgg = replace(vgg, layers=tuple(x for x in vgg.layers if x.name in names))
    bits = {x.name: BITS.get(x.name) or BITS[x.name[:2]] for x in vgg.layers}
    return (
        with_precision(vgg, {name: Precision(8, 8) for name in bits}),
        with_precision(vgg, {name: Precision(b, b) for name, b in bits.items()}),
    )


def test_what_the_slide_may_mean_by_seven() -> None:
    """Printed "~7x", unlabelled: 7.1 times fewer bit operations, or 6.4 times smaller weights."""
    whole = compare_precision(ST, *networks(), mode="published", clusters=1)
    assert whole.bit_operations == pytest.approx(7.10, abs=0.01)
    assert whole.weights == pytest.approx(6.41, abs=0.01)


def test_what_the_slide_may_mean_by_two() -> None:
    """Printed "2.1x", unlabelled: cycles of its five layers, a cycle a row, with 8-bit activations
    fed at once, as the formula of ST's tables has it (it counts weight bits alone). Or input maps:
    2.04 times smaller over the five layers, 2.41 over all."""
    at_once = replace(ST, activation_bits=(1, 2, 3, 4, 8))
    listed = compare_precision(at_once, *networks(SLIDE_ROWS), mode="row-serial", clusters=1)
    assert listed.cycles == pytest.approx(2.11, abs=0.01)
    assert listed.features == pytest.approx(2.04, abs=0.01)
    whole = compare_precision(ST, *networks(), mode="published", clusters=1)
    assert whole.features == pytest.approx(2.41, abs=0.01)


def test_speed_of_the_network() -> None:
    """Beside 8/8 in slices of 4, and beside the table's 4/4."""
    base, mixed = networks()
    assert compare_precision(ST, base, mixed, mode="published", clusters=1).cycles == pytest.approx(
        5.73, abs=0.01
    )
    four = load_workload("st-vgg16-tiny")
    assert compare_precision(ST, four, mixed, mode="published", clusters=1).cycles == pytest.approx(
        1.63, abs=0.01
    )


def test_unknown_layers_are_refused() -> None:
    with pytest.raises(OptionError, match="has no layers C9; it has: C1_1, "):
        with_precision(load_workload("st-vgg16-tiny"), {"C9": Precision(1, 1)})
