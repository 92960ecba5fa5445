# SPDX-License-Identifier: MIT
"""Tables of kernels beside the usual ones: measured again, no figure may be worse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from bench.tables import load_tables
from milliwatt.run.compilers import choose_compiler
from milliwatt.run.cores import find_core

OTHER_COMPILERS_SHARE = 0.01
GATED = ("instructions", "bytes")
"""How the names of fields end that hold what may not grow."""


def allowance(cores: Iterable[tuple[str, str]]) -> float:
    """How many times the committed figures may be: 1 with the compilers that made them.

    `cores` are names of cores with the compiler there; the benchmark's tables hold the versions.
    """
    known = {row.compiler for row in load_tables().figures}
    same = all(choose_compiler(find_core(core), name).version in known for core, name in cores)
    return 1.0 if same else 1.0 + OTHER_COMPILERS_SHARE


def assert_none_is_worse(
    committed: Sequence[Any], measured: Sequence[Any], times: float = 1.0
) -> None:
    """The same rows, none of whose figures is more than so many times the committed one."""
    kind = type(committed[0])
    names = [f.name for f in fields(kind) if f.type == "str"]
    figures = [f.name for f in fields(kind) if f.type == "int" and f.name.endswith(GATED)]
    before = {tuple(getattr(row, name) for name in names): row for row in committed}
    assert figures
    assert len(measured) == len(committed)
    worse = [
        f"{key}: {figure} {getattr(old, figure):,} -> {getattr(row, figure):,}"
        for row in measured
        for key in [tuple(getattr(row, name) for name in names)]
        for old in [before[key]]
        for figure in figures
        if getattr(row, figure) > times * getattr(old, figure)
    ]
    assert not worse, "\n".join(worse)
