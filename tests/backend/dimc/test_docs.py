# SPDX-License-Identifier: MIT
"""The figures in docs/dimc.md are those of the code."""

import pytest

from milliwatt.backend.dimc.cycles import Mode
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.mapper import Objective
from milliwatt.backend.dimc.placement import place
from milliwatt.backend.dimc.workload import load_workload
from tests.support import REPOSITORY

PAGE = (REPOSITORY / "docs" / "dimc.md").read_text(encoding="utf-8")
MODES: tuple[Mode, ...] = ("published", "packed", "row-serial")


def cycles(name: str, mode: Mode, clusters: int, objective: Objective) -> str:
    placement = place(
        load_workload(name),
        load_machine("st-dimc"),
        mode=mode,
        clusters=clusters,
        objective=objective,
    )
    return f"{float(placement.cycles):,.0f}"


@pytest.mark.parametrize("title", ["VGG16-tiny", "YOLO2-tiny"])
@pytest.mark.parametrize("clusters", [1, 8])
def test_the_table_of_cycles(title: str, clusters: int) -> None:
    name = f"st-{title.lower()}"
    cells = [cycles(name, mode, clusters, "one-cluster") for mode in MODES]
    assert f"| {title} | {clusters} | {' | '.join(cells)} |" in PAGE


@pytest.mark.parametrize("title", ["VGG16-tiny", "YOLO2-tiny"])
def test_the_faster_mappings(title: str) -> None:
    found = cycles(f"st-{title.lower()}", "published", 8, "all-clusters")
    assert f"{title} {found}" in PAGE.replace("\n  ", " ")
