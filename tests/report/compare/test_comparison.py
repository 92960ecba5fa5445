# SPDX-License-Identifier: MIT
"""One workload on several targets: names, refusals, accuracy, and levels that only grow."""

import json
from pathlib import Path

import numpy as np
import pytest

from milliwatt.errors import DataError, FitError, OptionError, TargetError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph
from milliwatt.report.compare.candidate import Accuracy, Candidate, Quantity, Refusal, Unknown
from milliwatt.report.compare.comparison import ADAPTERS, compare, find_adapter, target_names
from milliwatt.report.compare.layers import stack_graph
from milliwatt.report.compare.workload import Workload, load_labelled, make_workload
from tests.support import REPOSITORY

IMC = ("st-dimc", "generic-dimc", "pcm-cluster", "reram-wan2022", "diana", "charge-sram-28nm")
IMAGES = REPOSITORY / "examples" / "digits_images.npy"


@pytest.fixture(scope="module")
def digits() -> Graph:
    return load_model(REPOSITORY / "examples" / "digits.mw")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ten images of the example, one for each digit in order."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, images=np.load(IMAGES), labels=np.arange(10))
    return path


@pytest.fixture(scope="module")
def workload(digits: Graph, labelled: Path) -> Workload:
    return make_workload(digits, load_labelled(labelled, digits), noise_seeds=2)


def test_names_of_all_catalogues_resolve() -> None:
    for family, names in target_names().items():
        for name in names:
            adapter, found = find_adapter(name)
            assert (adapter.family, found) == (family, name)
    assert find_adapter("ORLANDO")[1] == "st-dimc"
    assert find_adapter("f446")[1] == "nucleo-f446re"


def test_no_name_is_in_two_catalogues() -> None:
    names = [name for adapter in ADAPTERS for name in adapter.names()]
    assert len(names) == len(set(names))


def test_an_unknown_name_gets_the_nearest_of_all() -> None:
    with pytest.raises(TargetError, match=r"'st-dimk'; nearest: st-dimc"):
        find_adapter("st-dimk")
    with pytest.raises(TargetError, match="nearest: pcm-cluster"):
        find_adapter("pcm-clutser")
    with pytest.raises(TargetError, match=r"(?s)known:.*nucleo-l4r5zi.*st-dimc.*pcm-cluster"):
        find_adapter("zzzzzzzz")


def test_a_file_goes_to_the_family_whose_table_it_has(tmp_path: Path) -> None:
    import milliwatt

    package = Path(milliwatt.__file__).parent
    for folder, family in (
        ("hardware/data", "Cortex-M"),
        ("backend/dimc/machines", "digital IMC"),
        ("backend/aimc/data", "analogue IMC"),
    ):
        for path in (package / folder).glob("*.toml"):
            assert find_adapter(str(path))[0].family == family
    other = tmp_path / "other.toml"
    other.write_text("name = 'x'\n", encoding="utf-8")
    with pytest.raises(TargetError, match="no known family"):
        find_adapter(str(other))
    other.write_text("name = ", encoding="utf-8")
    with pytest.raises(TargetError, match="cannot be read as TOML"):
        find_adapter(str(other))


def test_no_targets_and_double_ones_are_refused(workload: Workload) -> None:
    with pytest.raises(TargetError, match="at least one"):
        compare(workload, [])
    with pytest.raises(TargetError, match="more than once: st-dimc"):
        compare(workload, ["st-dimc", "orlando"])


@pytest.mark.parametrize("name", IMC)
def test_levels_only_grow_and_layers_are_all_there(workload: Workload, name: str) -> None:
    (row,) = compare(workload, [name]).rows
    assert isinstance(row, Candidate)
    levels = [row.macro_energy_j, row.accelerator_energy_j, row.system_energy_j]
    known = [level.value for level in levels if isinstance(level, Quantity)]
    assert known
    assert known == sorted(known)
    assert sum(use.nodes for use in row.units) == len(workload.optimised.nodes)
    assert sum(use.macs for use in row.units) == workload.optimised.macs() == row.macs
    assert isinstance(row.latency_s, Quantity)
    low, high = row.latency_s.bounds
    assert 0 < low <= row.latency_s.value <= high
    timed = sum(use.seconds or 0.0 for use in row.units)
    assert timed == pytest.approx(row.latency_s.value)
    assert isinstance(row.utilisation, Quantity)
    assert 0 < row.utilisation.value <= 1


