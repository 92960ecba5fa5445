# SPDX-License-Identifier: MIT
"""Layers measured by one kernel each: what the tables of kernels beside the usual ones share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.kernels.alternatives_page import Row
from milliwatt.backend.mcu.kernel import Core, Kernel
from tests.cases.build import Case
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job


@dataclass(frozen=True)
class Entry:
    """A row to be measured."""

    group: str
    layer: str
    weights: str
    job: Job


def first_job(kernels: Sequence[Kernel], case: Case, core: Core) -> Job:
    """The case by the first of the kernels that takes it on that core."""
    site, inputs = case
    return Job(next(k for k in kernels if k.supports(site, core)), site, inputs)


def bell(case: Case, spread: float) -> Case:
    """The case with weights of a Laplace distribution."""
    site, inputs = case
    drawn = np.random.default_rng(1).laplace(0, spread, inputs[1].shape)
    weights = np.clip(np.round(drawn), -127, 127).astype(np.int8)
    return replace(site, constants=(None, weights, inputs[2])), [inputs[0], weights, inputs[2]]


def table_bytes(job: Job) -> int:
    """Weights, biases and constants of the kernel; not code."""
    return sum(int(table.data.nbytes) for table in job.kernel.lower(job.site).tables)


def job_macs(job: Job) -> int:
    """Multiplications of the layer, those with zero weights included."""
    return job.site.op.macs(job.site.inputs, job.site.outputs)


def measure_entries(entries: Sequence[Entry], core: str) -> list[Row]:
    """A row for each, counted on the emulated core, outputs compared with the reference."""
    return [
        _row(entry, check_emulated([entry.job], core, "gcc").instructions[0]) for entry in entries
    ]


def _row(entry: Entry, instructions: int) -> Row:
    job = entry.job
    return Row(
        group=entry.group,
        layer=entry.layer,
        weights=entry.weights,
        kernel=job.kernel.name,
        macs=job_macs(job),
        instructions=instructions,
        flash_bytes=table_bytes(job),
        scratch_bytes=job.kernel.lower(job.site).scratch_bytes,
    )
