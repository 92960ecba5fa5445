# SPDX-License-Identifier: MIT
"""A whole file's records as a Graph; everything unsupported is reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.ahead import QUANTIZE_DOMAINS
from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.constants import UINT8_SHIFT, Constant
from milliwatt.frontend.onnx.folding import FOLDED, fold, folds
from milliwatt.frontend.onnx.formats import activation_format, parameters
from milliwatt.frontend.onnx.operators import CONVERTERS
from milliwatt.frontend.onnx.records import ModelRecord, NodeRecord, TensorRecord, shown
from milliwatt.frontend.onnx.refusals import refusal
from milliwatt.frontend.onnx.schemas import check_form
from milliwatt.frontend.onnx.scope import MAX_ELEMENTS, Scope
from milliwatt.frontend.onnx.tensors import FLOAT, INT8, INT16, UINT8, element_type_name
from milliwatt.frontend.onnx.values import TO_CHANNELS_LAST, ConsequenceError, Value
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import DType, Quant, Shape, TensorType
from milliwatt.ops.quantize import Quantize

_QUANTIZE = ("QuantizeLinear", "DequantizeLinear")


@dataclass(frozen=True, slots=True)
class Imported:
    """A graph, and the value that each name of the file became (constants left out)."""

    graph: Graph
    values: Mapping[str, Value]


def import_model(model: ModelRecord, name: str) -> Imported:
    """The main graph as a Graph named `name`.

    UnsupportedError lists every node, input and output that milliwatt does not take; ModelError
    says the first thing that is wrong with the file itself.
    """
    # Constants that leave the float range are refused where they are added to the graph.
    with np.errstate(all="ignore"):
        return _Importer(model).run(name)


class _Importer:
    def __init__(self, model: ModelRecord) -> None:
        self._model = model
        self._scope = Scope(model)
        self._problems: list[str] = []

    def run(self, name: str) -> Imported:
        inputs = [self._input(record) for record in self._model.inputs]
        # Constants first: what a converter looks for may be defined behind its own node.
        known = [node for node in self._model.nodes if self._known(node)]
        done = {node.index for node in known}
        for node in self._model.nodes:
            if node.index not in done and node.index not in self._scope.absorbed:
                self._node(node)
        outputs = self._outputs()
        if self._problems:
            raise UnsupportedError("not supported:", self._problems)
        draft = self._scope.draft
        graph = Graph(name, (), draft.types, draft.constants, tuple(inputs), outputs)
        graph = graph.with_nodes(draft.nodes)
        values = {n: v for n, v in self._scope.values().items() if v.name in graph.types}
        return Imported(graph, values)

    def _input(self, record: TensorRecord) -> str:
        try:
            return self._typed_input(record)
        except UnsupportedError as error:
            self._problems.append(f"input '{shown(record.name)}': {error}")
            self._scope.refuse(record.name)
            return ""

    def _typed_input(self, record: TensorRecord) -> str:
        scope = self._scope
        shape = _fixed_shape(record)
        image = len(shape) in TO_CHANNELS_LAST and scope.ahead.is_image(record.name)
        stored = tuple(shape[i] for i in TO_CHANNELS_LAST[len(shape)]) if image else shape
        wanted = scope.wanted_name(record.name, "input")
        if record.element_type == FLOAT:
            name = scope.draft.value(wanted, TensorType(stored, DType.FLOAT32))
            scope.define(record.name, Value(name, image))
            return name
        kind = self._integer_input(record, stored)
        name = scope.draft.value(wanted, kind)
        if kind.dtype is not DType.UINT8:
            scope.define(record.name, Value(name, image))
            return name
        quant = Quant.per_tensor(kind.scale, kind.zero_point - UINT8_SHIFT)
        signed = scope.emit(f"{name}_int8", Quantize(), (name,), DType.INT8, quant)
        scope.define(record.name, Value(signed, image, unsigned=True))
        return name

    def _integer_input(self, record: TensorRecord, shape: Shape) -> TensorType:
        """The type of an integer input, whose scale only the node that dequantises it says."""
        dtype = {UINT8: DType.UINT8, INT8: DType.INT8, INT16: DType.INT16}.get(record.element_type)
        if dtype is None:
            raise UnsupportedError(
                f"elements of {element_type_name(record.element_type)}; supported: float32, "
                "uint8, int8, int16"
            )
        for node in self._scope.ahead.readers(record.name):
            if node.kind == "DequantizeLinear" and node.domain in QUANTIZE_DOMAINS:
                form = activation_format(parameters(node, self._model.constants), dtype.value)
                zero = form.quant.zero_point[0] + (UINT8_SHIFT if form.unsigned else 0)
                return TensorType(shape, dtype, Quant.per_tensor(form.quant.scale[0], zero))
        raise UnsupportedError("integers that no DequantizeLinear gives a scale")

    def _known(self, node: NodeRecord) -> bool:
        """Convert a node that has constant operands only; whether it is one."""
        operands = [v for v in node.inputs if v]
        if not operands or any(self._scope.constant(v) is None for v in operands):
            return False
        self._node(node)
        return True

    def _node(self, node: NodeRecord) -> None:
        try:
            self._convert(node)
        except ConsequenceError:
            self._refuse(node)
        except UnsupportedError as error:
            self._problems.append(f"{node.label}: {error}")
            self._refuse(node)
        except ModelError as error:
            raise ModelError(f"{node.label}: {error}") from error

    def _refuse(self, node: NodeRecord) -> None:
        for name in filter(None, node.outputs):
            self._scope.refuse(name)

    def _convert(self, node: NodeRecord) -> None:
        own = not node.domain or (node.kind in _QUANTIZE and node.domain in QUANTIZE_DOMAINS)
        if not own or (node.kind not in CONVERTERS and node.kind not in FOLDED):
            raise UnsupportedError(refusal(node))
        if not node.domain:
            check_form(node, self._model.opset)
        if not node.outputs or not node.outputs[0]:
            raise UnsupportedError("its first output is not named")
        call = Call(self._scope, node)
        if folds(call):
            fold(call)
        elif node.kind in CONVERTERS:
            CONVERTERS[node.kind](call)
        else:
            raise UnsupportedError("supported for constants alone")

    def _outputs(self) -> tuple[str, ...]:
        names: list[str] = []
        computed = self._scope.draft.computed()
        for record in self._model.outputs:
            try:
                name = self._output(record)
            except ConsequenceError:
                continue
            except UnsupportedError as error:
                self._problems.append(f"output '{shown(record.name)}': {error}")
                continue
            # Each output is a buffer of its own, which some node fills.
            if name in names or name not in computed | self._scope.draft.computed():
                name = self._scope.draft.copy(name)
            names.append(name)
        return tuple(names)

    def _output(self, record: TensorRecord) -> str:
        """The value of an output, in the file's own element type."""
        scope, value = self._scope, self._scope.operand(record.name)
        if isinstance(value, Constant):
            raise UnsupportedError("it is constant")
        if value.dequantised:
            value = scope.as_real(value, scope.wanted_name(record.name, "output"))
        kind = scope.type(value)
        expected = {DType.FLOAT32: FLOAT, DType.INT8: INT8, DType.INT16: INT16}[kind.dtype]
        expected = UINT8 if value.unsigned else expected
        if record.element_type not in (0, expected):
            raise ModelError(
                f"output '{shown(record.name)}' is declared "
                f"{element_type_name(record.element_type)} and computed as "
                f"{element_type_name(expected)}"
            )
        if not value.unsigned:
            return value.name
        quant = Quant.per_tensor(kind.scale, kind.zero_point + UINT8_SHIFT)
        return scope.emit(f"{value.name}_uint8", Quantize(), (value.name,), DType.UINT8, quant)


def _fixed_shape(record: TensorRecord) -> Shape:
    """The declared shape; a batch of unknown size becomes 1."""
    if record.dims is None:
        raise UnsupportedError("no shape; export with every dimension fixed")
    dims = list(record.dims)
    if dims and dims[0] in (None, 0, -1):
        dims[0] = 1
    elements, shape = 1, []
    for d in dims:
        if d is None or d in (0, -1):
            given = ["?" if d is None else d for d in record.dims]
            raise UnsupportedError(f"shape {given}; export with every dimension fixed")
        if d < 0:
            raise ModelError(f"input '{shown(record.name)}' has shape {dims}")
        elements *= d
        shape.append(d)
    if elements > MAX_ELEMENTS or len(shape) > 8:
        raise ModelError(f"input '{shown(record.name)}' of shape {shape[:8]} is too large")
    return tuple(shape)
