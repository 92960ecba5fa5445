# SPDX-License-Identifier: MIT
"""Imports point one way, and starting the program loads nothing heavy."""

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY

PACKAGE = REPOSITORY / "src" / "milliwatt"

# Each part may import its own tier and the tiers before it.
TIERS = (
    {"errors", "units", "output", "figures"},
    {"ir", "ops", "quant"},
    {"passes", "frontend", "hardware"},
    {"backend"},
    {"run"},
    {"task", "train", "search", "compress", "learn"},
    {"report"},
    {"demo", "tuning"},
    {"cli", "__init__", "__main__"},
)
TIER = {part: tier for tier, parts in enumerate(TIERS) for part in parts}

HEAVY = (
    *("torch", "ortools", "matplotlib", "onnx", "onnxruntime", "pandas", "scipy", "sklearn"),
    *("unicorn", "ziglang", "elftools", "tflite_micro", "ai_edge_litert"),
)
LIMIT_S = 0.3

SOURCES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the part of this package of every import in a file, lazy ones included."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            head, _, tail = name.partition(".")
            if head == "milliwatt":
                yield node.lineno, tail.partition(".")[0] or "__init__"


def run_python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    assert part_of(path) in TIER, f"{part_of(path)} is new: give it a tier in TIERS"
    own = TIER[part_of(path)]
    wrong = [
        f"line {line}: {part_of(path)} imports {part}"
        for line, part in imported_parts(path)
        if TIER.get(part, TIER["__init__"]) > own
    ]
    assert not wrong


@pytest.mark.parametrize("module", ["milliwatt", "milliwatt.cli.verbs"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    loaded = set(run_python("-c", f"import sys, {module}; print(*sys.modules)").split())
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    "arguments", [("-c", "import milliwatt"), ("-m", "milliwatt", "--help")], ids=["import", "help"]
)
def test_starting_is_quick(arguments: tuple[str, ...]) -> None:
    """Processor time, the best of five: what else the machine does must not decide."""
    times_s: list[float] = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run_python(*arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times_s.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(times_s) < LIMIT_S
