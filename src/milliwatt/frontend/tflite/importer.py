# SPDX-License-Identifier: MIT
"""A whole file's records as a Graph; everything unsupported is reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.draft import Draft
from milliwatt.frontend.names import shown
from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.call import Call
from milliwatt.frontend.tflite.operators import CONVERTERS
from milliwatt.frontend.tflite.records import ModelRecord, OperatorRecord, SubgraphRecord
from milliwatt.frontend.tflite.scope import ConsequenceError, Scope
from milliwatt.frontend.tflite.states import Variables
from milliwatt.ir.graph import Graph


@dataclass(frozen=True, slots=True)
class Imported:
    """A graph, and the value that each tensor of the file's main subgraph became.

    Tensors that stand for nothing of their own (shapes, weights of another form) are left out.
    """

    graph: Graph
    values: Mapping[int, str]


def import_model(model: ModelRecord, name: str) -> Imported:
    """The main subgraph as a Graph named `name`.

    UnsupportedError lists every operator and tensor that milliwatt does not take; ModelError says
    the first thing that is wrong with the file itself.
    """
    return _Importer(model).run(name)


class _Importer:
    def __init__(self, model: ModelRecord) -> None:
        self._model = model
        self._draft = Draft()
        self._variables = Variables(self._draft)
        self._initialised: set[int] = set()
        # A dict for its order: a problem of a tensor shows in every operator that reads it.
        self._problems: dict[str, None] = {}

    def run(self, name: str) -> Imported:
        main = self._model.subgraphs[0]
        scope = Scope(self._draft, self._variables, self._model, main)
        inputs = self._inputs(scope)
        self._operators(scope)
        for other in self._model.subgraphs[1:]:
            if other.index not in self._initialised:
                self._problems[f"subgraph {other.index} is never called"] = None
        outputs = self._outputs(scope) if not self._problems else ()
        if self._problems:
            raise UnsupportedError("not supported:", tuple(self._problems))
        states = self._variables.states()
        draft = self._draft
        graph = Graph(name, (), draft.types, draft.constants, inputs, outputs, states)
        graph = graph.with_nodes(draft.nodes)
        values = {i: v for i, v in scope.names().items() if v in graph.types}
        return Imported(graph, values)

    def _inputs(self, scope: Scope) -> tuple[str, ...]:
        names: list[str] = []
        for number, index in enumerate(scope.subgraph.inputs):
            try:
                value = scope.external_type(index)
                names.append(self._draft.value(scope.wanted_name(index, f"input_{number}"), value))
                scope.define(index, names[-1])
            except UnsupportedError as error:
                self._problems[f"input {number}: {error}"] = None
                scope.refuse([index])
        return tuple(names)

    def _outputs(self, scope: Scope) -> tuple[str, ...]:
        if not scope.subgraph.outputs:
            raise ModelError("the file has no outputs")
        names = [scope.external(index) for index in scope.subgraph.outputs]
        computed = self._draft.computed()
        taken: set[str] = set()
        for position, name in enumerate(names):
            # Each output is a buffer of its own, which some node fills.
            if name in taken or name not in computed:
                names[position] = self._draft.copy(name)
            taken.add(name)
        return tuple(names)

    def _operators(self, scope: Scope) -> None:
        for record in scope.subgraph.operators:
            label = _label(scope.subgraph, record)
            try:
                self._operator(scope, record)
            except ConsequenceError:
                scope.refuse(record.outputs)
            except UnsupportedError as error:
                self._problems[f"{label}: {error}"] = None
                scope.refuse(record.outputs)
            except ModelError as error:
                raise ModelError(f"{label}: {error}") from error

    def _operator(self, scope: Scope, record: OperatorRecord) -> None:
        if record.is_custom:
            raise UnsupportedError(_custom_reason(record.custom))
        if record.kind == "CALL_ONCE":
            self._call_once(scope, record)
            return
        converter = CONVERTERS.get(record.kind)
        if converter is None:
            raise UnsupportedError("this operator is not supported")
        if converter.options and record.options and record.options_type != converter.options:
            raise ModelError(f"its options are of type {record.options_type}")
        converter.convert(Call(scope, record))

    def _call_once(self, scope: Scope, record: OperatorRecord) -> None:
        """Run the initialisation subgraph: constants assigned to variables, nothing else."""
        index = Call(scope, record).integer(schema.CallOnceOptions.init_subgraph_index)
        if not 0 < index < len(self._model.subgraphs):
            raise ModelError(f"subgraph {index} does not exist")
        if scope.initialising:
            raise UnsupportedError("initialisation inside an initialisation")
        if self._variables.any_used():
            raise UnsupportedError("initialisation after the first use of a variable")
        if index in self._initialised:
            return
        self._initialised.add(index)
        subgraph = self._model.subgraphs[index]
        nodes = len(self._draft.nodes)
        self._operators(
            Scope(self._draft, self._variables, self._model, subgraph, initialising=True)
        )
        if len(self._draft.nodes) != nodes:
            raise UnsupportedError(f"subgraph {index} computes initial values")


def _label(subgraph: SubgraphRecord, record: OperatorRecord) -> str:
    """What messages call an operator; TFLite names operators by what they write."""
    where = f"subgraph {subgraph.index}, " if subgraph.index else ""
    kind = f"{record.kind} {record.custom}".strip()
    named = [subgraph.tensors[i].name for i in record.outputs if subgraph.tensors[i].name]
    return f"{where}op {record.index} {kind}" + (f" '{shown(named[0])}'" if named else "")


def _custom_reason(name: str) -> str:
    if name == "ethos-u":
        return "already compiled by Vela for an Ethos-U; import the original"
    if name.startswith("Signal"):
        return (
            "TFLM's audio front end, not a network layer; compute the features outside the network"
        )
    return "custom operators have no definition that milliwatt could follow"
