# SPDX-License-Identifier: MIT
"""Running a generated project: built where it is asked to run, outputs as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from milliwatt.errors import OptionError
from milliwatt.run.build import build_firmware
from milliwatt.run.cores import find_core
from milliwatt.run.host import build_host, run_host
from milliwatt.run.measurement import Measurement
from milliwatt.run.project import Project, load_project
from milliwatt.run.samples import Sample, check_samples
from milliwatt.run.verify import choose_emulator, measure

PLACES = ("auto", "unicorn", "qemu", "host")
"""Where a project runs: an emulator, chosen or named, or this machine."""


@dataclass(frozen=True, slots=True)
class ProjectRun:
    """Arrays of each sample's outputs; counts and stack where an emulator ran it, not the host."""

    project: Project
    outputs: tuple[Sample, ...]
    measurement: Measurement | None


def run_project(
    project: Project | str | Path,
    samples: Sequence[Sample],
    *,
    on: str = "auto",
    compiler: str = "auto",
) -> ProjectRun:
    """Build a project, or the one in a folder, and run `samples` as consecutive calls.

    `on` is "auto" (Unicorn where it has the core, else QEMU), "unicorn", "qemu" or "host"; the
    state of a streaming model goes from one sample to the next. `load_samples` makes samples from
    a file, `random_samples` without one, both for `project.inputs`. Raises OptionError where the
    folder is no project or `on` no such place, DataError for samples of other types or shapes,
    ToolchainError and EmulationError.
    """
    if on not in PLACES:
        raise OptionError(f"cannot run on '{on}'; there are: {', '.join(PLACES)}")
    if not isinstance(project, Project):
        project = load_project(project)
    check_samples(samples, project.inputs)
    if on == "host":
        program = build_host(
            project.sources, project.abi, include_folders=[project.folder], compiler=compiler
        )
        raw, measured = run_host(program, samples, reset_each=False), None
    else:
        emulator = choose_emulator(project.core, on)
        firmware = build_firmware(
            project.sources,
            project.abi,
            find_core(project.core),
            include_folders=[project.folder],
            compiler=compiler,
        )
        measured = measure(firmware, project.abi, samples, emulator)
        raw = measured.outputs
    return ProjectRun(project, tuple(project.decode(row) for row in raw), measured)
