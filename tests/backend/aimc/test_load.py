# SPDX-License-Identifier: MIT
"""Machine files: what the catalogue holds, and what is refused."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from importlib import resources
from pathlib import Path

import pytest

from milliwatt.backend.aimc.load import list_machines, load_machine
from milliwatt.backend.aimc.model import Machine
from milliwatt.errors import TargetError
from milliwatt.hardware.model import Figure

NAMES = ["charge-sram-28nm", "diana", "pcm-cluster", "reram-wan2022"]


def source_text(name: str) -> str:
    folder = resources.files("milliwatt.backend.aimc") / "data"
    return (folder / f"{name}.toml").read_text(encoding="utf-8")


def figures(value: object) -> list[Figure]:
    """Every figure inside a machine."""
    if isinstance(value, Figure):
        return [value]
    if isinstance(value, tuple):
        return [figure for item in value for figure in figures(item)]
    if is_dataclass(value):
        return [f for field in fields(value) for f in figures(getattr(value, field.name))]
    return []


def test_the_catalogue() -> None:
    assert [machine.name for machine in list_machines()] == NAMES
    assert {machine.technology for machine in list_machines()} == {"pcm", "reram", "charge-sram"}


@pytest.mark.parametrize("name", NAMES)
def test_assumptions_are_not_called_published(name: str) -> None:
    found = figures(load_machine(name))
    assert len(found) > 25
    for figure in found:
        if figure.source.startswith(("assumed", "chosen", "fitted")):
            assert figure.basis == "estimated"


def test_published_shapes() -> None:
    shapes = {m.name: (m.rows, m.columns) for m in list_machines()}
    assert shapes["pcm-cluster"] == (256, 256)
    assert shapes["diana"] == (1152, 512)
    assert load_machine("pcm-cluster").arrays.value == 34


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(source_text("diana").replace('name = "diana"', 'name = "mine"'), "utf-8")
    machine: Machine = load_machine(path)
    assert machine.name == "mine"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("mvm_latency_ns", "mvm_latency_us", r"crossbar\.mvm_latency_us is not a known key"),
        ('technology = "pcm"', 'technology = "flash"', "technology is 'flash'; allowed: pcm"),
        ("rows = { value = 256", "rows = { value = 256.5", "must be a whole number"),
        ("rows = { value = 256", "rows = { value = 0", r"rows\.value must be from 1"),
        ("dac_bits_per_pulse = { value = 8", "dac_bits_per_pulse = { value = 9", "above dac_bits"),
        ("concurrent_arrays = { value = 1", "concurrent_arrays = { value = 35", "above arrays"),
        ('drift_compensation = "global"', 'drift_compensation = "some"', "allowed: global, none"),
        ("[circuit_noise]", "[circuits]", "circuit_noise is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = source_text("pcm-cluster")
    assert before in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(before, after), "utf-8")
    with pytest.raises(TargetError, match=message):
        load_machine(path)


def test_a_figure_needs_a_source(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = source_text("charge-sram-28nm")
    path.write_text(text.replace('value = 4, source = "assumed"', "value = 4", 1), "utf-8")
    with pytest.raises(TargetError, match=r"arrays\.source is missing"):
        load_machine(path)


def test_reram_times_must_rise(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = source_text("reram-wan2022").replace("value = 86400.0", "value = 0.5")
    path.write_text(text, "utf-8")
    with pytest.raises(TargetError, match="rising time_s"):
        load_machine(path)


def test_unknown_names_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="nearest: diana"):
        load_machine("dianna")
    with pytest.raises(TargetError, match="known: charge-sram-28nm, diana"):
        load_machine("zzz")
    with pytest.raises(TargetError, match="cannot be read"):
        load_machine(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("rows = [", "utf-8")
    with pytest.raises(TargetError, match="not valid TOML"):
        load_machine(broken)
