# SPDX-License-Identifier: MIT
"""First-principles cost: single formulas by hand, and what was published about them."""

from __future__ import annotations

import pytest

from milliwatt.backend.aimc import formulas
from milliwatt.backend.aimc.formulas import Macro, analogue_macro, digital_macro


def test_converters_by_hand() -> None:
    # (100 · 8 + 0.001 · 65536) fF · 0.81 V²
    assert formulas.adc_energy_fj(8) == pytest.approx(865.536 * 0.81)
    assert formulas.adc_area_um2(8) == pytest.approx(10 ** (1.206 - 0.2952) * 256)
    assert formulas.adc_delay_ns(8, 256) == pytest.approx(8 * (0.00653 * 256 + 0.640))
    assert formulas.dac_energy_fj(4) == pytest.approx(162)
    assert formulas.dac_energy_fj(1) == 0


@pytest.mark.parametrize(("inputs", "bits"), [(2, 4), (8, 3), (64, 8)])
def test_tree_adders_count_every_level(inputs: int, bits: int) -> None:
    """Level by level: n/2 adders of `bits` bits, n/4 of one bit more, and so on."""
    levels = range(inputs.bit_length() - 1)
    counted = sum((inputs >> (level + 1)) * (bits + level) for level in levels)
    assert formulas.tree_adders(inputs, bits) == counted


SIDES = (32, 64, 128, 256, 512, 1024)
ADC_BITS = 8


def int8(side: int, bits_per_pulse: int) -> Macro:
    """`side` rows by `side` bit columns: 8-bit weights and inputs."""
    return Macro(side, side // 8, 8, 8, bits_per_pulse)


def test_analogue_efficiency_grows_with_the_array() -> None:
    """Sun et al., fig. 7: an order of magnitude from 32 x 32 to 1024 x 1024."""
    found = [analogue_macro(int8(n, 2), ADC_BITS).tops_per_watt for n in SIDES]
    assert found == sorted(found)
    assert found[-1] / found[0] > 10


@pytest.mark.parametrize("bits_per_pulse", [1, 2, 4])
def test_digital_is_always_denser(bits_per_pulse: int) -> None:
    for side in SIDES:
        macro = int8(side, bits_per_pulse)
        assert digital_macro(macro).tops_per_mm2 > analogue_macro(macro, ADC_BITS).tops_per_mm2


@pytest.mark.parametrize(("bits_per_pulse", "first"), [(1, 256), (2, 128), (4, 64)])
def test_analogue_wins_from_some_size_on(bits_per_pulse: int, first: int) -> None:
    """Sun et al.: digital wins up to 64 x 64, analogue above; here so with 2-bit inputs."""
    wins = {
        side: analogue_macro(macro, ADC_BITS).tops_per_watt > digital_macro(macro).tops_per_watt
        for side in SIDES
        for macro in [int8(side, bits_per_pulse)]
    }
    assert wins == {side: side >= first for side in SIDES}


def test_converters_share_of_energy_and_area() -> None:
    """Published: up to 58 % of energy, 81 % of area; here these are large arrays' shares."""
    shares = [analogue_macro(int8(n, 4), ADC_BITS).energy_share("adc", "dac") for n in SIDES]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == pytest.approx(0.58, abs=0.01)
    areas = [analogue_macro(int8(n, 4), ADC_BITS).area_share("adc") for n in SIDES]
    assert min(areas) < 0.81 < max(areas)
