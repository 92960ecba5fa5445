# SPDX-License-Identifier: MIT
"""Running the gate: measure the headline networks and compare with the committed table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.gate import changes, verdict, why_incomparable
from bench.measure import Say, measure_suite, what_is_missing
from bench.suite import Suite
from bench.tables import Tables
from milliwatt.hardware import load_target
from milliwatt.run.compilers import choose_compiler
from milliwatt.run.cores import find_core
from tests.support import SHARED_VARIABLE


@dataclass(frozen=True, slots=True)
class Check:
    """The gate's outcome; `skipped` where this machine cannot repeat the table."""

    passed: bool
    skipped: bool
    text: str


def check_headline(suite: Suite, tables: Tables, shared: Path | None, say: Say) -> Check:
    """Measure the headline group and fail where a figure is worse than the committed one.

    Raises VerifyError where an output differs from the reference.
    """
    reason = why_not(suite, tables, shared)
    if reason is not None or shared is None:
        return Check(passed=True, skipped=True, text=f"bench --check skipped: {reason}")
    measured = measure_suite(suite, (suite.headline,), shared, say)
    passed, text = verdict(changes(tables.figures, [m.figures for m in measured]))
    return Check(passed, skipped=False, text=text)


def why_not(suite: Suite, tables: Tables, shared: Path | None) -> str | None:
    """Why the committed table cannot be repeated on this machine; None where it can."""
    if shared is None:
        return f"the networks are not here (set {SHARED_VARIABLE})"
    group = suite.headline
    missing = what_is_missing(group)
    if missing is not None:
        return missing
    core = find_core(load_target(group.target).core)
    committed = [row for row in tables.figures if row.group == group.name]
    return why_incomparable(committed, choose_compiler(core, group.compiler).version)
