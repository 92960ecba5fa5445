# SPDX-License-Identifier: MIT
"""Numbers and names as C99 text; every number reads back as exactly the same value."""

from __future__ import annotations

import math
import re

import numpy as np

from milliwatt.errors import OptionError, VerifyError
from milliwatt.ir.types import Array, DType

_C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "int64": "int64_t",
    "float32": "float",
    "bool": "uint8_t",
}
_C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while main".split()
)


def c_type(dtype: DType | np.dtype[np.generic]) -> str:
    """The C type of one element."""
    return _C_TYPES[dtype.numpy.name if isinstance(dtype, DType) else dtype.name]


def int_literal(value: int) -> str:
    """A signed integer constant of C type int32_t or, beyond its range, int64_t."""
    if -(1 << 31) < value < 1 << 31:
        return str(value)
    if value == -(1 << 31):
        return "(-2147483647 - 1)"
    if value == -(1 << 63):
        return "(-INT64_C(9223372036854775807) - 1)"
    return f"INT64_C({value})"


def float_literal(value: float) -> str:
    """A float32 constant in hexadecimal, exact."""
    single = float(np.float32(value))
    if not math.isfinite(single):
        raise VerifyError(f"cannot write {value} as a C constant")
    return f"{single.hex()}f"


def array_rows(data: Array) -> list[str]:
    """The elements of a 1-D array as comma-separated rows of at most about 100 columns."""
    if data.dtype.kind == "f":
        words = [float_literal(v) for v in data.tolist()]
        per_row = 5
    elif data.dtype.itemsize <= 1:
        words = [str(v) for v in data.tolist()]
        per_row = 20
    elif data.dtype == np.uint32:
        words = [f"{v}u" for v in data.tolist()]
        per_row = 8
    else:
        words = [int_literal(v) for v in data.tolist()]
        per_row = 8
    return [", ".join(words[i : i + per_row]) for i in range(0, len(words), per_row)]


def c_identifier(text: str) -> str:
    """`text` as the prefix of C symbols: lower case, letters, digits and single underscores.

    Raises OptionError where nothing usable is left.
    """
    name = re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_")
    if not name or name in _C_KEYWORDS:
        raise OptionError(
            f"'{text}' does not make a C name: use letters, digits and underscores, no C keyword"
        )
    return f"m_{name}" if name[0].isdigit() else name
