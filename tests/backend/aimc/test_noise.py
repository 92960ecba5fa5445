# SPDX-License-Identifier: MIT
"""Means and variances of device conductances against the published formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.aimc import noise
from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.model import ChargeNoise, PcmNoise, ReramNoise
from milliwatt.errors import UnknownFigureError

COUNT = 200_000
YEAR_S = 365.25 * 86400


def pcm() -> PcmNoise:
    found = load_machine("pcm-cluster").device_noise
    assert isinstance(found, PcmNoise)
    return found


def reram() -> ReramNoise:
    found = load_machine("reram-wan2022").device_noise
    assert isinstance(found, ReramNoise)
    return found


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("g", [0.2, 0.5, 1.0])
def test_pcm_programming(g: float) -> None:
    """σ = 0.26348 + 1.9650·g - 1.1731·g² µS at g_max 25 µS (Nandakumar et al.)."""
    std = 0.26348 + 1.9650 * g - 1.1731 * g**2
    found = noise.program(np.full(COUNT, 25 * g), pcm(), rng()).programmed_us
    assert found.mean() == pytest.approx(25 * g, abs=5 * std / COUNT**0.5)
    assert found.std() == pytest.approx(std, rel=0.01)


def test_pcm_off_devices_are_half_a_normal() -> None:
    """No conductance is negative: the mean of max(0, N(0, σ)) is σ / √(2π)."""
    found = noise.program(np.zeros(COUNT), pcm(), rng()).programmed_us
    assert found.min() == 0
    assert found.mean() == pytest.approx(0.26348 / np.sqrt(2 * np.pi), rel=0.01)


@pytest.mark.parametrize(
    ("g", "mean", "std"),
    [
        (1.0, 0.049, 0.008),
        (0.1, -0.0155 * np.log(0.1) + 0.0244, -0.0125 * np.log(0.1) - 0.0059),
        (1e-3, 0.1, 0.045),
    ],
)
def test_pcm_drift_exponent(g: float, mean: float, std: float) -> None:
    assert noise.drift_exponent(np.array(25 * g), pcm()) == pytest.approx((mean, std))
    found = noise.program(np.full(COUNT, 25 * g), pcm(), rng()).character
    if mean > 4 * std:
        assert found.mean() == pytest.approx(mean, rel=0.01)
        assert found.std() == pytest.approx(std, rel=0.01)


@pytest.mark.parametrize("time_s", [1.0, 3600.0, YEAR_S])
def test_pcm_drifts_as_a_power_of_time(time_s: float) -> None:
    """⟨ln g(t)/g(0)⟩ = -⟨ν⟩ · ln((t + 20 s) / 20 s)."""
    devices = noise.program(np.full(COUNT, 25.0), pcm(), rng())
    shrunk = np.log(noise.aged(devices, pcm(), time_s) / devices.programmed_us)
    expected = np.log((time_s + 20) / 20)
    assert shrunk.mean() == pytest.approx(-0.049 * expected, rel=0.01)
    assert shrunk.std() == pytest.approx(0.008 * expected, rel=0.01)


@pytest.mark.parametrize("time_s", [1.0, 86400.0])
@pytest.mark.parametrize("g", [0.3, 1.0])
def test_pcm_read_noise(g: float, time_s: float) -> None:
    """σ = g · min(0.0088 / g^0.65, 0.2) · √ln((t + t_read) / (2 t_read)), t from t0 = 20 s."""
    quality = min(0.0088 / g**0.65, 0.2)
    std = quality * np.sqrt(np.log((time_s + 20 + 250e-9) / (2 * 250e-9)))
    target = np.full(COUNT, 25 * g)
    devices = noise.Devices(target, target, np.zeros(COUNT))
    found = noise.with_read_noise(target, devices, pcm(), time_s, rng())
    assert found.mean() == pytest.approx(25 * g, rel=0.002)
    assert found.std() == pytest.approx(25 * g * std, rel=0.01)


def test_weak_pcm_devices_have_the_largest_read_noise() -> None:
    ratio = noise.read_std(np.array([0.0, 1e-4]), pcm(), 0.0)
    assert ratio == pytest.approx(0.2 * np.sqrt(np.log((20 + 250e-9) / 500e-9)))


@pytest.mark.parametrize(
    ("time_s", "coefficients"),
    [
        (1.0, (0.348, 16.030, -43.853, 45.393, -16.815)),
        (86400.0, (0.701, 22.086, -50.773, 47.095, -16.458)),
        (172800.0, (0.782, 20.274, -43.507, 37.062, -11.934)),
    ],
)
def test_reram_spread(time_s: float, coefficients: tuple[float, ...]) -> None:
    """Wan et al.: a quartic in g / g_max at 1 s, 1 day and 2 days."""
    for g in (0.3, 0.9):
        std = sum(c * g**i for i, c in enumerate(coefficients))
        devices = noise.program(np.full(COUNT, 40 * g), reram(), rng())
        found = noise.aged(devices, reram(), time_s)
        assert found.mean() == pytest.approx(40 * g, rel=0.005)
        assert found.std() == pytest.approx(std, rel=0.01)


@given(st.floats(1.0, 172800.0))
def test_reram_spread_lies_between_measurements(time_s: float) -> None:
    at = [noise.spread_std_us(np.array(20.0), reram(), t) for t in (1.0, 86400.0, 172800.0)]
    found = noise.spread_std_us(np.array(20.0), reram(), time_s)
    assert min(at) - 1e-9 <= found <= max(at) + 1e-9


def test_reram_beyond_its_measurements_is_unknown() -> None:
    with pytest.raises(UnknownFigureError, match="from 1 s to 172800 s"):
        noise.spread_std_us(np.array(20.0), reram(), YEAR_S)


def test_capacitors_differ_and_do_not_age() -> None:
    charge = load_machine("diana").device_noise
    assert isinstance(charge, ChargeNoise)
    devices = noise.program(np.ones(COUNT), charge, rng())
    assert devices.programmed_us.std() == pytest.approx(0.01, rel=0.01)
    assert np.array_equal(noise.aged(devices, charge, YEAR_S), devices.programmed_us)


def column_by_nodal_analysis(siemens: np.ndarray, x: np.ndarray, wire_ohm: float) -> float:
    """Current into the converter of one column: Kirchhoff's law at each row's node.

    Row 0 is one wire segment from the converter, which holds its end at zero.
    """
    rows, wire = len(siemens), 1 / wire_ohm
    nodes = np.diag(siemens + wire * np.where(np.arange(rows) == rows - 1, 1, 2))
    nodes -= wire * (np.eye(rows, k=1) + np.eye(rows, k=-1))
    return float(np.linalg.solve(nodes, siemens * x)[0] * wire)


@given(st.integers(0, 1000))
def test_ir_drop_is_the_first_order_of_nodal_analysis(seed: int) -> None:
    generator = np.random.default_rng(seed)
    g_us = generator.uniform(0, 25, 64)
    x = generator.uniform(-1, 1, 64)
    ideal = float((g_us * 1e-6) @ x)
    exact = column_by_nodal_analysis(g_us * 1e-6, x, 0.35)
    found = float((noise.with_ir_drop(g_us[:, None], 0.35, 0)[:, 0] * 1e-6) @ x)
    scale = float((g_us * 1e-6).sum())
    drop = abs(exact - ideal)
    assert abs(found - exact) < 0.1 * drop + 1e-4 * scale


def test_ir_drop_is_worse_far_from_the_converter() -> None:
    g_us = np.full((64, 1), 25.0)
    near, far = noise.with_ir_drop(g_us, 0.35, 0), noise.with_ir_drop(g_us, 0.35, 192)
    assert near[0, 0] > near[-1, 0]
    assert far.sum() < near.sum() < g_us.sum()
