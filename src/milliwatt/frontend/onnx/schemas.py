# SPDX-License-Identifier: MIT
"""The form that the standard gives each operator: its attributes, how many operands."""

from __future__ import annotations

from milliwatt.errors import ModelError
from milliwatt.frontend.onnx.records import NodeRecord


def check_form(node: NodeRecord, opset: int) -> None:
    """A ModelError where one of ONNX's own operators has attributes or operands it cannot have.

    An attribute that the operator does not have in this version would otherwise be overlooked.
    """
    from onnx import defs

    try:
        schema = defs.get_schema(node.kind, opset, "")
    except defs.SchemaError as error:
        raise ModelError(f"ONNX has no such operator in version {opset}") from error
    unknown = sorted(set(node.attributes) - set(schema.attributes))
    if unknown:
        raise ModelError(f"attribute '{unknown[0]}' does not exist in version {opset}")
    for what, count, least, most in (
        ("inputs", len(node.inputs), schema.min_input, schema.max_input),
        ("outputs", len(node.outputs), schema.min_output, schema.max_output),
    ):
        if not least <= count <= most:
            raise ModelError(f"{count} {what}; it has {least} to {most}")
    if not all(node.inputs[: schema.min_input]):
        raise ModelError("an operand that is not optional is missing")
