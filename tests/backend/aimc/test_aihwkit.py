# SPDX-License-Identifier: MIT
"""Our devices beside aihwkit's, where it is installed: no wheel is known for Python 3.11 on CPU.

It builds from PyPI's sources with OpenBLAS and scikit-build:
`CMAKE_ARGS=-DUSE_CUDA=OFF pip install --no-build-isolation aihwkit`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from milliwatt.backend.aimc import noise
from milliwatt.backend.aimc.crossbar import Error, effective_digits, program_tile
from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.model import DeviceNoise
from milliwatt.ir.types import Array

pytest.importorskip(
    "aihwkit", reason="needs aihwkit, which has to be built from its sources (see this file)"
)
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle

COUNT = 200_000
DAY_S, YEAR_S = 86_400.0, 31_557_600.0


def theirs(machine: str, g_max_us: float) -> Any:
    """aihwkit's noise model of that machine's devices."""
    from aihwkit.inference.noise.pcm import PCMLikeNoiseModel
    from aihwkit.inference.noise.reram import ReRamWan2022NoiseModel

    torch.manual_seed(0)
    model = PCMLikeNoiseModel if machine == "pcm-cluster" else ReRamWan2022NoiseModel
    return model(g_max=g_max_us)


def ours(machine: str) -> tuple[DeviceNoise, float]:
    device = load_machine(machine).device_noise
    assert not isinstance(device, noise.ChargeNoise)
    return device, device.g_max_us.value


def assert_same_statistics(found: Array, expected: Array) -> None:
    """Mean within five standard errors, standard deviation within 1.5 %."""
    spread = float(expected.std())
    assert found.mean() == pytest.approx(expected.mean(), abs=5 * spread * (2 / COUNT) ** 0.5)
    assert found.std() == pytest.approx(spread, rel=0.015)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("machine", ["pcm-cluster", "reram-wan2022"])
def test_programming(machine: str, share: float) -> None:
    device, g_max = ours(machine)
    target = np.full(COUNT, share * g_max)
    found = noise.program(target, device, np.random.default_rng(0)).programmed_us
    model = theirs(machine, g_max)
    expected = model.apply_programming_noise_to_conductance(torch.from_numpy(target))
    assert_same_statistics(found, expected.numpy())


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 0.7, 1.0])
def test_drift_exponents(share: float) -> None:
    device, g_max = ours("pcm-cluster")
    target = np.full(COUNT, share * g_max)
    found = noise.program(target, device, np.random.default_rng(0)).character
    expected = theirs("pcm-cluster", g_max).generate_drift_coefficients(torch.from_numpy(target))
    assert_same_statistics(found, expected.numpy())


@pytest.mark.parametrize("time_s", [1.0, 3600.0, DAY_S, YEAR_S])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_phase_change_over_time(share: float, time_s: float) -> None:
    """Programming, drift and read noise together."""
    device, g_max = ours("pcm-cluster")
    target, rng = np.full(COUNT, share * g_max), np.random.default_rng(0)
    devices = noise.program(target, device, rng)
    aged = noise.aged(devices, device, time_s)
    found = noise.with_read_noise(aged, devices, device, time_s, rng)
    assert_same_statistics(found, their_devices("pcm-cluster", g_max, target, time_s))


@pytest.mark.parametrize("time_s", [1.0, DAY_S, 2 * DAY_S])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_reram_over_time(share: float, time_s: float) -> None:
    device, g_max = ours("reram-wan2022")
    target = np.full(COUNT, share * g_max)
    devices = noise.program(target, device, np.random.default_rng(0))
    found = noise.aged(devices, device, time_s)
    assert_same_statistics(found, their_devices("reram-wan2022", g_max, target, time_s))


def their_devices(machine: str, g_max_us: float, target_us: Array, time_s: float) -> Array:
    model = theirs(machine, g_max_us)
    goal = torch.from_numpy(target_us)
    programmed = model.apply_programming_noise_to_conductance(goal)
    character = model.generate_drift_coefficients(goal)
    return model.apply_drift_noise_to_conductance(programmed, character, time_s).numpy()


@pytest.mark.parametrize("time_s", [3600.0, YEAR_S])
def test_weights_over_time(time_s: float) -> None:
    """Whole weights: a pair of devices each, as `apply_noise` makes them from a matrix."""
    machine = load_machine("pcm-cluster")
    digits = np.tile([-8.0, -3.0, 0.0, 1.0, 8.0], (COUNT // 10, 1))
    errors: frozenset[Error] = frozenset({"programming", "drift", "read"})
    rng = np.random.default_rng(0)
    tile = program_tile(digits, machine, errors, 0, rng)
    found = effective_digits(tile, machine, errors, time_s, rng)
    expected = theirs("pcm-cluster", 25.0).apply_noise(torch.from_numpy(digits), time_s).numpy()
    # Ours are compensated for drift by one factor a tile; undo what it did on average.
    found *= np.abs(expected).sum() / np.abs(found).sum()
    for column in range(digits.shape[1]):
        spread = expected[:, column].std()
        error = 5 * spread * (2 / len(digits)) ** 0.5
        assert found[:, column].mean() == pytest.approx(
            expected[:, column].mean(), abs=error + 0.01
        )
        assert found[:, column].std() == pytest.approx(spread, rel=0.03)


def test_compensation() -> None:
    """Global drift compensation brings back the summed read-out, as aihwkit's does."""
    from aihwkit.inference.compensation.drift import GlobalDriftCompensation

    machine = load_machine("pcm-cluster")
    digits = np.random.default_rng(1).integers(-8, 9, (256, 128)).astype(np.float64)
    errors: frozenset[Error] = frozenset({"drift"})
    rng = np.random.default_rng(0)
    tile = program_tile(digits, machine, errors, 0, rng)
    found = effective_digits(tile, machine, errors, YEAR_S, rng)
    read = GlobalDriftCompensation().readout
    assert float(read(torch.from_numpy(found))) == pytest.approx(
        float(read(torch.from_numpy(digits)))
    )
