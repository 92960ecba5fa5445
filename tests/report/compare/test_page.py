# SPDX-License-Identifier: MIT
"""docs/aimc-or-digital.md: its tables are what the code computes, its findings hold."""

import re

import pytest

from milliwatt.backend.aimc.formulas import Macro, analogue_macro, digital_macro
from milliwatt.report.compare.candidate import Quantity
from tests.docs.tables import assert_same, filled, marked, table_in
from tests.report.compare.generate_page import (
    ANALOGUE,
    COMMAND,
    DATA,
    DIGITAL,
    PAGE,
    PICTURE,
    TABLES,
    compared,
    digest,
    picture,
    picture_data,
)
from tests.support import needs_arm_gcc, shared_dir

MOST_WORDS = 1000
"""Two pages, tables left out."""
WITHOUT_MODELS = ("arrays",)
WITH_BOARDS = ("networks", "layers", "rates", "sizes")
SLOW = ("accuracy",)


def check(name: str) -> None:
    assert_same(table_in(PAGE.read_text(encoding="utf-8"), name), TABLES[name](), COMMAND)


def test_every_table_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert COMMAND in "\n".join(text.splitlines()[:8])
    assert marked(text) == set(TABLES)
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
    assert_same(old, old, COMMAND)
    with pytest.raises(AssertionError, match="out of date: run python -m"):
        assert_same(old, new, COMMAND)


def test_the_page_is_two_pages() -> None:
    text = re.sub(
        r"<!-- (\w+):start -->.*?<!-- \1:end -->", "", PAGE.read_text("utf-8"), flags=re.S
    )
    prose = [line for line in text.splitlines() if not line.startswith(("|", "<!--", "!["))]
    assert len(" ".join(prose).split()) <= MOST_WORDS


def test_the_picture_draws_its_data() -> None:
    assert f"({PICTURE.name})" in PAGE.read_text("utf-8")
    assert PICTURE.stat().st_size < 100_000
    drawn, data = PICTURE.read_text("utf-8"), DATA.read_text("utf-8")
    assert digest(data) in drawn, f"the picture is not of {DATA.name}: run {COMMAND}"
    for line in data.splitlines()[1:]:
        assert f">{line.split(',')[1]}<" in drawn


@needs_arm_gcc
@pytest.mark.emulator
def test_the_pictures_data_is_current() -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    pytest.importorskip("matplotlib")
    shared_dir()
    made = picture_data()
    assert_same(DATA.read_text("utf-8"), made, COMMAND)
    assert digest(made) in picture(made)


def test_filling_replaces_what_stood_there() -> None:
    text = "a\n<!-- t:start -->\nold\n<!-- t:end -->\nb\n"
    assert table_in(filled(text, "t", "new"), "t") == "new"
    assert filled(text, "t", "new").endswith("b\n")


def test_coarse_converters_make_analogue_denser() -> None:
    """What the page says against "digital is always denser"."""
    macro = Macro(64, 16, 4, 4, 4)
    assert analogue_macro(macro, 5).tops_per_mm2 == pytest.approx(13.2, abs=0.05)
    assert digital_macro(macro).tops_per_mm2 == pytest.approx(6.6, abs=0.05)


def test_small_arrays_are_mostly_converters_at_any_resolution() -> None:
    """What the page says against the published 58 % of energy and 81 % of area."""
    for bits in range(3, 9):
        for macro in (Macro(32, 4, 8, 8, 2), Macro(32, 8, 4, 4, 4), Macro(32, 4, 8, 8, 1)):
            assert analogue_macro(macro, bits).energy_share("adc", "dac") > 0.83
    wide = {side: Macro(side, side // 8, 8, 8, 1) for side in (32, 128, 256, 1024)}
    assert analogue_macro(wide[256], 3).energy_share("adc", "dac") == pytest.approx(0.58, abs=0.01)
    share = analogue_macro(Macro(1024, 256, 4, 4, 4), 8).energy_share("adc", "dac")
    assert share == pytest.approx(0.59, abs=0.01)
    for side, bits in ((32, 5), (128, 6)):
        assert analogue_macro(wide[side], bits).area_share("adc") == pytest.approx(0.82, abs=0.01)


@needs_arm_gcc
@pytest.mark.emulator
def test_machines_of_one_technology_are_as_the_page_says() -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    shared_dir()
    for network, share in {
        "kws": 0.86,
        "vww": 0.41,
        "MicroNet kws-M": 1.9,
        "MicroNet vww-2": 1.7,
    }.items():
        done = compared(network)
        first, second = (
            done.candidate(name).system_energy_j for name in ("generic-dimc", "charge-sram-28nm")
        )
        assert isinstance(first, Quantity)
        assert isinstance(second, Quantity)
        assert first.value / second.value == pytest.approx(share, rel=0.05)


@needs_arm_gcc
@pytest.mark.emulator
def test_the_answer_is_what_the_tables_say() -> None:
    """Who takes least on each network, and by how much, as the page's first point has it."""
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    shared_dir()
    for network, (family, low, high) in {
        "ad": (ANALOGUE, 12, 15),
        "kws": (DIGITAL, 1.1, 1.3),
        "vww": (DIGITAL, 1.8, 2.2),
        "ic": (ANALOGUE, 5, 7),
        "MicroNet ad-L": (DIGITAL, 1.5, 1.9),
        "MicroNet kws-M": (DIGITAL, 1.1, 1.35),
        "MicroNet vww-2": (ANALOGUE, 2.4, 3.2),
    }.items():
        rows = compared(network).candidates
        least = {
            group: min(
                row.system_energy_j.value
                for row in rows
                if row.target in group and isinstance(row.system_energy_j, Quantity)
            )
            for group in (DIGITAL, ANALOGUE)
        }
        other = DIGITAL if family is ANALOGUE else ANALOGUE
        assert low < least[other] / least[family] < high, network
