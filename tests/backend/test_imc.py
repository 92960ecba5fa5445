# SPDX-License-Identifier: MIT
"""Machines of both families by one name, and networks mapped to them."""

from __future__ import annotations

from pathlib import Path

import pytest

import milliwatt as mw
from milliwatt.backend import aimc, dimc
from milliwatt.backend.aimc.load import list_machines as list_analogue
from milliwatt.backend.dimc.estimate import estimate
from milliwatt.backend.dimc.load import list_machines as list_digital
from milliwatt.backend.dimc.placement import place
from milliwatt.errors import TargetError
from tests.support import REPOSITORY

DIGITS = mw.load_model(REPOSITORY / "examples" / "digits.mw")
OPTIMISED = mw.run_pipeline(DIGITS)


@pytest.mark.parametrize("machine", [*list_digital(), *list_analogue()], ids=lambda m: m.name)
def test_every_machine_is_found_by_its_name(machine: object) -> None:
    assert mw.load_machine(f" {machine.name.upper()} ") is machine


@pytest.mark.parametrize("machine", [m for m in list_digital() if m.aliases], ids=lambda m: m.name)
def test_aliases(machine: object) -> None:
    assert all(mw.load_machine(alias) is machine for alias in machine.aliases)


@pytest.mark.parametrize(
    ("family", "file"), [(dimc, "machines/st-dimc.toml"), (aimc, "data/pcm-cluster.toml")]
)
def test_files_of_both_families(family: object, file: str) -> None:
    path = Path(family.__file__).parent / file
    named = mw.load_machine(path.stem)
    assert mw.load_machine(path) == mw.load_machine(str(path)) == named


def test_an_unknown_machine_is_refused_with_all_that_are_known() -> None:
    names = sorted(machine.name for machine in (*list_digital(), *list_analogue()))
    with pytest.raises(TargetError) as refused:
        mw.load_machine("abacus")
    assert str(refused.value) == (
        f"unknown in-memory-computing machine 'abacus'; known: {', '.join(names)}; a path to a "
        ".toml file of your own works too"
    )


def test_a_digital_machine_is_placed_and_priced() -> None:
    machine = mw.load_machine("st-dimc")
    mapped = mw.map_graph(DIGITS, machine)
    assert mapped.placement == place(OPTIMISED, machine)
    assert mapped.cost == estimate(mapped.placement)


def test_an_analogue_machine_is_placed_and_priced() -> None:
    machine = mw.load_machine("pcm-cluster")
    mapped = mw.map_graph(DIGITS, machine)
    assert mapped.placement == aimc.place(OPTIMISED, machine)
    assert mapped.cost == aimc.estimate(mapped.placement)
