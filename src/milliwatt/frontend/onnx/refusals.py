# SPDX-License-Identifier: MIT
"""Why operators that have no converter are refused."""

from __future__ import annotations

from milliwatt.frontend.onnx.records import NodeRecord

_QONNX = (
    "QONNX, arbitrary and sub-byte precision from Brevitas: not imported yet; "
    "export int8 in QDQ form or float"
)
_REQUANT_SHIFT = (
    "an integer network of QuantLib (PACTOps): its scales are not in the file, "
    "not imported yet; export int8 in QDQ form or float"
)
_DOMAINS = {
    "onnx.brevitas": _QONNX,
    "qonnx.custom_op.general": _QONNX,
    "finn.custom_op.general": _QONNX,
    "PACTOps": _REQUANT_SHIFT,
}
_OPERATOR_ORIENTED = (
    "operator-oriented quantisation; export in QDQ form (QuantFormat.QDQ in ONNX Runtime)"
)
_KINDS = {
    "RequantShift": _REQUANT_SHIFT,
    "DynamicQuantizeLinear": "dynamic quantisation, anew in every call; quantise statically",
    "ConvInteger": _OPERATOR_ORIENTED,
    "MatMulInteger": _OPERATOR_ORIENTED,
    "If": "control flow; export a network without branches",
    "Loop": "control flow; export a network without loops",
    "Scan": "control flow; export a network without loops",
}


def refusal(node: NodeRecord) -> str:
    """The reason, for a node without a converter."""
    if node.domain in _DOMAINS:
        return _DOMAINS[node.domain]
    if node.kind.startswith("QLinear"):
        return _OPERATOR_ORIENTED
    if node.kind in _KINDS:
        return _KINDS[node.kind]
    if node.domain:
        return f"domain '{node.domain}' has operators that milliwatt does not know"
    return "this operator is not supported"
