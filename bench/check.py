# SPDX-License-Identifier: MIT
"""Running the gate: measure the networks and compare with the committed table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.gate import changes, layer_changes, verdict, why_incomparable
from bench.measure import Say, measure_suite, what_is_missing
from bench.suite import Group, Suite
from bench.tables import Tables
from milliwatt.run.compilers import choose_compiler
from milliwatt.run.cores import find_core
from tests.support import SHARED_VARIABLE


@dataclass(frozen=True, slots=True)
class Check:
    """The gate's outcome; `skipped` where this machine cannot repeat the table."""

    passed: bool
    skipped: bool
    text: str


def check_figures(suite: Suite, tables: Tables, shared: Path | None, say: Say) -> Check:
    """Measure every group that can be, and fail where a figure is worse than the committed one.

    Groups whose compiler or emulator is another here, or missing, are named and left out. Raises
    VerifyError where an output differs from the reference.
    """
    if shared is None:
        text = f"bench --check skipped: the networks are not here (set {SHARED_VARIABLE})"
        return Check(passed=True, skipped=True, text=text)
    reasons = {group.name: why_not(group, tables) for group in suite.groups}
    groups = tuple(group for group in suite.groups if reasons[group.name] is None)
    left_out = [f"{name} left out: {why}" for name, why in reasons.items() if why is not None]
    if not groups:
        return Check(
            passed=True, skipped=True, text="\n".join(["bench --check skipped", *left_out])
        )
    measured = measure_suite(suite, groups, shared, say)
    found = changes(tables.figures, [m.figures for m in measured])
    found += layer_changes(tables.layers, [layer for m in measured for layer in m.layers])
    passed, text = verdict(found)
    return Check(passed, skipped=False, text="\n".join([*left_out, text]))


def why_not(group: Group, tables: Tables) -> str | None:
    """Why the group's committed figures cannot be repeated on this machine; None where they can."""
    missing = what_is_missing(group)
    if missing is not None:
        return missing
    core = find_core(group.load_target().core)
    committed = [row for row in tables.figures if row.group == group.name]
    return why_incomparable(committed, choose_compiler(core, group.compiler).version)
