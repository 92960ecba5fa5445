# SPDX-License-Identifier: MIT
"""docs/aimc-or-digital.md: its tables are what the code computes, its findings hold."""

import re

import pytest

from milliwatt.backend.aimc.formulas import Macro, analogue_macro, digital_macro
from tests.report.generate_page import COMMAND, PAGE, TABLES, filled, table_in
from tests.support import needs_arm_gcc, shared_dir

TOLERANCE = 0.05
"""Compilers of other versions count other instructions; a wrong formula shows far above it."""
WITHOUT_MODELS = ("arrays",)
WITH_BOARDS = ("networks", "layers", "rates", "sizes")
SLOW = ("accuracy",)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")


def assert_same(written: str, made: str) -> None:
    """Equal text, numbers within the tolerance or one unit of a rounded digit."""
    hint = f"docs/aimc-or-digital.md is out of date: run {COMMAND}"
    assert NUMBER.sub("#", written) == NUMBER.sub("#", made), hint
    for old, new in zip(NUMBER.findall(written), NUMBER.findall(made), strict=True):
        first, second = (float(text.replace(",", "")) for text in (old, new))
        digits = len(old.partition(".")[2].partition("e")[0])
        step = 10.0**-digits
        assert abs(first - second) <= max(TOLERANCE * abs(first), 1.01 * step), hint


def check(name: str) -> None:
    assert_same(table_in(PAGE.read_text(encoding="utf-8"), name), TABLES[name]())


def test_every_table_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert COMMAND in "\n".join(text.splitlines()[:8])
    assert set(re.findall(r"<!-- (\w+):start -->", text)) == set(TABLES)
    assert {*WITHOUT_MODELS, *WITH_BOARDS, *SLOW} < set(TABLES)
    for name in TABLES:
        assert table_in(text, name).startswith("| ")


@pytest.mark.parametrize("name", WITHOUT_MODELS)
def test_tables_of_formulas_are_current(name: str) -> None:
    check(name)


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("name", sorted(set(TABLES) - {*WITHOUT_MODELS, *SLOW}))
def test_tables_are_current(name: str) -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    shared_dir()
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_slow_tables_are_current(name: str) -> None:
    shared_dir()
    check(name)


@pytest.mark.parametrize(("old", "new"), [("1.00 a", "1.20 a"), ("5 a", "7 a"), ("5 a", "5 b")])
def test_what_differs_is_noticed(old: str, new: str) -> None:
    assert_same(old, old)
    with pytest.raises(AssertionError, match="out of date"):
        assert_same(old, new)


def test_filling_replaces_what_stood_there() -> None:
    text = "a\n<!-- t:start -->\nold\n<!-- t:end -->\nb\n"
    assert table_in(filled(text, "t", "new"), "t") == "new"
    assert filled(text, "t", "new").endswith("b\n")


def test_coarse_converters_make_analogue_denser() -> None:
    """What the page says against "digital is always denser"."""
    macro = Macro(64, 16, 4, 4, 4)
    assert analogue_macro(macro, 5).tops_per_mm2 == pytest.approx(13.2, abs=0.05)
    assert digital_macro(macro).tops_per_mm2 == pytest.approx(6.6, abs=0.05)
