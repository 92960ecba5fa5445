# SPDX-License-Identifier: MIT
"""Runs kernels on this machine: many calls in one C program, compiled once, under sanitizers.

Each call gets buffers of exactly its tensors' sizes, so that the address sanitizer sees every
access outside them; outputs and scratch memory begin filled with a pattern. What allocates and
calls is a file of its own, compiled without sanitizers: it would take longer than the kernels.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from milliwatt.backend.mcu import kernel as kernel_module
from milliwatt.backend.mcu.emit.arguments import argument_type, is_fixed, number_literal
from milliwatt.backend.mcu.emit.literals import c_type
from milliwatt.backend.mcu.kernel import (
    Arg,
    Core,
    In,
    Kernel,
    Lit,
    Lowered,
    Out,
    Ref,
    Scratch,
    Site,
)
from milliwatt.ir.types import Array, TensorType
from tests.cases.build import Case
from tests.sanitized import Program, build_and_run

KERNELS_DIR = Path(kernel_module.__file__).parent / "kernels"
WARNINGS = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wdouble-promotion",
    "-Wundef",
    "-Wshadow",
    "-Werror",
    "-pedantic",
)
_PLANNER_ALIGNMENT_BYTES = 4


@dataclass(frozen=True)
class Job:
    """One call: a kernel, a site, and a value for every input (constants included)."""

    kernel: Kernel
    site: Site
    inputs: Sequence[Array] = field(compare=False)


@lru_cache(maxsize=1024)
def lowered(job: Job) -> Lowered:
    """The job's call; several tests make the same ones."""
    return job.kernel.lower(job.site)


def jobs_of(kernels: Sequence[Kernel], core: Core, found: Sequence[Case], *names: str) -> list[Job]:
    """Each site with each of the kernels (or those named) that takes it on that core."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in kernels
        if kernel.supports(site, core) and (not names or kernel.name in names)
    ]


@dataclass(frozen=True)
class _Placement:
    """Output `output` put `below_bytes` under the start of input `input`, in one allocation."""

    input: int
    output: int
    below_bytes: int


@dataclass(frozen=True)
class _Call:
    """A lowered job, and where its output lies if it shares memory with an input."""

    job: Job
    lowered: Lowered
    overlap: _Placement | None = None


def run_kernel(
    kernel: Kernel, site: Site, inputs: Sequence[Array], *, cc: str = "gcc", sanitize: bool = True
) -> list[Array]:
    """The outputs of `kernel` at `site` for `inputs`, computed by compiled C."""
    return run_kernels([Job(kernel, site, inputs)], cc=cc, sanitize=sanitize)[0]


def run_kernels(
    jobs: Sequence[Job], *, cc: str = "gcc", sanitize: bool = True
) -> list[list[Array]]:
    """The outputs of each job, all compiled into one program."""
    calls = [_Call(job, lowered(job)) for job in jobs]
    return _execute(calls, cc, sanitize)


Bound = Callable[[Job], Sequence[Array | None]]
"""The error allowed to each element of each output of a job; None where it must be equal."""


def check_kernels(
    jobs: Sequence[Job], *, cc: str = "gcc", sanitize: bool = True, bound: Bound | None = None
) -> int:
    """Assert that every job equals its operator's reference; returns the number of calls made.

    Bit for bit, or within `bound`. Each job runs once with buffers apart, and once for each way in
    which the kernel lets an output overlap an input.
    """
    calls = [call for job in jobs for call in _variants(job)]
    for call, outputs in zip(calls, _execute(calls, cc, sanitize), strict=True):
        assert_equal(call.job, outputs, bound, str(call.overlap or ""))
    return len(calls)


def expected(job: Job) -> tuple[Array, ...]:
    """What the operator's reference says."""
    site = job.site
    return site.op.reference(job.inputs, site.inputs, site.outputs)


def describe(site: Site) -> str:
    """One line that identifies a site in a failure message."""
    types = ", ".join(
        f"{t} {t.quant and (t.quant.scale[:2], t.quant.zero_point[:2])}" for t in site.inputs
    )
    return f"{site.op}({types}) -> {', '.join(str(t) for t in site.outputs)}"


