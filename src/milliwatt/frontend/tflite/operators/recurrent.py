# SPDX-License-Identifier: MIT
"""Operators with memory: SVDF, the fused LSTM, and resource variables."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.names import sanitise
from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.call import Call
from milliwatt.frontend.tflite.operators.weights import refuse_hybrid, zero_bias
from milliwatt.frontend.tflite.states import Key
from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.base import Op
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm


def svdf(call: Call) -> None:
    """SVDF: x, feature weights, time weights, bias, state."""
    call.expect_operands(5, 5)
    refuse_hybrid(call, x=0, weights=1)
    options = schema.SVDFOptions
    rank = call.integer(options.rank)
    ranks = [len(call.type(i).shape) for i in (0, 1, 2, 4)]
    if rank < 1 or ranks != [2] * 4:
        raise ModelError(f"SVDF of rank {rank} with operands of {ranks} dimensions; all must be 2")
    for position in (1, 2):
        call.array(position, "the weights")
    dtype = DType.FLOAT32 if call.type(0).dtype.is_float else DType.INT32
    units = TensorType((call.type(1).shape[0] // rank,), dtype)
    bias = call.value(3) if call.has(3) else zero_bias(call, units)
    operands = [call.value(0), call.value(1), call.value(2), bias, call.value(4)]
    activation = call.activation(options.fused_activation_function)
    _emit_with_states(call, Svdf(rank, activation), operands, (4,))


_LSTM_OPERANDS = (
    "x",
    *(f"input-to-{gate} weights" for gate in ("input", "forget", "cell", "output")),
    *(f"recurrent-to-{gate} weights" for gate in ("input", "forget", "cell", "output")),
    *(f"cell-to-{gate} weights" for gate in ("input", "forget", "output")),
    *(f"{gate} gate bias" for gate in ("input", "forget", "cell", "output")),
    *("projection weights", "projection bias"),
    *("hidden state", "cell state"),
    *(f"{gate} layer norm" for gate in ("input", "forget", "cell", "output")),
)
_LSTM_TAKEN = (*range(9), *range(12, 16), 18, 19)
_LSTM_REFUSED = {
    "peephole connections": range(9, 12),
    "a projection": range(16, 18),
    "layer normalisation": range(20, 24),
}


def unidirectional_sequence_lstm(call: Call) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM without peepholes, projection or layer normalisation."""
    call.expect_operands(20, 24)
    _check_lstm(call)
    refuse_hybrid(call, x=0, weights=2)
    options = schema.UnidirectionalSequenceLSTMOptions
    clip = call.real(options.cell_clip)
    if clip < 0:
        raise ModelError(f"cell clip {clip} is negative")
    for position in _LSTM_TAKEN[1:-2]:
        call.array(position, _LSTM_OPERANDS[position])
    operands = [call.value(i) for i in _LSTM_TAKEN]
    op = UnidirectionalLstm(call.flag(options.time_major), clip)
    _emit_with_states(call, op, operands, (18, 19))


def _check_lstm(call: Call) -> None:
    for what, positions in _LSTM_REFUSED.items():
        if any(call.has(i) for i in positions):
            raise UnsupportedError(f"an LSTM with {what}; export a plain LSTM")
    absent = [_LSTM_OPERANDS[i] for i in _LSTM_TAKEN if not call.has(i)]
    if absent:
        raise UnsupportedError(f"an LSTM without {', '.join(absent)}; export a plain LSTM")
    options = schema.UnidirectionalSequenceLSTMOptions
    code = call.integer(options.fused_activation_function)
    if code != schema.ACTIVATION_NAMES.index("TANH"):
        raise UnsupportedError("an LSTM with another activation than TANH")
    if call.real(options.proj_clip):
        raise UnsupportedError("an LSTM with a clipped projection")


def _emit_with_states(
    call: Call, op: Op, operands: Sequence[str], positions: Sequence[int]
) -> None:
    """Apply `op`, whose outputs are this operator's one and then its new states."""
    tensors = [call.tensor(i) for i in positions]
    for tensor in tensors:
        if not call.scope.record(tensor).variable:
            raise UnsupportedError(f"{call.scope.record(tensor).label} is not a variable tensor")
    keys = [call.scope.variable(tensor) for tensor in tensors]
    updated = [
        (f"{label}_new", call.type(i)) for (_, label), i in zip(keys, positions, strict=True)
    ]
    y, *states = call.draft.apply(op, operands, [call.output(), *updated])
    call.define(0, y)
    for (key, label), state in zip(keys, states, strict=True):
        call.scope.variables.write(key, label, state)


def var_handle(call: Call) -> None:
    """VAR_HANDLE: names a variable."""
    call.expect_operands(0, 0)
    options = schema.VarHandleOptions
    container, name = call.text(options.container), call.text(options.shared_name)
    tensor = call.record.outputs[0]
    label = sanitise(name, call.scope.wanted_name(tensor, f"state_{tensor}"))
    call.scope.resources[tensor] = (("resource", container, name), label)


def read_variable(call: Call) -> None:
    """READ_VARIABLE: the variable's value becomes the output's, without a node."""
    call.expect_operands(1, 1)
    key, label = _resource(call)
    if call.scope.initialising:
        raise UnsupportedError("a variable read while variables are initialised")
    call.define(0, call.scope.variables.read(key, label, call.output_type()))


def assign_variable(call: Call) -> None:
    """ASSIGN_VARIABLE: at initialisation what the first call reads, else what the next one does."""
    if len(call.record.inputs) != 2 or call.record.outputs:
        raise ModelError("must have two inputs and no output")
    key, label = _resource(call)
    if call.scope.initialising:
        array = call.array(1, "an initial value")
        call.scope.variables.initialise(key, label, call.type(1), array)
    else:
        call.scope.variables.write(key, label, call.value(1))


def _resource(call: Call) -> tuple[Key, str]:
    tensor = call.tensor(0)
    if tensor not in call.scope.resources:
        raise ModelError(f"{call.scope.record(tensor).label} is not a variable's handle")
    return call.scope.resources[tensor]