def test_exact_targets_have_the_references_accuracy(workload: Workload) -> None:
    (row,) = compare(workload, ["st-dimc"]).candidates
    assert isinstance(row.accuracy, Accuracy)
    assert row.accuracy == workload.exact
    assert (row.accuracy.mean, row.accuracy.spread, row.accuracy.samples) == (1.0, 0.0, 10)


def test_analogue_targets_have_one_accuracy_a_seed(workload: Workload) -> None:
    (row,) = compare(workload, ["pcm-cluster"]).candidates
    assert isinstance(row.accuracy, Accuracy)
    assert len(row.accuracy.values) == 2
    assert row.accuracy.basis == "simulated"
    again = compare(workload, ["pcm-cluster"]).candidates[0].accuracy
    assert again == row.accuracy, "the same seeds give the same chips"


def test_a_time_that_the_noise_is_not_known_at_leaves_accuracy_unknown(
    digits: Graph, labelled: Path
) -> None:
    year = make_workload(digits, load_labelled(labelled, digits), noise_seeds=1, after_s=3.2e7)
    (row,) = compare(year, ["reram-wan2022"]).candidates
    assert isinstance(row.accuracy, Unknown)
    assert "known from 1 s" in row.accuracy.reason


def test_spread_is_the_sample_standard_deviation() -> None:
    assert Accuracy((0.5, 0.7), 10, "simulated", "").spread == pytest.approx(0.1 * 2**0.5)


def test_without_samples_accuracy_is_unknown(digits: Graph) -> None:
    rows = compare(make_workload(digits), ["st-dimc", "pcm-cluster"]).candidates
    assert all(isinstance(row.accuracy, Unknown) for row in rows)


def test_who_cannot_run_it_says_why_beside_the_others() -> None:
    done = compare(make_workload(stack_graph(256, 4, 1)), ["st-dimc", "pcm-cluster"])
    (refusal,) = done.refusals
    assert refusal == Refusal("st-dimc", refusal.title, "digital IMC", refusal.reason)
    assert "chains of at most 8" in refusal.reason
    assert [row.target for row in done.candidates] == ["pcm-cluster"]
    with pytest.raises(OptionError, match="there are: pcm-cluster"):
        done.candidate("st-dimc")


def test_an_error_where_nobody_runs_it() -> None:
    with pytest.raises(FitError, match=r"(?s)no target runs.*st-dimc: layer"):
        compare(make_workload(stack_graph(256, 4, 1)), ["st-dimc"])


@pytest.mark.emulator
def test_a_board_is_compiled_and_run(digits: Graph) -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    done = compare(make_workload(digits), ["nucleo-l4r5zi", "arduino-nano-33-ble", "st-dimc"])
    board = done.candidate("nucleo-l4r5zi")
    assert isinstance(board.latency_s, Quantity)
    assert isinstance(board.system_energy_j, Quantity)
    assert isinstance(board.macro_energy_j, Unknown)
    digital = done.candidate("st-dimc").system_energy_j
    assert isinstance(digital, Quantity)
    assert board.system_energy_j.value > 20 * digital.value
    flash, sram = board.memory
    assert 0 < flash.need < (flash.have or 0)
    assert 0 < sram.need < (sram.have or 0)
    assert done.candidate("arduino-nano-33-ble").standby.high_w < float("inf")