def assert_equal(
    job: Job, outputs: Sequence[Array], bound: Bound | None = None, where: str = ""
) -> None:
    """Fail, naming the first difference, unless these outputs are what the reference gives."""
    allowed = [None] * len(outputs) if bound is None else bound(job)
    triples = zip(outputs, expected(job), allowed, strict=True)
    for index, (got, wanted, error) in enumerate(triples):
        wanted = np.asarray(wanted)
        assert got.dtype == wanted.dtype, (job.kernel.name, got.dtype, wanted.dtype)
        if error is None:
            equal = got == wanted
        else:
            equal = np.abs(got.astype(np.float64) - wanted) <= error
        differ = np.flatnonzero(~equal)
        if differ.size:
            first = int(differ[0])
            pytest.fail(
                f"{job.kernel.name} {describe(job.site)} {where}: output "
                f"{index} differs at {differ.size} of {got.size} elements, first {first}: "
                f"{got.reshape(-1)[first]}, reference {wanted.reshape(-1)[first]}"
            )


def _variants(job: Job) -> list[_Call]:
    call = lowered(job)
    calls = [_Call(job, call)]
    for overlap in call.overlaps:
        input_bytes = _buffer_bytes(job.site.inputs[overlap.input])
        output_bytes = _buffer_bytes(job.site.outputs[overlap.output])
        least = _round_up(overlap.gap_bytes)
        places = {least, least + 4, least + _round_up(input_bytes // 2)}
        exact = {overlap.gap_bytes + k * overlap.step_bytes for k in range(4)}
        for below in sorted(exact if overlap.exact else places):
            if below < output_bytes:
                place = _Placement(overlap.input, overlap.output, below)
                calls.append(_Call(job, call, place))
    return calls


def _round_up(size_bytes: int) -> int:
    return -(-size_bytes // _PLANNER_ALIGNMENT_BYTES) * _PLANNER_ALIGNMENT_BYTES


def _buffer_bytes(kind: TensorType) -> int:
    return kind.elements * kind.dtype.numpy.itemsize


def _execute(calls: Sequence[_Call], cc: str, sanitize: bool) -> list[list[Array]]:
    if not calls:
        return []
    if shutil.which(cc) is None:
        pytest.skip(f"needs {cc}: apt-get install {cc}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, result = folder / "in.bin", folder / "out.bin"
        data.write_bytes(b"".join(_input_bytes(call) for call in calls))
        program = _program(calls, folder, cc, sanitize)
        done = build_and_run(program, str(data), str(result))
        if done.returncode != 0:
            pytest.fail(_blame(calls, done.stdout.decode(), done.stderr.decode()))
        return _read_outputs(calls, result.read_bytes())


def _program(calls: Sequence[_Call], folder: Path, cc: str, sanitize: bool) -> Program:
    kernels, driver = folder / "kernels.c", folder / "driver.c"
    texts = _sources(calls)
    for file, text in zip((kernels, driver), texts, strict=True):
        file.write_text(text)
    flags = (*WARNINGS, f"-I{KERNELS_DIR}")
    return Program(
        cc, flags, (kernels,), (driver,), folder / "program", () if sanitize else ("-O2",)
    )


def _blame(calls: Sequence[_Call], printed: str, errors: str) -> str:
    started = printed.split()
    which = calls[int(started[-1])] if started else None
    where = "" if which is None else f"{which.job.kernel.name} {describe(which.job.site)}"
    return f"{where} {which and which.overlap}\n{errors[-6000:]}"


def _input_bytes(call: _Call) -> bytes:
    inputs = zip(call.job.inputs, call.job.site.inputs, strict=True)
    parts = [np.ascontiguousarray(a, dtype=t.dtype.numpy).tobytes() for a, t in inputs]
    parts += [np.ascontiguousarray(t.data).tobytes() for t in call.lowered.tables]
    return b"".join(parts)


def _read_outputs(calls: Sequence[_Call], data: bytes) -> list[list[Array]]:
    results: list[list[Array]] = []
    position = 0
    for call in calls:
        outputs: list[Array] = []
        for kind in call.job.site.outputs:
            size = _buffer_bytes(kind)
            flat = np.frombuffer(data, kind.dtype.numpy, kind.elements, position)
            outputs.append(flat.reshape(kind.shape))
            position += size
        results.append(outputs)
    assert position == len(data)
    return results


_PRELUDE = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *allocate(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (p == NULL) {
        exit(3);
    }
    memset(p, 0xA5, size);
    return p;
}

static void *load(FILE *in, void *to, size_t size)
{
    if (fread(to, 1, size, in) != size) {
        exit(4);
    }
    return to;
}

static void save(FILE *out, const void *from, size_t size)
{
    if (fwrite(from, 1, size, out) != size) {
        exit(5);
    }
}
"""


def _sources(calls: Sequence[_Call]) -> tuple[str, str]:
    """The kernels with their fixed literals; and the program that calls them."""
    headers = sorted({"mw_common.h", *(call.job.kernel.header for call in calls)})
    shared: dict[str, str] = {}
    bodies = [_call_function(i, call, shared) for i, call in enumerate(calls)]
    steps = "".join(
        f'    printf("{i}\\n");\n    fflush(stdout);\n    call_{i}(in, out);\n'
        for i in range(len(calls))
    )
    declared = [text.partition("\n")[0] + ";" for text in shared.values()]
    kernels = ["".join(f'#include "{h}"\n' for h in headers), *declared, *shared.values()]
    driver = [
        _PRELUDE,
        *declared,
        *bodies,
        "int main(int argc, char **argv)\n{\n"
        '    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;\n'
        '    FILE *out = argc == 3 ? fopen(argv[2], "wb") : NULL;\n'
        "    if (in == NULL || out == NULL) {\n        return 2;\n    }\n"
        f"{steps}    fclose(in);\n    return fclose(out);\n}}\n",
    ]
    return "\n".join(kernels), "\n".join(driver)


def _call_function(index: int, call: _Call, shared: dict[str, str]) -> str:
    site, lowered = call.job.site, call.lowered
    symbol = specialisation(site, lowered, shared)
    lines = [f"static void call_{index}(FILE *in, FILE *out)", "{"]
    overlap, allocated = call.overlap, list[str]()
    for i, kind in enumerate(site.inputs):
        size, name = _buffer_bytes(kind), c_type(kind.dtype)
        if overlap is not None and overlap.input == i:
            whole = max(overlap.below_bytes + size, _buffer_bytes(site.outputs[overlap.output]))
            lines.append(f"    uint8_t *block = allocate({whole});")
            lines.append(f"    {name} *in{i} = (void *)(block + {overlap.below_bytes});")
            allocated.append("block")
        else:
            lines.append(f"    {name} *in{i} = allocate({size});")
            allocated.append(f"in{i}")
        lines.append(f"    load(in, in{i}, {size});")
    for table in lowered.tables:
        size, name = table.data.nbytes, c_type(table.data.dtype)
        lines.append(f"    {name} *table_{table.name} = load(in, allocate({size}), {size});")
        allocated.append(f"table_{table.name}")
    for o, kind in enumerate(site.outputs):
        if overlap is not None and overlap.output == o:
            lines.append(f"    {c_type(kind.dtype)} *out{o} = (void *)block;")
        else:
            lines.append(f"    {c_type(kind.dtype)} *out{o} = allocate({_buffer_bytes(kind)});")
            allocated.append(f"out{o}")
    lines.append(f"    void *scratch = allocate({lowered.scratch_bytes});")
    words = [_value(a) for a in lowered.args if not is_fixed(a)]
    lines.append(f"    {symbol}({', '.join(words)});")
    lines += [f"    save(out, out{o}, {_buffer_bytes(t)});" for o, t in enumerate(site.outputs)]
    lines += [f"    free({name});" for name in [*allocated, "scratch"]]
    return "\n".join([*lines, "}", ""])


def specialisation(site: Site, lowered: Lowered, shared: dict[str, str]) -> str:
    """The function with this call's fixed literals bound, as generated code shares it.

    `shared` holds the definitions so far, without linkage, by what follows their names.
    """
    parameters: list[str] = []
    words: list[str] = []
    for i, arg in enumerate(lowered.args):
        if isinstance(arg, Lit) and arg.fixed:
            words.append(number_literal(arg.value))
        else:
            parameters.append(f"{argument_type(arg, lowered, site.inputs, site.outputs)}a{i}")
            words.append(f"a{i}")
    key = f"({', '.join(parameters)})\n{{\n    {lowered.function}({', '.join(words)});\n}}\n"
    if key not in shared:
        shared[key] = f"void special_{len(shared)}{key}"
    return shared[key].split("(")[0].split()[-1]


def _value(arg: Arg) -> str:
    match arg:
        case In(index):
            return f"in{index}"
        case Out(index):
            return f"out{index}"
        case Scratch():
            return "scratch"
        case Ref(name):
            return f"table_{name}"
        case Lit(value, _):
            return number_literal(value)
