# SPDX-License-Identifier: MIT
"""Energy and battery life: hand-computed, and true to what was published on silicon."""

import math
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.mcu.cost.energy import battery_days, daily_energy_j, estimate_energy
from milliwatt.backend.mcu.cost.timing import Latency, NodeCount, NodeLatency, estimate_latency
from milliwatt.errors import OptionError, TargetError, UnknownFigureError, VerifyError
from milliwatt.hardware import load_target

L4R5 = load_target("nucleo-l4r5zi")


def _known_latency(name: str, seconds: float) -> Latency:
    """A latency without spread, as a stopwatch gives it."""
    target = load_target(name)
    cycles = seconds * target.clock_hz.value
    rows = (NodeLatency("all", 0, cycles, cycles, cycles),)
    return Latency(target.name, target.clock_hz.value, rows, "measured", 0.0)


def test_power_times_latency() -> None:
    latency = estimate_latency(L4R5, [NodeCount("conv", 1_200_000)])
    energy = estimate_energy(L4R5, latency)
    # 13.8, 15.2 and 17.2 ms at 32.8, 43.3 and 48.7 mW.
    assert (energy.uj_low, energy.uj, energy.uj_high) == pytest.approx((452.64, 658.16, 837.64))
    assert (energy.target, energy.mode) == ("nucleo-l4r5zi", "1v8")
    assert energy.basis.startswith(
        "estimate: latency times 43.3 mW (32.8 to 48.7) at 1.8 V supply, internal regulator, "
        "measured (energy over latency of 20 results"
    )


def test_other_supply() -> None:
    latency = estimate_latency(L4R5, [NodeCount("conv", 1_200_000)])
    assert estimate_energy(L4R5, latency, "3v0").uj == pytest.approx(15.2 * 74.4)
    with pytest.raises(TargetError, match=r"has no power mode '9v'; it has: 1v8, "):
        estimate_energy(L4R5, latency, "9v")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nrf5340-dk", "no active-power figure is known"),
        ("rpi-pico", "no active-power figure is known for its power mode 'datasheet'"),
    ],
)
def test_no_power_figure(name: str, reason: str) -> None:
    with pytest.raises(UnknownFigureError) as caught:
        estimate_energy(load_target(name), _known_latency(name, 0.01))
    assert str(caught.value) == f"no energy estimate for target '{name}': {reason}"


def test_latency_of_another_target() -> None:
    with pytest.raises(VerifyError, match=r"^a latency on 'rpi-pico' is used for target 'nucleo"):
        estimate_energy(L4R5, _known_latency("rpi-pico", 0.01))


# MLPerf Tiny, closed division, 120 MHz: latency in ms and energy in µJ of ad, ic, kws, vww.
MLPERF_1V8 = {
    "v0.5 reference": [
        (10.0516, 416.312),
        (704.2254, 29207.01),
        (181.9174, 7373.704),
        (600.6006, 24312.648),
    ],
    "v0.7 STMicroelectronics": [
        (9.6656, 431.211),
        (252.7806, 12298.289),
        (97.6467, 4635.681),
        (254.6473, 12293.282),
    ],
    "v1.0 STMicroelectronics": [
        (7.5786, 322.977),
        (226.9117, 10681.623),
        (75.0582, 3371.738),
        (230.4678, 10066.628),
    ],
    "v1.1 STMicroelectronics": [
        (6.8573, 293.912),
        (213.9953, 7019.085),
        (62.8733, 2833.138),
        (118.6944, 5618.279),
    ],
    "v1.2 STMicroelectronics": [
        (5.2608, 203.368),
        (165.1255, 6919.375),
        (43.1872, 1820.454),
        (88.9284, 3894.566),
    ],
}
MLPERF_3V0 = {
    "v1.1 Krai, X-CUBE-AI 7.3": [
        (7.5787, 529.299),
        (226.9117, 17755.446),
        (74.7328, 5627.485),
        (224.9213, 16536.336),
    ],
    "v1.1 Krai, X-CUBE-AI 8.0": [
        (7.5786, 528.881),
        (221.9756, 17315.114),
        (72.6797, 5481.633),
        (221.1411, 16573.08),
    ],
}
MLPERF_3V0_SMPS = {
    "v1.3 STMicroelectronics": [
        (4.7937, 160.4232),
        (165.6726, 5495.915),
        (43.4179, 1430.6681),
        (89.4374, 3029.7521),
    ],
}
# MicroNets Table 4 (arXiv 2010.11267v6), latency in ms and energy in µJ: KWS-M, KWS-S, VWW-2,
# AD-S, DSCNN-S, person detection on the F446RE.
MICRONETS_F446 = [
    (426, 70560),
    (250, 40680),
    (181, 27250),
    (457, 74160),
    (131, 21132),
    (254, 39960),
]
# KWS-L, -M, -S, VWW-1, -2, -3, -4, AD-M, DSCNN-L, -M, -S, MBNETV2-M, person detection, F746ZG.
MICRONETS_F746 = [
    (610, 274320),
    (187, 83160),
    (109, 48600),
    (1133, 478800),
    (79, 36360),
    (467, 196200),
    (310, 133200),
    (608, 269640),
    (515, 229320),
    (219, 98640),
    (58, 25956),
    (330, 147600),
    (108, 49320),
]
PUBLISHED = {
    ("nucleo-l4r5zi", "1v8"): [pair for rows in MLPERF_1V8.values() for pair in rows],
    ("nucleo-l4r5zi", "3v0"): [pair for rows in MLPERF_3V0.values() for pair in rows],
    ("nucleo-l4r5zi", "3v0-smps"): [pair for rows in MLPERF_3V0_SMPS.values() for pair in rows],
    ("nucleo-f446re", "board"): MICRONETS_F446,
    ("nucleo-f746zg", "board"): MICRONETS_F746,
}


