# SPDX-License-Identifier: MIT
"""Kernels counted on emulated cores: those of networks' layers, and those of layers alone."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.predictions.layers import all_layers, is_large
from milliwatt.backend.mcu.choice.predict import family_of, features_of
from milliwatt.backend.mcu.choice.select import candidates, site_of
from milliwatt.backend.mcu.compile import core_of
from milliwatt.backend.mcu.kernel import Core, Site
from milliwatt.frontend.load import load_model
from milliwatt.hardware.model import Target
from milliwatt.run.compilers import choose_compiler
from milliwatt.run.cores import find_core
from milliwatt.tuning.measure import Workbench
from tests.kernels.emulated import emulate
from tests.kernels.harness import Job

MOST_LAYERS = 12
"""Of the layers alone, so many at most for each kernel, of all sizes."""
_JOBS = 48
_JOBS_BYTES = 512 << 10
"""Jobs of one firmware, and the bytes of their tensors."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One layer by one kernel: what it is counted by, and the instructions measured."""

    kernel: str
    family: str
    features: tuple[int, ...]
    instructions: int


def measure_network(path: Path, target: Target) -> list[Sample]:
    """Every layer of a network by each of its kernels, in networks of the one or the other."""
    bench = Workbench(load_model(path), target, "auto", "-O2", 0)
    plan, core = bench.compile({}).plan, core_of(target)
    sites = {step.node.name: site_of(plan.graph, step.node) for step in plan.steps}
    names = {node: [k.name for k in candidates(site, core)] for node, site in sites.items()}
    found: dict[tuple[str, str], int] = {}
    for at in range(max(len(some) for some in names.values())):
        kept = {node: some[at % len(some)] for node, some in names.items()}
        for part in _with_room(bench, kept, {n: some[0] for n, some in names.items()}):
            layers = bench.measure(part).layers
            found |= {(n, cost.kernel): cost.instructions for n, cost in layers.items()}
    return [_sample(kernel, sites[node], count) for (node, kernel), count in found.items()]


def _with_room(
    bench: Workbench, kept: dict[str, str], default: dict[str, str]
) -> Iterator[dict[str, str]]:
    """The choice, in halves beside the default where the target has no room for all of it."""
    changed = [node for node in kept if kept[node] != default[node]]
    if bench.has_room(bench.compile(kept)):
        yield kept
    elif len(changed) > 1:
        for half in (changed[::2], changed[1::2]):
            yield from _with_room(bench, {**default, **{n: kept[n] for n in half}}, default)


def measure_layers(name: str, core: Core) -> list[Sample]:
    """Every kernel of `core` on layers alone, counted on the core of that name."""
    jobs = _jobs(core)
    compiler = choose_compiler(find_core(name), "auto").kind
    found: list[Sample] = []
    for part in _parts(jobs):
        print(f"{name}: {len(found)} of {len(jobs)}", file=sys.stderr)
        counts = emulate(part, name, compiler).instructions
        found += [_sample(j.kernel.name, j.site, n) for j, n in zip(part, counts, strict=True)]
    return found


def _sample(kernel: str, site: Site, instructions: int) -> Sample:
    return Sample(kernel, family_of(site), features_of(site), instructions)


def _jobs(core: Core) -> list[Job]:
    """For each kernel some of the layers that it takes, from the least to the most work."""
    taken: dict[str, list[Job]] = defaultdict(list)
    for site, inputs in filter(is_large, all_layers()):
        for kernel in candidates(site, core):
            taken[kernel.name].append(Job(kernel, site, inputs))
    jobs: list[Job] = []
    for some in taken.values():
        some.sort(key=lambda job: _work(job.site))
        count = min(len(some), MOST_LAYERS)
        jobs += [some[at * len(some) // count] for at in range(count)]
    return jobs


def _work(site: Site) -> int:
    return site.op.macs(site.inputs, site.outputs) + site.inputs[0].elements


def _parts(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """The jobs, as many at a time as a firmware has room for."""
    part: list[Job] = []
    size_bytes = 0
    for job in jobs:
        needed = sum(array.nbytes for array in job.inputs)
        needed += sum(4 * y.elements for y in job.site.outputs)
        if part and (len(part) == _JOBS or size_bytes + needed > _JOBS_BYTES):
            yield part
            part, size_bytes = [], 0
        part.append(job)
        size_bytes += needed
    if part:
        yield part
