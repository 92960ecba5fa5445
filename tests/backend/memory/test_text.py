# SPDX-License-Identifier: MIT
from __future__ import annotations

import pytest
from hypothesis import given, settings

from milliwatt.backend.mcu.memory import Buffer, Problem, from_text, to_text
from milliwatt.errors import ModelError
from tests.backend.memory.problems import FRAGMENTING, problems


@settings(deadline=None, derandomize=True, max_examples=100)
@given(problems())
def test_problems_read_back_as_written(problem: Problem) -> None:
    assert from_text(to_text(problem)) == problem


def test_a_file_reads_and_writes_the_same() -> None:
    text = FRAGMENTING.read_text()
    assert to_text(from_text(text)) == text


def test_names_with_commas_and_quotes_survive() -> None:
    problem = Problem((Buffer('conv;a,b "c"/x', 4),), (), ('conv;a,b "c"/x',))
    assert from_text(to_text(problem)) == problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "bufer,x,4,4",
            "memory problem, line 1: 'bufer' is not in ['buffer', 'input', 'keep_inputs', "
            "'output', 'persistent', 'step', 'read', 'write', 'in_place', 'alias']",
        ),
        ("\ninput,x,y", "memory problem, line 2: 'input' takes 1 fields, not 2"),
        (
            "buffer,x,four,4",
            "memory problem, line 1: 'buffer,x,four,4': invalid literal for int() with base 10: "
            "'four'",
        ),
        ("read,x", "memory problem, line 1: 'read,x': comes before any step"),
    ],
)
def test_unreadable_lines_are_named(text: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        from_text(text)
    assert str(caught.value) == message
