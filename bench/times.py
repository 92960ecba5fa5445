# SPDX-License-Identifier: MIT
"""How long milliwatt itself takes: times of this machine, reported and never asserted."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import Say
from bench.rows import Time
from bench.suite import Suite

RUNS = 3
COMPILE_GOAL_SECONDS = 3.0
HELP_GOAL_SECONDS = 0.3
HELP = "milliwatt --help"


def measure_times(suite: Suite, shared: Path, say: Say) -> list[Time]:
    """The command line's help, and a compilation of every network, without the C compiler."""
    machine = describe_machine()
    times = [Time(HELP, _shortest(["--help"]), HELP_GOAL_SECONDS, machine)]
    with tempfile.TemporaryDirectory(prefix="milliwatt-") as folder:
        for model in suite.models:
            path = shared / model.file
            if not path.is_file():
                continue
            words = ["compile", str(path), "--target", suite.headline.target, "-o"]
            seconds = _shortest([*words, str(Path(folder) / model.key)])
            times.append(Time(model.key, seconds, COMPILE_GOAL_SECONDS, machine))
    for entry in times:
        say(f"{entry.what}: {entry.seconds:.2f} s")
    return times


def _shortest(words: list[str]) -> float:
    return min(_seconds([sys.executable, "-m", "milliwatt", *words]) for _ in range(RUNS))


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def describe_machine() -> str:
    """Processor and number of cores."""
    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line)
    return next(names, platform.machine())
