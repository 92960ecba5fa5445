# SPDX-License-Identifier: MIT
"""What `milliwatt targets` prints."""

import json

import pytest
from rich.console import Console

from milliwatt.cli.targets import targets_json, targets_table
from milliwatt.errors import TargetError
from milliwatt.hardware import list_targets


def _printed(name: str | None) -> str:
    console = Console(width=200, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        console.print(targets_table(name))
    return capture.get()


def test_the_catalogue() -> None:
    lines = _printed(None).splitlines()
    for target in list_targets():
        (line,) = (line for line in lines if line.startswith(f"{target.name} "))
        assert target.chip in line
        assert f"{target.sram_bytes:,} B" in line
        assert ("unknown" in line) == (target.timing is None or not target.power)


def test_one_target_shows_its_sources() -> None:
    printed = _printed("f446")
    assert "ST Nucleo-F446RE (nucleo-f446re): STM32F446RE, cortex-m4" in printed
    assert "160 mW (150 to 166)" in printed
    assert "MicroNets Table 4" in printed


def test_json() -> None:
    everything = json.loads(json.dumps(targets_json()))
    assert [item["name"] for item in everything] == [target.name for target in list_targets()]
    (pico,) = json.loads(json.dumps(targets_json("pico")))
    assert pico["timing"] is None
    assert pico["sram_bytes"] == 270_336
    (l4r5,) = targets_json("l4r5")
    assert l4r5["features"] == ["dsp", "fpu"]
    assert l4r5["timing"]["fitted"]["taken_branch_cycles"]["value"] == 7.55


@pytest.mark.parametrize("call", [targets_table, targets_json])
def test_unknown(call: object) -> None:
    assert callable(call)
    with pytest.raises(TargetError, match=r"^unknown target 'nope'"):
        call("nope")
