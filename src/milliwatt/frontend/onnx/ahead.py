# SPDX-License-Identifier: MIT
"""What becomes of each value later in the file: who reads it, and as which integers."""

from __future__ import annotations

from collections.abc import Iterable

from milliwatt.errors import ModelError
from milliwatt.frontend.onnx.formats import Format, activation_format, parameters
from milliwatt.frontend.onnx.records import ModelRecord, NodeRecord

QUANTIZE_DOMAINS = ("", "com.microsoft")
"""ONNX Runtime has QuantizeLinear and DequantizeLinear of its own, for integers ONNX lacked."""

_MONOTONE = frozenset(
    {"Relu", "Clip", "MaxPool", "GlobalMaxPool", "Reshape", "Flatten", "Transpose", "Squeeze"}
    | {"Unsqueeze", "Identity", "Dropout"}
)
"""Quantising before these equals quantising after them: they move values, or clamp them."""

_IMAGE = frozenset(
    {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"}
    | {"BatchNormalization", "Resize", "Upsample"}
)
_ANY_LAYOUT = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "Add"}
    | {"Sub", "Mul", "Div", "Identity", "Dropout", "Pad", "Concat", "Split", "Slice"}
)


class Ahead:
    """Answers about the nodes behind a value; made once for a file."""

    def __init__(self, model: ModelRecord) -> None:
        self._model = model
        self._readers: dict[str, list[NodeRecord]] = {}
        for node in model.nodes:
            for name in dict.fromkeys(filter(None, node.inputs)):
                self._readers.setdefault(name, []).append(node)
        self._kept = {record.name for record in model.outputs}
        self._formats: dict[str, Format | None] = {}
        self._images: set[str] = set()
        # Readers come after what they read, so that from the end each is known in time.
        for node in reversed(model.nodes):
            for name in node.outputs:
                self._look(name)
        for record in model.inputs:
            self._look(record.name)

    def readers(self, name: str) -> list[NodeRecord]:
        """The nodes that read a value."""
        return self._readers.get(name, [])

    def sole_reader(self, name: str) -> NodeRecord | None:
        """The one node that reads a value, where nothing else does."""
        readers = self.readers(name)
        return readers[0] if len(readers) == 1 and name not in self._kept else None

    def format(self, name: str) -> Format | None:
        """The integers a value becomes before anything computes with it, the same everywhere."""
        return self._formats.get(name)

    def is_image(self, name: str) -> bool:
        """Whether a value reaches an operator of images (NCHW) in its own order of dimensions."""
        return name in self._images

    def _look(self, name: str) -> None:
        readers = self.readers(name)
        if any(self._reads_image(node, name) for node in readers):
            self._images.add(name)
        if readers and name not in self._kept:
            self._formats[name] = _common(self._format_in(node, name) for node in readers)

    def _reads_image(self, node: NodeRecord, name: str) -> bool:
        if node.kind in _IMAGE and node.inputs[0] == name:
            return True
        return node.kind in _ANY_LAYOUT and any(v in self._images for v in node.outputs)

    def _format_in(self, node: NodeRecord, name: str) -> Format | None:
        """The integers that `node` makes of the value it reads, if that is all it does."""
        if node.inputs[0] != name or name in node.inputs[1:]:
            return None
        if node.kind == "QuantizeLinear" and node.domain in QUANTIZE_DOMAINS:
            try:
                return activation_format(parameters(node, self._model.constants), "uint8")
            except ModelError:
                # Its own converter reports it.
                return None
        if node.domain or node.kind not in _MONOTONE or not node.outputs:
            return None
        if any(self.readers(v) or v in self._kept for v in node.outputs[1:]):
            return None
        return self._formats.get(node.outputs[0])


def _common(formats: Iterable[Format | None]) -> Format | None:
    """The format that all agree on."""
    found = set(formats)
    return found.pop() if len(found) == 1 else None
