# SPDX-License-Identifier: MIT
"""The kernels' headers: which a source needs, and what their functions' parameters are called."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from milliwatt.errors import VerifyError

_INCLUDE = re.compile(r'^#include "(mw_[a-z0-9_]+\.h)"', re.MULTILINE)
_DEFINITION = r"^[ ]*MW_INLINE [^;{{}}=]*?\b{name}\(([^){{}}]*)\)[\\\s]*\{{"
_LAST_WORD = re.compile(r"(\w+)\s*(?:\[\w*\])?$")


def kernel_headers(source: str) -> dict[str, str]:
    """Name to text of the headers that `source` includes, directly or through one another."""
    found: dict[str, str] = {}
    pending = _INCLUDE.findall(source)
    while pending:
        header = pending.pop()
        if header not in found:
            found[header] = _header_text(header)
            pending += _INCLUDE.findall(found[header])
    return dict(sorted(found.items()))


@cache
def _header_text(header: str) -> str:
    folder = resources.files("milliwatt.backend.mcu") / "kernels"
    return (folder / header).read_text(encoding="utf-8")


@cache
def parameter_names(header: str, function: str) -> tuple[str, ...]:
    """The names that `header`, or one that it includes, gives the parameters of `function`.

    Raises VerifyError where none defines it.
    """
    for text in kernel_headers(f'#include "{header}"\n').values():
        found = _find(text, function) or _find_in_macro(text, function)
        if found is not None:
            return tuple(_name(word) for word in found.replace("\\\n", " ").split(","))
    raise VerifyError(f"{header} does not define {function}")


def _find(text: str, name: str) -> str | None:
    found = re.search(_DEFINITION.format(name=name), text, re.MULTILINE)
    return None if found is None else found[1]


def _find_in_macro(text: str, function: str) -> str | None:
    """The parameters where a macro defines functions whose name is its first argument."""
    used = re.search(rf"^(MW_DEFINE_\w+)\({function}\b", text, re.MULTILINE)
    if used is None:
        return None
    definition = re.search(rf"^#define {used[1]}\((\w+)(?:.*\\\n)*.*\n", text, re.MULTILINE)
    return None if definition is None else _find(definition[0], definition[1])


def _name(parameter: str) -> str:
    found = _LAST_WORD.search(parameter.strip())
    if found is None:
        raise VerifyError(f"'{parameter.strip()}' is no parameter of a kernel")
    return found[1]
