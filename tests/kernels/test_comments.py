# SPDX-License-Identifier: MIT
"""Every specialised kernel's header says which registers its loop has and what the loop takes."""

from __future__ import annotations

import re

import pytest

from milliwatt.backend.mcu.lowering import all_kernels
from tests.kernels.harness import KERNELS_DIR

SPECIALISED = sorted(
    {k.header for k in all_kernels() if re.search(r"_(dsp|mve|swar)\.h$", k.header)}
)


def comment(header: str) -> str:
    """The comment at the top of a header, below the licence."""
    text = (KERNELS_DIR / header).read_text("utf-8")
    found = re.match(r"/\* SPDX[^\n]*\n/\*(.*?)\*/", text, re.DOTALL)
    assert found is not None, header
    return found.group(1)


def tells(header: str, word: str, asked: frozenset[str] = frozenset()) -> bool:
    """Whether the comment tells of it, or names a header whose comment does."""
    if header in asked or not (KERNELS_DIR / header).is_file():
        return False
    text = comment(header)
    others = re.findall(r"mw_\w+\.h", text)
    return bool(re.search(word, text)) or any(tells(o, word, asked | {header}) for o in others)


def test_there_are_kernels() -> None:
    assert len(SPECIALISED) > 30


@pytest.mark.parametrize("header", SPECIALISED)
def test_registers_and_instructions_are_told(header: str) -> None:
    assert tells(header, "[Rr]egister"), f"{header}: no register budget"
    assert tells(header, "[Ii]nstruction"), f"{header}: no instructions of its loop"
