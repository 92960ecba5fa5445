# SPDX-License-Identifier: MIT
"""The problems published with MiniMalloc, read from a folder of its files.

They are `benchmarks/asplos2024/*.csv` of github.com/google/minimalloc (Apache 2.0), one buffer a
line, `start,end,size` in bytes. A file is named after the capacity that its authors reach,
`D.1048576.csv`. They are not kept here.
"""

from __future__ import annotations

import csv
from pathlib import Path

from bench.memory.instances import GRANULE_BYTES, Instance, Rows, make_problem


def read_published(folder: Path) -> list[Instance]:
    """The instances in `folder`, by name; each one's optimum is taken to be its capacity."""
    return [_instance(path) for path in sorted(folder.glob("*.csv"))]


def _instance(path: Path) -> Instance:
    name, capacity, _ = path.name.split(".")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [
            (int(row["start"]), int(row["end"]), int(row["size"])) for row in csv.DictReader(lines)
        ]
    times = sorted({time for start, end, _ in rows for time in (start, end)})
    moment = {time: index for index, time in enumerate(times)}
    kept = Rows((moment[start], moment[end], _granules(size)) for start, end, size in rows)
    return Instance(name, make_problem(kept, len(times) - 1), int(capacity) + GRANULE_BYTES)


def _granules(size_bytes: int) -> int:
    granules, rest = divmod(size_bytes, GRANULE_BYTES)
    if rest:
        raise ValueError(f"{size_bytes} is no multiple of {GRANULE_BYTES}")
    return granules
