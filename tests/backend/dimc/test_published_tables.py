# SPDX-License-Identifier: MIT
"""ST's printed tables come out of the networks alone, row by row; what deviates is named."""

import csv
import time
from fractions import Fraction

import pytest

from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.placement import PlacedLayer, Placement, place
from milliwatt.backend.dimc.workload import load_workload
from tests.support import shared_file

TABLES = {"st-vgg16-tiny": "st_dimc_vgg16.csv", "st-yolo2-tiny": "st_dimc_yolo2_tiny.csv"}
CLOCK_HZ = 600e6

DEVIATING_CYCLES = {("st-vgg16-tiny", "C1_1"): 2352}
"""Eight-cluster rows that the model does not give: it says 715.5 where 2352 is printed."""
DEVIATING_UTILISATION = {("st-yolo2-tiny", "C1"): 5}
"""Printed with the 16 empty rows of the tile counted, as no other row is; the model says 11 %."""


def placed(name: str, clusters: int) -> Placement:
    return place(
        load_workload(name),
        load_machine("st-dimc"),
        mode="published",
        clusters=clusters,
        objective="one-cluster",
    )


def rows(name: str) -> list[tuple[PlacedLayer, PlacedLayer, dict[str, str]]]:
    with shared_file("reference", TABLES[name]).open() as file:
        printed = list(csv.DictReader(file))
    one, eight = placed(name, 1), placed(name, 8)
    return list(zip(one.layers, eight.layers, printed, strict=True))


@pytest.mark.parametrize("name", TABLES)
def test_layers_are_those_of_the_table(name: str) -> None:
    for item, _, printed in rows(name):
        layer = item.layer
        assert layer.name == printed["layer"]
        assert layer.kernel_bits == int(printed["kernel_bits"])
        assert layer.load_bits == 8 * int(printed["weight_bytes"])
        assert layer.input_bits == 8 * int(printed["activation_bytes"])
        assert layer.macs / 1e6 == pytest.approx(float(printed["mmacs"]), abs=0.006)


@pytest.mark.parametrize("name", TABLES)
def test_mappings(name: str) -> None:
    for item, _, printed in rows(name):
        mapping = item.mapping
        found = (mapping.stripes, mapping.chains, mapping.parallel, mapping.rounds)
        columns = ("stripes", "chains", "parallel", "kernel_rounds")
        assert found == tuple(int(printed[c]) for c in columns), item.layer.name


@pytest.mark.parametrize("name", TABLES)
def test_utilisation(name: str) -> None:
    deviating = {}
    for item, _, printed in rows(name):
        wanted = int(printed["imc_utilisation_percent"])
        if abs(100 * item.utilisation - wanted) > 0.51:
            deviating[name, item.layer.name] = wanted
            assert 100 * item.utilisation * item.row_fill == pytest.approx(wanted, abs=0.51)
    assert deviating == {k: v for k, v in DEVIATING_UTILISATION.items() if k[0] == name}


@pytest.mark.parametrize("name", TABLES)
def test_cycles(name: str) -> None:
    deviating = {}
    for one, eight, printed in rows(name):
        assert abs(one.cycles.total - int(printed["cycles_1_cluster"])) <= 1
        if abs(eight.cycles.total - int(printed["cycles_8_clusters"])) > 1:
            deviating[name, one.layer.name] = int(printed["cycles_8_clusters"])
    assert deviating == {k: v for k, v in DEVIATING_CYCLES.items() if k[0] == name}


def as_printed(name: str) -> Fraction:
    """Cycles on eight clusters, with the printed figure in the rows that deviate."""
    replaced = {row: cycles for (table, row), cycles in DEVIATING_CYCLES.items() if table == name}
    return sum(
        (replaced.get(i.layer.name, i.cycles.total) for i in placed(name, 8).layers), Fraction(0)
    )


@pytest.mark.parametrize(
    ("name", "one", "eight", "rates"),
    [
        ("st-vgg16-tiny", 865_214, 125_618, (693, 4776)),
        ("st-yolo2-tiny", 577_514, 90_598, (1039, 6623)),
    ],
)
def test_totals_and_rates(name: str, one: int, eight: int, rates: tuple[int, int]) -> None:
    assert abs(placed(name, 1).cycles - one) <= 1
    assert abs(as_printed(name) - eight) <= 1
    assert round(placed(name, 1).inferences_per_second(CLOCK_HZ)) == rates[0]
    assert round(CLOCK_HZ / float(as_printed(name))) == rates[1]


def test_vgg_is_mapped_in_a_tenth_of_a_second() -> None:
    network, machine = load_workload("st-vgg16-tiny"), load_machine("st-dimc")
    times_s = []
    for _ in range(3):
        start = time.process_time()
        place(network, machine)
        times_s.append(time.process_time() - start)
    assert min(times_s) <= 0.1
