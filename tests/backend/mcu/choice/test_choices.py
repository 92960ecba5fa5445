# SPDX-License-Identifier: MIT
"""Kept kernel choices as a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.mcu.choice.choices import Choices, choices_text, load_choices
from milliwatt.backend.mcu.choice.objective import Objective
from milliwatt.errors import OptionError

KEPT = Choices("net", "cortex-m4", "gcc 12", "-O2", Objective(speed=1, flash=0.5), {"a": "relu"})
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.dictionaries(names, names), names)
def test_choices_are_read_as_written(kernels: dict[str, str], model: str) -> None:
    choices = Choices(model, "cortex-m4", "gcc", "-Os", Objective(sram=1), kernels)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "choices.toml"
        path.write_text(choices_text(choices), encoding="utf-8", newline="")
        assert load_choices(path) == choices


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('core = "cortex-m4"', "core = 4", "core must be a string"),
        ('core = "cortex-m4"', "", "it lacks core"),
        ('core = "cortex-m4"', 'core = "cortex-m4"\nspeed = 1', "it has unknown speed"),
        ('"relu"', "3", "the kernel of 'a' must be a string"),
        ('"relu"', "relu", "is no file of kernel choices"),
        ('[kernels]\n"a" = "relu"', "kernels = 1", "kernels must be a table"),
        ("speed,flash=0.5", "size", "no 'size'"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    path = tmp_path / "choices.toml"
    text = choices_text(KEPT)
    assert before in text
    if after.startswith("kernels"):
        text = f"{after}\n{text}"
    path.write_text(text.replace(before, "" if after.startswith("kernels") else after))
    with pytest.raises(OptionError, match=message):
        load_choices(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"cannot read .*none\.toml: No such file"):
        load_choices(tmp_path / "none.toml")


def test_another_core_is_refused() -> None:
    KEPT.require_core("cortex-m4")
    with pytest.raises(OptionError, match=r"measured on cortex-m4, the target has cortex-m55"):
        KEPT.require_core("cortex-m55")
