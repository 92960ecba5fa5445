# SPDX-License-Identifier: MIT
"""Proof that a compiled model does what its graph means: run it on a core and compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from milliwatt.backend.mcu.compile import Compiled
from milliwatt.backend.mcu.planning.plan import Step
from milliwatt.errors import DataError, OptionError, VerifyError
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run, trace
from milliwatt.ir.types import Array, TensorType
from milliwatt.run.abi import ModelAbi, PushedRows
from milliwatt.run.build import build_firmware
from milliwatt.run.cache import scratch_folder
from milliwatt.run.cores import find_core
from milliwatt.run.image import Firmware
from milliwatt.run.measurement import Measurement
from milliwatt.run.samples import Port, Sample
from milliwatt.run.stream_difference import first_stream_difference

if TYPE_CHECKING:
    from milliwatt.run.unicorn_machine import UnicornMachine

FLOAT_TOLERANCE = 1e-4
"""Largest allowed difference of a float32 output, relative to the largest value of its tensor.

The reference sums in double, the C in float32 and in another order. On MLPerf Tiny's float networks
they differ by 2e-6 at most; a wrong weight, bias or activation shows far above 1e-4. Integers
that are computed from floats must equal all the same.
"""

Emulator = Literal["unicorn", "qemu"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """A run whose every output equals the reference (float32 outputs: within FLOAT_TOLERANCE)."""

    samples: int
    firmware: Firmware
    measurement: Measurement


def choose_emulator(core_name: str, wanted: str = "auto") -> Emulator:
    """`wanted`, or for "auto" Unicorn where it emulates the core, else QEMU.

    OptionError where `wanted` is neither "auto" nor an emulator.
    """
    match wanted:
        case "auto":
            return "unicorn" if find_core(core_name).unicorn_model is not None else "qemu"
        case "unicorn" | "qemu":
            return wanted
        case _:
            raise OptionError(f"unknown emulator '{wanted}'; there are: auto, unicorn, qemu")


def ports_of(graph: Graph) -> list[Port]:
    """The inputs of `graph` as samples need to match them."""
    return [Port(v, graph.types[v].dtype, graph.types[v].shape) for v in graph.inputs]


def abi_of(compiled: Compiled) -> ModelAbi:
    """The C functions of a compiled model."""
    graph = compiled.plan.graph
    return ModelAbi(
        name=compiled.plan.name,
        input_bytes=tuple(_stored_bytes(graph.types[v]) for v in graph.inputs),
        output_bytes=tuple(_stored_bytes(graph.types[v]) for v in graph.outputs),
        node_symbols=compiled.node_symbols,
        overhead_symbols=compiled.stream_symbols,
        pushed=_pushed(compiled),
    )


def _pushed(compiled: Compiled) -> PushedRows | None:
    if not compiled.plan.fed:
        return None
    kind = compiled.plan.graph.types[compiled.plan.graph.inputs[0]]
    return PushedRows(kind.shape[1], _stored_bytes(kind) // kind.shape[1])


def _stored_bytes(kind: TensorType) -> int:
    return kind.elements * kind.dtype.numpy.itemsize


def build_compiled(
    compiled: Compiled, *, compiler: str = "auto", optimisation: str | None = None
) -> Firmware:
    """Compile and link the generated C for the target's core.

    `optimisation` None is the objective's: -Os for flash, else -O2.
    """
    name = compiled.plan.name
    with scratch_folder() as folder:
        for file_name, text in compiled.files.items():
            (folder / file_name).write_text(text, encoding="utf-8")
        return build_firmware(
            [folder / f"{name}.c", folder / f"{name}_weights.c"],
            abi_of(compiled),
            find_core(compiled.target.core),
            include_folders=[folder],
            compiler=compiler,
            optimisation=optimisation or compiled.plan.objective.optimisation,
        )


def verify_compiled(
    compiled: Compiled,
    firmware: Firmware,
    samples: Sequence[Sample],
    *,
    emulator: Emulator = "unicorn",
    progress: Progress | None = None,
) -> Verification:
    """Run `samples` as consecutive calls on the emulated core; compare every output (see `agree`).

    Raises VerifyError naming the sample and the first layer whose output differs, DataError
    without samples.
    """
    if not samples:
        raise DataError("verification needs at least one sample")
    expected = reference_outputs(compiled.source, samples, progress)
    measurement = measure(firmware, abi_of(compiled), samples, emulator)
    for index, (wanted, got) in enumerate(zip(expected, measurement.outputs, strict=True)):
        for value, array, data in zip(compiled.source.outputs, wanted, got, strict=True):
            actual = np.frombuffer(data, array.dtype).reshape(array.shape)
            if not agree(actual, array):
                where = first_difference(compiled, firmware, samples[: index + 1])
                raise VerifyError(
                    f"sample {index}, output '{value}': {_differs(actual, array)}\n{where}"
                )
    return Verification(len(samples), firmware, measurement)


def reference_outputs(
    graph: Graph, samples: Sequence[Sample], progress: Progress | None = None
) -> list[tuple[Array, ...]]:
    """Outputs of the integer reference for consecutive calls, state carried along."""
    results: list[tuple[Array, ...]] = []
    states: Mapping[str, Array] | None = None
    for index, sample in enumerate(samples):
        if progress is not None:
            progress(f"reference: sample {index + 1} of {len(samples)}")
        result = run(graph, sample, states)
        states = result.states
        results.append(result.outputs)
    return results


def agree(actual: Array, expected: Array) -> bool:
    """Equality for integers; for float32 a difference within FLOAT_TOLERANCE.

    NaN and infinities must stand in the same places.
    """
    if expected.dtype != np.float32:
        return bool(np.array_equal(actual, expected))
    finite = np.isfinite(expected)
    if not np.array_equal(actual[~finite], expected[~finite], equal_nan=True):
        return False
    wanted, got = expected[finite].astype(np.float64), actual[finite].astype(np.float64)
    bound = FLOAT_TOLERANCE * max(float(np.abs(wanted).max(initial=0.0)), 1e-6)
    return bool(np.all(np.abs(got - wanted) <= bound))


def _differs(actual: Array, expected: Array) -> str:
    different = np.flatnonzero(actual.reshape(-1) != expected.reshape(-1))
    at = int(different[0])
    return (
        f"{different.size} of {expected.size} values differ; at {at} the core has "
        f"{actual.reshape(-1)[at]}, the reference {expected.reshape(-1)[at]}"
    )


def measure(
    firmware: Firmware, abi: ModelAbi, samples: Sequence[Sample], emulator: Emulator
) -> Measurement:
    """Run `samples` as consecutive calls on an emulator."""
    if emulator == "qemu":
        from milliwatt.run.qemu_runner import run_qemu

        return run_qemu(firmware, abi, samples, reset_each=False)
    from milliwatt.run.unicorn_runner import run_unicorn

    return run_unicorn(firmware, abi, samples, reset_each=False)


def first_difference(compiled: Compiled, firmware: Firmware, samples: Sequence[Sample]) -> str:
    """Run the layers one by one on the last of `samples` and say which one differs first."""
    core = firmware.core
    if core.unicorn_model is None:
        return f"which layer is unknown: only Unicorn runs single layers, and has no {core.name}"
    from milliwatt.run.unicorn_machine import UnicornMachine

    machine = UnicornMachine(firmware)
    abi = abi_of(compiled)
    machine.call(abi.reset_symbol)
    inputs = [machine.call(symbol) for symbol in abi.input_symbols]
    states: Mapping[str, Array] | None = None
    placed = [_as_placed(compiled, sample) for sample in samples]
    for index, sample in enumerate(placed):
        for address, array in zip(inputs, sample, strict=True):
            machine.write(address, array.tobytes())
        if index + 1 < len(placed):
            machine.call(abi.run_symbol)
            states = run(compiled.plan.graph, sample, states).states
    values = trace(compiled.plan.graph, placed[-1], states)
    done: set[int] = set()
    for step, symbol in zip(compiled.plan.steps, compiled.node_symbols, strict=True):
        if step.stream is not None:
            if step.stream not in done:
                done.add(step.stream)
                found = first_stream_difference(machine, compiled, step.stream, values, agree)
                if found is not None:
                    return found
            continue
        machine.call(symbol)
        for value in step.node.outputs:
            actual = _read_value(machine, compiled, value)
            if not agree(actual, values[value]):
                return _blame(step, symbol, value, _differs(actual, values[value]))
    return "every layer run alone agrees: the difference is between the passes and the model"


def _as_placed(compiled: Compiled, sample: Sample) -> Sample:
    """The sample in the shapes of the graph that was placed; pushed rows may be of another."""
    graph = compiled.plan.graph
    return tuple(
        array.reshape(graph.types[v].shape) for v, array in zip(graph.inputs, sample, strict=True)
    )


def _blame(step: Step, symbol: str, value: str, difference: str) -> str:
    return (
        f"first layer that differs: '{step.node.name}' ({step.node.op.kind}, kernel "
        f"{step.kernel}, function {symbol}), value '{value}': {difference}"
    )


def _read_value(machine: UnicornMachine, compiled: Compiled, value: str) -> Array:
    place = compiled.plan.places[value]
    kind = compiled.plan.graph.types[value]
    address = machine.firmware.find_symbol(place.region).address + place.offset_bytes
    data = machine.read(address, _stored_bytes(kind))
    return np.frombuffer(data, kind.dtype.numpy).reshape(kind.shape)
