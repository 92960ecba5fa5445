# SPDX-License-Identifier: MIT
"""The schema's numbers against the published reader."""

import importlib
import inspect
import re

import pytest

from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.flat import Ref, Scalar

tflite = pytest.importorskip("tflite", reason="needs the published schema: pip install tflite")

TABLES = [
    c for _, c in inspect.getmembers(schema, inspect.isclass) if c.__module__ == schema.__name__
]


def published_field(table: str, field: str) -> str:
    """The source of the published accessor of a field."""
    name = "".join(part.capitalize() for part in field.split("_"))
    module = importlib.import_module(f"tflite.{table}")
    return inspect.getsource(getattr(getattr(module, table), name))


@pytest.mark.parametrize("table", TABLES, ids=lambda c: c.__name__)
def test_fields_have_the_published_index_type_and_default(table: type) -> None:
    fields = {n: f for n, f in vars(table).items() if isinstance(f, (Scalar, Ref))}
    assert fields
    for name, field in fields.items():
        source = published_field(table.__name__, name)
        offset = re.search(r"Offset\((\d+)\)", source)
        assert offset is not None
        assert 4 + 2 * field.index == int(offset[1]), name
        if isinstance(field, Scalar):
            assert f"{field.kind.capitalize()}Flags" in source, name
            defaults = re.findall(r"return (-?\d[\d.]*|False)$", source, re.MULTILINE)
            # The accessor of builtin_code hides its default behind the deprecated field.
            default = defaults[-1].replace("False", "0") if defaults else "0"
            assert field.default == float(default), name


@pytest.mark.parametrize("table", [c for c in TABLES if hasattr(c, "union")], ids=str)
def test_option_tables_have_the_published_union_code(table: type) -> None:
    assert table.union == getattr(tflite.BuiltinOptions, table.__name__)  # type: ignore[attr-defined]


def test_enumerations_are_the_published_ones() -> None:
    for published, ours in (
        (tflite.BuiltinOperator, schema.OPERATOR_NAMES),
        (tflite.TensorType, schema.TENSOR_TYPE_NAMES),
        (tflite.ActivationFunctionType, schema.ACTIVATION_NAMES),
    ):
        codes = {n: v for n, v in vars(published).items() if isinstance(v, int)}
        assert codes == {name: code for code, name in enumerate(ours)}
    assert tflite.Padding.SAME == schema.PADDING_SAME
    assert tflite.Padding.VALID == schema.PADDING_VALID
