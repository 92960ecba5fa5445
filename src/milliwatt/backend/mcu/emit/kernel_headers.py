# SPDX-License-Identifier: MIT
"""The kernels' headers that a generated source needs."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_INCLUDE = re.compile(r'^#include "(mw_[a-z0-9_]+\.h)"', re.MULTILINE)


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
