# SPDX-License-Identifier: MIT
"""One workload on several targets, whatever their family, side by side."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from milliwatt.errors import (
    FitError,
    TargetError,
    UnknownFigureError,
    UnsupportedError,
    reason_of,
)
from milliwatt.report.compare import aimc, dimc, mcu
from milliwatt.report.compare.candidate import Candidate, Comparison, Family, Refusal
from milliwatt.report.compare.workload import Workload


@dataclass(frozen=True, slots=True)
class Adapter:
    """How a family of targets becomes candidates; one entry of `ADAPTERS` is all a family needs."""

    family: Family
    names: Callable[[], Mapping[str, str]]
    """Names and aliases, with the name each stands for."""
    title: Callable[[str], str]
    assess: Callable[[Workload, str], Candidate]
    mark: str
    """A table or key that only this family's .toml files have at their top."""


ADAPTERS = (
    Adapter("Cortex-M", mcu.names, mcu.title, mcu.assess, "core"),
    Adapter("digital IMC", dimc.names, dimc.title, dimc.assess, "array"),
    Adapter("analogue IMC", aimc.names, aimc.title, aimc.assess, "crossbar"),
)


def target_names() -> dict[Family, tuple[str, ...]]:
    """The names of all catalogues, aliases left out."""
    return {a.family: tuple(sorted(set(a.names().values()))) for a in ADAPTERS}


def find_adapter(name: str) -> tuple[Adapter, str]:
    """Who knows the target of that name, and the name it has there; .toml files by their content.

    TargetError with the nearest names of all catalogues where nobody does.
    """
    if name.endswith(".toml"):
        return _by_content(name), name
    wanted = name.strip().lower()
    for adapter in ADAPTERS:
        if wanted in adapter.names():
            return adapter, adapter.names()[wanted]
    raise TargetError(_unknown(wanted))


def compare(
    workload: Workload, targets: Sequence[str], progress: Callable[[str], None] | None = None
) -> Comparison:
    """Every target's candidate for the workload, or its refusal, in the order given.

    TargetError where a name is unknown or given twice; FitError where no target runs it.
    """
    found = [find_adapter(name) for name in targets]
    _check(found)
    rows: list[Candidate | Refusal] = []
    for adapter, name in found:
        if progress is not None:
            progress(f"{name} ({adapter.family})")
        rows.append(assess(workload, adapter, name))
    if all(isinstance(row, Refusal) for row in rows):
        reasons = "\n".join(f"{r.target}: {r.reason}" for r in rows if isinstance(r, Refusal))
        raise FitError(f"no target runs '{workload.source.name}':\n{reasons}")
    graph = workload.optimised
    return Comparison(graph.name, graph.macs(), graph.parameter_bytes(), tuple(rows))


def assess(workload: Workload, adapter: Adapter, name: str) -> Candidate | Refusal:
    """The candidate, or why the target cannot run the workload."""
    try:
        return adapter.assess(workload, name)
    except (FitError, UnsupportedError, UnknownFigureError) as error:
        return Refusal(name, adapter.title(name), adapter.family, str(error))


def _check(found: Sequence[tuple[Adapter, str]]) -> None:
    names = [name for _, name in found]
    if not names:
        raise TargetError("no targets to compare; name at least one")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TargetError(f"named more than once: {', '.join(twice)}")


def _by_content(path: str) -> Adapter:
    """The family whose mark the file has; the family's own loader says what is wrong in it."""
    import tomllib

    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise TargetError(f"{path}: cannot be read as TOML: {reason_of(error)}") from error
    for adapter in ADAPTERS:
        if adapter.mark in content:
            return adapter
    marks = ", ".join(f"'{a.mark}' ({a.family})" for a in ADAPTERS)
    raise TargetError(f"{path}: describes no known family of targets; each has one of: {marks}")


def _unknown(wanted: str) -> str:
    owner = {alias: name for a in ADAPTERS for alias, name in a.names().items()}
    near = difflib.get_close_matches(wanted, owner, n=4, cutoff=0.5)
    suggestions = list(dict.fromkeys(owner[match] for match in near))
    if suggestions:
        return f"unknown target '{wanted}'; nearest: {', '.join(suggestions)}"
    lines = [f"  {family}: {', '.join(names)}" for family, names in target_names().items()]
    return "\n".join([f"unknown target '{wanted}'; known:", *lines])
