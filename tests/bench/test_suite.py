# SPDX-License-Identifier: MIT
"""The suite, the sources' hash, and the tables brought up to date."""

from pathlib import Path

import pytest

from bench.sources import commit_of, source_hash
from bench.suite import load_suite, parse_suite
from bench.tables import load_tables, updated
from milliwatt.errors import OptionError
from tests.bench.fakes import SUITE, measured, suite, tables
from tests.support import shared_file

HEADLINE = ["ad", "kws", "vww", "ic", "sww", "kws-m", "ad-l"]


def test_the_committed_suite() -> None:
    real = load_suite()
    assert [model.key for model in real.headline.models] == HEADLINE
    for group in real.groups:
        assert group.load_target().name == group.target_name
    peers = {peer.key for peer in load_tables().peers}
    wanted = real.headline.load_target().core
    for model in real.headline.models:
        for name in (real.headline.peers[0], real.headline.peers[-1]):
            assert (wanted, name, model.key) in peers


def test_every_model_is_in_the_shared_folder() -> None:
    for model in load_suite().models:
        assert shared_file(model.file).is_file()


@pytest.mark.parametrize("name", ["headline", "samples"])
def test_what_the_suite_lacks_is_named(name: str) -> None:
    with pytest.raises(OptionError, match=f"lacks '{name}'"):
        parse_suite({key: value for key, value in SUITE.items() if key != name})


def test_an_unknown_model_is_named() -> None:
    platform = SUITE["platform"][0] | {"builds": {"gcc": ["three"]}}
    with pytest.raises(OptionError, match="lacks 'three'"):
        parse_suite(SUITE | {"platform": [platform]})


def test_builds_are_named_and_titled() -> None:
    groups = {group.name: group for group in suite().groups}
    assert [(g.name, g.title) for g in groups.values()] == [
        ("m4-gcc", "Cortex-M4, gcc -O2"),
        ("m4-gcc-tuned", "Cortex-M4, gcc -O2, tuned"),
        ("m4-gcc-rows", "Cortex-M4, gcc -O2, rows"),
        ("m4-gcc-flash", "Cortex-M4, gcc -Os, flash"),
        ("m55-gcc", "Cortex-M55, gcc -O2"),
    ]
    assert [g.name for g in groups.values() if g.is_plain] == ["m4-gcc", "m55-gcc"]
    assert suite().sibling("gcc flash") == groups["m4-gcc-flash"]
    assert suite().sibling("zig") is None


def test_measured_rows_replace_their_own_and_keep_suite_order() -> None:
    again = [measured("one", "m55-gcc", instructions=9), measured("one", instructions=7)]
    new = updated(tables(), suite(), again)
    assert [row.key for row in new.figures] == list(suite().keys())
    assert [row.instructions for row in new.figures] == [7, 1250, 1200, 1375, 1500, 9]
    assert [layer.layer for layer in new.layers] == [0, 1, 2, 3, 4] * 3
    assert new.peers == tables().peers


def test_rows_that_left_the_suite_go() -> None:
    platform = SUITE["platform"][0] | {"builds": {"gcc": ["two"]}}
    smaller = parse_suite(SUITE | {"platform": [platform]})
    assert [row.model for row in updated(tables(), smaller, []).figures] == ["two"]


def test_the_hash_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("1")
    first = source_hash(tmp_path)
    (tmp_path / "a.pyc").write_text("not a source")
    assert source_hash(tmp_path) == first
    (tmp_path / "a.c").write_text("2")
    changed = source_hash(tmp_path)
    (tmp_path / "a.c").rename(tmp_path / "b.c")
    assert len({first, changed, source_hash(tmp_path)}) == 3


def test_no_commit_outside_a_checkout(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == "unknown"
