# SPDX-License-Identifier: MIT
"""The catalogue and the finding of targets."""

import re
from pathlib import Path

import pytest

from milliwatt.errors import TargetError, UnknownFigureError
from milliwatt.hardware import Target, list_targets, load_target
from milliwatt.hardware.model import CORE_FEATURES
from milliwatt.run.cores import CORES

DATA = Path(__file__).parents[2] / "src" / "milliwatt" / "hardware" / "data"
TARGETS = {target.name: target for target in list_targets()}


def test_the_boards_that_are_needed_are_there() -> None:
    assert set(TARGETS) >= {
        "nucleo-l4r5zi",
        "nucleo-f446re",
        "nucleo-f746zg",
        "arduino-nano-33-ble",
        "rpi-pico",
        "corstone-300",
        "mps2-an385",
        "esp32-c3-devkitm-1",
    }


def test_a_file_is_named_after_its_target() -> None:
    assert {path.stem for path in DATA.glob("*.toml")} == set(TARGETS)


def test_names_and_aliases_are_unique() -> None:
    names = [name for target in TARGETS.values() for name in (target.name, *target.aliases)]
    assert len(names) == len(set(names))
    assert not set(names) & set(CORE_FEATURES)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_name_finds_its_target(target: Target) -> None:
    for name in (target.name, *target.aliases, target.name.upper(), f" {target.name} "):
        assert load_target(name) is target


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_can_be_emulated(target: Target) -> None:
    core = CORES[target.core]
    assert ("dsp" in target.features) == core.dsp
    assert ("mve" in target.features) == core.mve
    assert ("fpu" in target.features) == core.fpu


def test_every_core_that_a_target_may_have_can_be_emulated() -> None:
    assert set(CORE_FEATURES) == set(CORES)


@pytest.mark.parametrize(
    ("name", "sram_bytes", "flash_bytes", "clock_hz"),
    [
        # MLPerf Tiny system description; ST: 2 MiB of flash.
        ("nucleo-l4r5zi", 640 * 1024, 2048 * 1024, 120e6),
        # MicroNets Table 1 (arXiv 2010.11267v6).
        ("nucleo-f446re", 128 * 1024, 512 * 1024, 180e6),
        ("nucleo-f746zg", 320 * 1024, 1024 * 1024, 216e6),
        # Arduino: 256 KB and 1 MB, of which the bootloader takes 64 KiB.
        ("arduino-nano-33-ble", 256 * 1024, 960 * 1024, 64e6),
        # 2 MiB of external flash less the 256 bytes of the second-stage bootloader.
        ("rpi-pico", 264 * 1024, 2048 * 1024 - 256, 125e6),
        ("corstone-300", 512 * 1024, 512 * 1024, 32e6),
        ("mps2-an385", 4096 * 1024, 4096 * 1024, 25e6),
        # Zephyr's devicetree: sram0 and flash0.
        ("esp32-c3-devkitm-1", 320 * 1024, 4096 * 1024, 160e6),
    ],
)
def test_capacity(name: str, sram_bytes: int, flash_bytes: int, clock_hz: float) -> None:
    target = load_target(name)
    assert (target.sram_bytes, target.flash_bytes) == (sram_bytes, flash_bytes)
    assert target.clock_hz.value == clock_hz


def test_a_current_becomes_a_power() -> None:
    (mode,) = load_target("arduino-nano-33-ble").power
    assert mode.active_power_mw is not None
    assert mode.sleep_power_uw is not None
    # 52 µA/MHz x 64 MHz x 3 V, and 1.5 µA x 3 V.
    assert mode.active_power_mw.value == pytest.approx(0.052 * 64 * 3)
    assert mode.active_power_mw.error is None
    assert mode.active_power_mw.source.endswith("times 3 V")
    assert mode.sleep_power_uw.value == pytest.approx(4.5)


def test_a_current_without_a_supply_is_no_power() -> None:
    (mode,) = load_target("rpi-pico").power
    assert mode.sleep_current_ua is not None
    assert mode.sleep_power_uw is None
    assert mode.active_power_mw is None


def test_power_modes_by_name() -> None:
    target = load_target("nucleo-l4r5zi")
    assert target.power_mode() is target.power_mode("1v8")
    assert target.power_mode("3v0").name == "3v0"
    with pytest.raises(TargetError) as caught:
        target.power_mode("5v")
    assert str(caught.value) == (
        "target 'nucleo-l4r5zi' has no power mode '5v'; it has: 1v8, 3v0-smps, 3v0"
    )
    with pytest.raises(UnknownFigureError, match=r"^no power figure is known for target 'cor"):
        load_target("corstone-300").power_mode()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nucleo-l4r5", "nearest: nucleo-l4r5zi"),
        ("nulceo-f746zg", "nearest: nucleo-f746zg"),
        ("STM32F4", "nearest: "),
        ("cortex-m33", "that is a core; boards with it: nrf5340-dk"),
        ("", f"known: {', '.join(TARGETS)}"),
        ("?!", f"known: {', '.join(TARGETS)}"),
    ],
)
def test_unknown_name(name: str, hint: str) -> None:
    with pytest.raises(TargetError) as caught:
        load_target(name)
    message = str(caught.value)
    assert message.startswith(f"unknown target '{name}'; {hint}")
    assert "`milliwatt targets` lists them all" in message


def test_near_aliases_are_one_suggestion() -> None:
    with pytest.raises(TargetError, match=re.escape("nearest: arduino-nano-33-ble\n")):
        load_target("arduino-nano-33-bel")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text((DATA / "nucleo-f446re.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert load_target(path) == load_target(str(path)) == load_target("nucleo-f446re")
