# SPDX-License-Identifier: MIT
"""Machine and workload files: what ships is sourced, what is malformed is named with its path."""

import copy
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from milliwatt.backend.dimc.load import list_machines, load_machine
from milliwatt.backend.dimc.parse import parse_machine
from milliwatt.backend.dimc.workload import list_workloads, load_workload
from milliwatt.errors import ModelError, TargetError
from tests.toml_changes import drop, put

FOLDER = resources.files("milliwatt.backend.dimc") / "machines"
CONTENT = tomllib.loads((FOLDER / "st-dimc.toml").read_text())


def test_machines_that_ship() -> None:
    assert [m.name for m in list_machines()] == ["generic-dimc", "st-dimc"]
    assert load_machine("ORLANDO") is load_machine("st-dimc")
    for machine in list_machines():
        assert all(figure.source for figure in machine.figures.values())
    basis = {path: f.basis for path, f in load_machine("st-dimc").figures.items()}
    assert basis["array.clusters"] == "published"
    assert basis["array.row_bits"] == "estimated"
    assert basis["energy.point[0].tile_tops_per_w"] == "measured"


def test_an_unknown_machine_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"unknown .* 'abacus'; known: generic-dimc, st-dimc"):
        load_machine("abacus")
    path = tmp_path / "mine.toml"
    path.write_text((FOLDER / "generic-dimc.toml").read_text().replace("generic-dimc", "mine"))
    assert load_machine(path).name == "mine"
    with pytest.raises(TargetError, match=r"absent\.toml: cannot be read"):
        load_machine(tmp_path / "absent.toml")
    path.write_text("name = ")
    with pytest.raises(TargetError, match=r"mine\.toml: is not valid TOML"):
        load_machine(path)


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "source": "test", "basis": "estimated"}


GENERIC = tomllib.loads((FOLDER / "generic-dimc.toml").read_text())
MEMORY = GENERIC["memory"]

CASES = {
    "unknown key": (put("speed", value=3), "speed is not a known key"),
    "no source": (drop("array", "rows", "source"), "array.rows.source is missing"),
    "fraction": (put("array", "rows", "value", value=1.5), "array.rows.value must be a whole"),
    "text": (put("array", "rows", "value", value="32"), "array.rows.value must be a number"),
    "uneven sub-tensors": (
        put("array", "subtensors", "value", value=3),
        "array.subtensors.value must divide row_bits",
    ),
    "falling bits": (
        put("precision", "weight_bits", value=[4, 2]),
        "precision.weight_bits must rise",
    ),
    "no bits": (put("precision", "weight_bits", value=[]), "precision.weight_bits must not be"),
    "bits of text": (
        put("precision", "weight_bits", value=[1, "2"]),
        "precision.weight_bits[1] must be an integer, not a string",
    ),
    "long chain": (
        put("interconnect", "chain_lengths", value=[1, 16]),
        "interconnect.chain_lengths has chains longer than the 8 tiles of a cluster",
    ),
    "repeated point": (
        put("operating_point", 1, "name", value="peak"),
        "operating_point[3].name repeats 'peak'",
    ),
    "no point": (drop("operating_point"), "operating_point is missing"),
    "memory beside measured energy": (
        put("memory", value=MEMORY),
        "memory counts twice what the measured [energy] holds",
    ),
    "half a compression": (
        put("compression", value={"weights": "bitmask", "source": "s", "basis": "estimated"}),
        "compression.features is missing",
    ),
    "unknown skipping": (
        put("sparsity", value={"skips": "columns", "source": "s", "basis": "estimated"}),
        "sparsity.skips is 'columns'; allowed: zero-rows",
    ),
    "slices of no bits": (
        put("precision", "input_slice_bits", value=figure(0)),
        "precision.input_slice_bits.value must be",
    ),
    "bad ladder": (
        put("energy", "point", 0, "imnpu_tops_per_w", "value", value=500),
        "energy.point[0] has an IMNPU more efficient than its tiles",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_malformed_machines(case: str) -> None:
    change, message = CASES[case]
    content = copy.deepcopy(CONTENT)
    change(content)
    with pytest.raises(TargetError) as caught:
        parse_machine(content, "my.toml")
    assert f"my.toml: {message}" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("energy", value=CONTENT["energy"]), "memory counts twice what the measured"),
        (drop("array", "feature_memory_bytes"), "memory needs array.feature_memory_bytes"),
        (drop("array", "weight_memory_bytes"), "memory.kernel_read_fj_per_bit goes with array.w"),
        (drop("memory", "tile_write_fj_per_bit"), "memory.tile_write_fj_per_bit is missing"),
        (drop("background", "leakage_w", "source"), "background.leakage_w.source is missing"),
        (put("host", "cycles_per_mac", "value", value=-1), "host.cycles_per_mac.value must be"),
    ],
)
def test_malformed_surroundings(change: Callable[[dict[str, Any]], None], message: str) -> None:
    content = copy.deepcopy(GENERIC)
    change(content)
    with pytest.raises(TargetError) as caught:
        parse_machine(content, "my.toml")
    assert f"my.toml: {message}" in str(caught.value)


def test_optional_parts_are_read() -> None:
    content = copy.deepcopy(GENERIC)
    content["precision"]["input_slice_bits"] = figure(1)
    content["sparsity"] = {"skips": "zero-rows", "source": "test", "basis": "estimated"}
    content["compression"] = {
        "weights": "none",
        "features": "bitmask",
        "source": "test",
        "basis": "estimated",
    }
    machine = parse_machine(content, "my.toml")
    assert machine.activation_slices(4) == (1, 1, 1, 1)
    assert machine.skip_zero_rows
    assert (machine.weight_coding, machine.feature_coding) == ("none", "bitmask")
    assert machine.figures["memory.feature_read_fj_per_bit"].source


def test_an_unknown_operating_point() -> None:
    with pytest.raises(TargetError, match="no operating point 'turbo'; there are: 0v525-fbb1v5"):
        load_machine("st-dimc").operating_point("turbo")


def test_workloads_that_ship() -> None:
    assert [w.name for w in list_workloads()] == ["st-vgg16-tiny", "st-yolo2-tiny"]
    assert load_workload("st-vgg16-tiny").macs == pytest.approx(1.25e9, rel=0.005)
    assert load_workload("st-yolo2-tiny").macs == pytest.approx(9.5e8, rel=0.05)


def test_malformed_workloads(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown workload 'lenet'; known: st-vgg16-tiny, st-y"):
        load_workload("lenet")
    path = tmp_path / "net.toml"
    head = 'name = "net"\nsource = "test"\n'
    layer = (
        '[[layer]]\nname = "a"\nin_channels = 4\nkernel_hw = [3, 3]\nkernels = 4\n'
        "out_hw = [8, 8]\nweight_bits = 4\nactivation_bits = 4\n"
    )
    path.write_text(head + layer + "groups = 4\nstride_hw = [2, 2]\n")
    assert load_workload(path).layers[0].kernel_elements == 9
    for text, message in (
        (head, "layer is missing"),
        (head + layer + layer, r"layer\[1\]\.name repeats 'a'"),
        (head + layer.replace("[3, 3]", "[3]"), r"layer\[0\]\.kernel_hw must be \[rows, columns\]"),
        (head + layer + "groups = 3\n", "3 groups do not divide"),
        (head + layer + "colour = 1\n", r"layer\[0\]\.colour is not a known key"),
        ("name = ", "is not valid TOML"),
    ):
        path.write_text(text)
        with pytest.raises(ModelError, match=message):
            load_workload(path)
