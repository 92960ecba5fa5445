# SPDX-License-Identifier: MIT
"""Runs kernels on an emulated core: each job is one counted function of a made-up model."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from milliwatt.backend.mcu.emit.arguments import is_fixed, number_literal
from milliwatt.backend.mcu.emit.literals import array_rows, c_type
from milliwatt.backend.mcu.kernel import Arg, In, Lit, Lowered, Out, Ref, Scratch, Table
from milliwatt.ir.types import Array, TensorType
from milliwatt.run.abi import ModelAbi
from milliwatt.run.build import build_firmware
from milliwatt.run.cores import find_core
from milliwatt.run.image import Firmware
from milliwatt.run.qemu_runner import run_qemu
from milliwatt.run.unicorn_runner import run_unicorn
from milliwatt.units import align_up
from tests.kernels.harness import KERNELS_DIR, Bound, Job, assert_equal, lowered, specialisation

NAME = "bench"


@dataclass(frozen=True)
class Emulated:
    """Outputs of each job, and what each took."""

    outputs: list[list[Array]]
    instructions: list[int]
    firmware: Firmware
    stack_bytes: int


def check_emulated(
    jobs: Sequence[Job],
    core: str,
    compiler: str,
    *,
    optimisation: str = "-O2",
    bound: Bound | None = None,
) -> Emulated:
    """Run the jobs on an emulator and assert that each equals its operator's reference.

    Bit for bit, or within `bound`.
    """
    result = emulate(jobs, core, compiler, optimisation=optimisation)
    where = f"{core}, {compiler} {optimisation}"
    for job, outputs in zip(jobs, result.outputs, strict=True):
        assert_equal(job, outputs, bound, where)
    return result


def emulate(
    jobs: Sequence[Job], core: str, compiler: str, *, optimisation: str = "-O2"
) -> Emulated:
    """Run jobs out of place."""
    read = [_read(lowered(job)) for job in jobs]
    abi = ModelAbi(
        NAME,
        tuple(
            _bytes(job.site.inputs[i]) for job, some in zip(jobs, read, strict=True) for i in some
        ),
        tuple(_bytes(kind) for job in jobs for kind in job.site.outputs),
        tuple(f"{NAME}_node_{i}" for i in range(len(jobs))),
        has_reset=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, f"{NAME}.c")
        source.write_text(_source(jobs))
        firmware = build_firmware(
            [source],
            abi,
            find_core(core),
            include_folders=[KERNELS_DIR],
            compiler=compiler,
            optimisation=optimisation,
        )
    sample = [
        np.ascontiguousarray(job.inputs[i])
        for job, some in zip(jobs, read, strict=True)
        for i in some
    ]
    run_model = run_qemu if find_core(core).unicorn_model is None else run_unicorn
    run = run_model(firmware, abi, [sample])
    data = iter(run.outputs[0])
    outputs = [
        [
            np.frombuffer(next(data), kind.dtype.numpy).reshape(kind.shape)
            for kind in job.site.outputs
        ]
        for job in jobs
    ]
    counts = [run.instructions_by_row[symbol][0] for symbol in abi.node_symbols]
    return Emulated(outputs, counts, firmware, run.stack_bytes)


def _read(call: Lowered) -> list[int]:
    """The inputs that the kernel reads as they stand, and not as tables made of them."""
    return sorted({a.index for a in call.args if isinstance(a, In)})


def _bytes(kind) -> int:
    return kind.elements * kind.dtype.numpy.itemsize


def _source(jobs: Sequence[Job]) -> str:
    calls_of = [lowered(job) for job in jobs]
    headers = sorted({"mw_common.h", *(job.kernel.header for job in jobs)})
    scratch = align_up(max(call.scratch_bytes for call in calls_of), 4)
    shared: dict[str, str] = {}
    ports = _Ports()
    nodes = [
        _node(i, job, call, shared, ports)
        for i, (job, call) in enumerate(zip(jobs, calls_of, strict=True))
    ]
    calls = "".join(f"    {NAME}_node_{i}();\n" for i in range(len(jobs)))
    return "\n".join(
        [
            "".join(f'#include "{h}"\n' for h in headers),
            f"static int32_t scratch[{scratch // 4}];" if scratch else "",
            *(f"static MW_NOINLINE {text}" for text in shared.values()),
            *nodes,
            f"void {NAME}_run(void);\nvoid {NAME}_run(void)\n{{\n{calls}}}\n",
        ]
    )


@dataclass
class _Ports:
    """Inputs and outputs of the made-up model given out so far."""

    inputs: int = 0
    outputs: int = 0


def _node(index: int, job: Job, call: Lowered, shared: dict[str, str], ports: _Ports) -> str:
    symbol = specialisation(job.site, call, shared)
    words = [_value(a, index) for a in call.args if not is_fixed(a)]
    lines = [_definition(t, index) for t in call.tables]
    for i in _read(call):
        lines += _buffer(f"in{index}_{i}", job.site.inputs[i], f"input_{ports.inputs}", "")
        ports.inputs += 1
    for i, kind in enumerate(job.site.outputs):
        lines += _buffer(f"out{index}_{i}", kind, f"output_{ports.outputs}", "const ")
        ports.outputs += 1
    lines += [
        f"static MW_NOINLINE void {NAME}_node_{index}(void)",
        f"{{\n    {symbol}({', '.join(words)});\n}}",
    ]
    return "\n".join(lines)


def _buffer(name: str, kind: TensorType, port: str, const: str) -> list[str]:
    """An activation and the function that gives its address."""
    return [
        f"static {c_type(kind.dtype)} {name}[{kind.elements}] __attribute__((aligned(4)));",
        f"{const}void *{NAME}_{port}(void);",
        f"{const}void *{NAME}_{port}(void) {{ return {name}; }}",
    ]


def _definition(table: Table, index: int) -> str:
    values = ", ".join(array_rows(table.data))
    return (
        f"static const {c_type(table.data.dtype)} {table.name}{index}[{table.data.size}] "
        f"__attribute__((aligned(4))) = {{{values}}};"
    )


def _value(arg: Arg, index: int) -> str:
    match arg:
        case In(i):
            return f"in{index}_{i}"
        case Out(i):
            return f"out{index}_{i}"
        case Scratch():
            return "scratch"
        case Ref(name):
            return f"{name}{index}"
        case Lit(value, _):
            return number_literal(value)