@pytest.mark.parametrize(("name", "mode"), PUBLISHED)
def test_against_published_energy(name: str, mode: str) -> None:
    for latency_ms, energy_uj in PUBLISHED[name, mode]:
        energy = estimate_energy(load_target(name), _known_latency(name, latency_ms / 1e3), mode)
        assert energy.uj_low <= energy_uj <= energy.uj_high


@pytest.mark.parametrize(("name", "mode"), PUBLISHED)
def test_the_figure_is_the_mean_of_its_source(name: str, mode: str) -> None:
    powers_mw = [energy_uj / latency_ms for latency_ms, energy_uj in PUBLISHED[name, mode]]
    figure = load_target(name).power_mode(mode).active_power_mw
    assert figure is not None
    assert figure.value == pytest.approx(mean(powers_mw), rel=2e-3)
    low, high = figure.bounds
    # The range is no wider than the source needs.
    assert low == pytest.approx(min(powers_mw), rel=6e-3)
    assert high == pytest.approx(max(powers_mw), rel=6e-3)


def test_energy_of_a_day() -> None:
    # 40 mW for 0.1 s every 10 s: 8640 inferences, 864 s busy, 85,536 s asleep at 10 µW.
    day_j = daily_energy_j(
        active_power_mw=40, inference_seconds=0.1, inferences_per_day=8_640, sleep_power_uw=10
    )
    assert day_j == pytest.approx(34.56 + 0.85536)
    # A 225 mAh coin cell at 3 V: 675 mWh = 2430 J.
    assert battery_days(675, day_j) == pytest.approx(2430 / 35.41536)


def test_always_busy_never_sleeps() -> None:
    day_j = daily_energy_j(
        active_power_mw=1, inference_seconds=1, inferences_per_day=86_400, sleep_power_uw=1e9
    )
    assert day_j == pytest.approx(86.4)


def test_published_battery_example() -> None:
    # ST's digital in-memory computing chip: 0.567 mW always on, 12.0 mW for 1/100 of the time,
    # 6000 mWh: 363 days.
    day_j = daily_energy_j(
        active_power_mw=12.0,
        inference_seconds=1,
        inferences_per_day=864,
        sleep_power_uw=0,
        always_on_power_uw=567,
    )
    assert math.floor(battery_days(6_000, day_j)) == 363


def test_more_inferences_than_fit() -> None:
    with pytest.raises(OptionError) as caught:
        daily_energy_j(
            active_power_mw=1, inference_seconds=2, inferences_per_day=50_000, sleep_power_uw=1
        )
    assert str(caught.value) == "50,000 inferences of 2 s do not fit in a day; at most 43,200 do"


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize(
    "name",
    [
        "active_power_mw",
        "inference_seconds",
        "inferences_per_day",
        "sleep_power_uw",
        "always_on_power_uw",
    ],
)
def test_impossible_quantities(name: str, value: float) -> None:
    quantities = {
        "active_power_mw": 1.0,
        "inference_seconds": 1.0,
        "inferences_per_day": 1.0,
        "sleep_power_uw": 1.0,
        "always_on_power_uw": 0.0,
    }
    with pytest.raises(OptionError, match=r"must be zero or more, and finite$"):
        daily_energy_j(**{**quantities, name: value})


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_impossible_battery(value: float) -> None:
    with pytest.raises(OptionError, match=r"^the battery holds "):
        battery_days(value, 1.0)
    with pytest.raises(OptionError, match=r"^the day takes "):
        battery_days(1.0, value)


@given(
    power_mw=st.floats(0, 1e3),
    busy=st.floats(0, 1),
    rate=st.integers(1, 10**6),
    sleep_uw=st.floats(0, 1e6),
)
def test_a_day_is_between_all_asleep_and_all_awake(
    power_mw: float, busy: float, rate: int, sleep_uw: float
) -> None:
    seconds = busy * 86_400 / rate * (1 - 1e-12)
    day_j = daily_energy_j(
        active_power_mw=power_mw,
        inference_seconds=seconds,
        inferences_per_day=rate,
        sleep_power_uw=sleep_uw,
    )
    awake_j, asleep_j = power_mw * 86.4, sleep_uw * 0.0864
    slack = 1e-9 * (awake_j + asleep_j)
    assert min(awake_j, asleep_j) - slack <= day_j <= max(awake_j, asleep_j) + slack
