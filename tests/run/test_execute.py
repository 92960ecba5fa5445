# SPDX-License-Identifier: MIT
"""`run_project`: the Python twin of `milliwatt run`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import milliwatt as mw
from milliwatt.run.project import Project
from tests.backend.mcu.networks import delay_line, residual


def written(graph: mw.Graph, folder: Path) -> Path:
    compiled = mw.compile_graph(graph, mw.load_target("nucleo-l4r5zi"), "net")
    mw.write_folder(folder, compiled.files, marker="milliwatt.json")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return mw.load_project(written(residual(), tmp_path / "out"))


@pytest.mark.parametrize("place", ["host", "unicorn"])
def test_outputs_are_the_reference_s(tmp_path: Path, place: str) -> None:
    graph = delay_line()
    folder = written(graph, tmp_path / "out")
    samples = mw.random_samples(mw.ports_of(graph), 3, seed=4)
    done = mw.run_project(folder, samples, on=place)
    states = None
    for sample, outputs in zip(samples, done.outputs, strict=True):
        wanted = mw.run_graph(graph, sample, states)
        states = wanted.states
        for got, array in zip(outputs, wanted.outputs, strict=True):
            np.testing.assert_array_equal(got, array)
    assert (done.measurement is None) is (place == "host")


def test_counts_come_from_the_emulator(project: Project) -> None:
    measured = mw.run_project(project, mw.random_samples(project.inputs, 2, seed=0)).measurement
    assert measured is not None
    assert len(measured.instructions) == 2
    assert {node.symbol for node in project.nodes} < set(measured.instructions_by_row)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((), "sample 0 has 0 arrays; the model needs 1"),
        ((np.zeros((1, 6, 6, 3), np.uint8),), "sample 0 holds uint8[1,6,6,3] for input 'x' (int8"),
        ((np.zeros((1, 3, 6, 6), np.int8),), "sample 0 holds int8[1,3,6,6] for input 'x' (int8["),
    ],
)
def test_samples_that_do_not_match(
    project: Project, arrays: tuple[np.ndarray, ...], message: str
) -> None:
    with pytest.raises(mw.MilliwattError) as caught:
        mw.run_project(project, [arrays])
    assert str(caught.value).startswith(message)


def test_unknown_places_and_folders(project: Project, tmp_path: Path) -> None:
    with pytest.raises(
        mw.MilliwattError, match=r"^cannot run on 'moon'; there are: auto, unicorn, qemu, host$"
    ):
        mw.run_project(project, [], on="moon")
    with pytest.raises(mw.MilliwattError, match="not a folder that `milliwatt compile` wrote"):
        mw.run_project(tmp_path, [])
