# SPDX-License-Identifier: MIT
"""docs/aimc.md: its tables are what the code computes."""

import pytest

from tests.backend.aimc.generate_page import COMMAND, PAGE, TABLES
from tests.docs.tables import assert_same, marked, table_in
from tests.support import shared_dir

WITHOUT_MODELS = ("mobilenet", "principles", "resnet")
SLOW = ("accuracy", "errors")


def check(name: str) -> None:
    assert_same(table_in(PAGE.read_text(encoding="utf-8"), name), TABLES[name](), COMMAND)


def test_every_table_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert COMMAND in text
    assert marked(text) == set(TABLES)
    assert {*WITHOUT_MODELS, *SLOW} < set(TABLES)


@pytest.mark.parametrize("name", sorted(set(TABLES) - set(SLOW)))
def test_tables_are_current(name: str) -> None:
    if name not in WITHOUT_MODELS:
        shared_dir()
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_slow_tables_are_current(name: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    shared_dir()
    check(name)