def test_everything_known_has_a_basis_and_a_source(workload: Workload) -> None:
    done = compare(workload, IMC)
    content = json.loads(json.dumps(done.as_json()))
    assert [row["target"] for row in content["candidates"]] == list(IMC)
    for row in content["candidates"]:
        for name, value in row.items():
            if not isinstance(value, dict):
                continue
            assert value["source"] if "source" in value else value["unknown"], (row, name)
    # Garofalo et al.: 2.5 mm² with one array of 0.83 mm².
    pcm = done.candidate("pcm-cluster").area_mm2
    assert isinstance(pcm, Quantity)
    assert pcm.value == pytest.approx(2.5 + 33 * 0.83)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": "ok"}, "holds nothing beside labels"),
        ({"a": "ok", "b": "ok", "labels": "ok"}, "needs one array"),
        ({"images": "ok", "labels": "short"}, "one integer for each of the 10"),
        ({"images": "ok", "labels": "float"}, "one integer for each"),
        ({"images": "ok", "labels": "large"}, "the network has 10 classes"),
        ({"images": "double", "labels": "ok"}, "must be int8"),
        ({"images": "wide", "labels": "ok"}, "each must be int8"),
    ],
)
def test_labelled_data_that_does_not_fit_is_refused(
    digits: Graph, tmp_path: Path, arrays: dict[str, str], message: str
) -> None:
    images, labels = np.load(IMAGES), np.arange(10)
    made = {
        "ok": images,
        "double": images.astype(np.float64),
        "wide": np.repeat(images, 2, axis=2),
        "short": labels[:3],
        "float": labels.astype(np.float32),
        "large": labels + 1,
    }
    path = tmp_path / "given.npz"
    content = {k: labels if (k, v) == ("labels", "ok") else made[v] for k, v in arrays.items()}
    np.savez(path, **content)
    with pytest.raises(DataError, match=message):
        load_labelled(path, digits)


def test_damaged_and_missing_data_is_refused(digits: Graph, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        load_labelled(tmp_path / "none.npz", digits)
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(DataError, match="cannot read"):
        load_labelled(tmp_path / "bad.npz", digits)
    with pytest.raises(DataError, match="single array"):
        load_labelled(IMAGES, digits)


def test_floats_are_quantised_as_the_input_says(digits: Graph, tmp_path: Path) -> None:
    kind = digits.types[digits.inputs[0]]
    codes = np.load(IMAGES).reshape(10, *kind.shape)
    real = ((codes.astype(np.float32) - kind.zero_point) * np.float32(kind.scale)).astype(
        np.float32
    )
    path = tmp_path / "real.npz"
    np.savez(path, **{digits.inputs[0]: real, "label": np.arange(10), "other": np.zeros(3)})
    np.testing.assert_array_equal(load_labelled(path, digits).inputs, codes)


def test_samples_are_taken_evenly(workload: Workload) -> None:
    assert workload.data is not None
    assert list(workload.data.spread(4).labels) == [0, 2, 5, 7]
    assert list(workload.data.spread(100).labels) == list(range(10))


def test_noise_without_samples_is_refused(digits: Graph) -> None:
    with pytest.raises(OptionError, match="at least one"):
        make_workload(digits, noise_seeds=0)


def test_standby_that_nobody_published_is_unknown_not_zero(workload: Workload) -> None:
    done = compare(workload, IMC)
    for name in IMC:
        standby = done.candidate(name).standby
        assert standby.low_w is None
        assert standby.floor_w == 0
        assert "no standby power is published" in standby.source or "no power" in standby.source
    content = json.loads(json.dumps(done.as_json()))
    assert {row["standby"]["low_w"] for row in content["candidates"]} == {None}


def test_a_stream_is_at_least_as_fast_as_one_at_a_time(workload: Workload) -> None:
    for row in compare(workload, IMC).candidates:
        assert isinstance(row.interval_s, Quantity)
        assert isinstance(row.latency_s, Quantity)
        assert 0 < row.interval_s.value <= row.latency_s.value


def test_areas_of_machines_without_silicon_are_of_their_converters(workload: Workload) -> None:
    """10**(-0.0369·8 + 1.206) · 2**8 µm² a converter; 4 arrays of 512 columns."""
    area = compare(workload, ("charge-sram-28nm",)).candidate("charge-sram-28nm").area_mm2
    assert isinstance(area, Quantity)
    assert area.value == pytest.approx(4 * 512 * 10 ** (1.206 - 0.2952) * 256e-6)
    assert area.basis == "estimated"
