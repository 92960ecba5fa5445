# SPDX-License-Identifier: MIT
"""Memory over time, drawn."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.errors import OptionError
from milliwatt.figures import PICTURE_SUFFIXES
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph
from milliwatt.report.pictures import memory_picture
from tests.backend.mcu.networks import ALL, residual

STARTS = {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF"}


def plan_of(network: Callable[[], Graph]) -> Plan:
    return compile_graph(network(), load_target("nucleo-l4r5zi"), "net").plan


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_the_same_plan_gives_the_same_bytes(suffix: str) -> None:
    pytest.importorskip("matplotlib")
    plan = plan_of(residual)
    first = memory_picture(plan, suffix)
    assert first.startswith(STARTS[suffix])
    assert memory_picture(plan, suffix) == first


@pytest.mark.parametrize("network", ALL)
def test_every_plan_can_be_drawn(network: Callable[[], Graph]) -> None:
    pytest.importorskip("matplotlib")
    plan = plan_of(network)
    text = memory_picture(plan, ".svg").decode()
    assert text.rstrip().endswith("</svg>")


def test_other_files_are_refused() -> None:
    with pytest.raises(OptionError, match=r"pictures are \.svg, \.png, \.pdf files, not '\.gif'"):
        memory_picture(plan_of(residual), ".gif")


def test_without_matplotlib_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OptionError, match=r"pip install 'milliwatt\[report\]'"):
        memory_picture(plan_of(residual), ".svg")
