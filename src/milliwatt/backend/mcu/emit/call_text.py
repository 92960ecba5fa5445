# SPDX-License-Identifier: MIT
"""Calls and parameter lists of the generated C as people read them: named, in short lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

COLUMNS = 100
_NAME = re.compile(r"[A-Za-z]\w*")


def named_arguments(names: Sequence[str], words: Sequence[str]) -> list[str]:
    """The arguments of a call, with the parameter's name before each that is not a name itself."""
    return [
        word if _NAME.fullmatch(word) else f"/* {name} */ {word}"
        for name, word in zip(names, words, strict=True)
    ]


def listed(head: str, words: Iterable[str], tail: str, indent: str = "") -> str:
    """`head(words)tail`, in lines of at most COLUMNS where no word alone is longer."""
    lines = [f"{indent}{head}("]
    more = list(words)
    for i, word in enumerate(more):
        end = f"){tail}" if i == len(more) - 1 else ","
        space = "" if lines[-1].endswith("(") else " "
        if len(lines[-1]) + len(space) + len(word) + len(end) > COLUMNS:
            lines.append(f"{indent}    {word}{end}")
        else:
            lines[-1] += f"{space}{word}{end}"
    return "\n".join(lines) + ("" if more else f"){tail}")
