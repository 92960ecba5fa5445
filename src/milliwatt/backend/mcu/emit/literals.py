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
_RESERVED_NAMES = frozenset(
    # NAME.h would hide a header of the C library; NAME.c is the example; CMake knows the target.
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath "
    "threads time uchar wchar wctype example_main all clean depend edit_cache help install "
    "package rebuild_cache test".split()
)
_OWN_PREFIX = re.compile(r"mw(_|$)")
"""The kernels' names start so."""


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


def decimal_literal(value: float) -> str:
    """A float32 constant in decimal, exact too, for C++ before 2017 and for people."""
    single = float(np.float32(value))
    if not math.isfinite(single):
        raise VerifyError(f"cannot write {value} as a C constant")
    # Nine digits tell every float32 from its neighbours.
    text = f"{single:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def array_rows(data: Array) -> list[str]:
    """The elements of a 1-D array as comma-separated rows of at most about 100 columns."""
    if data.dtype.kind == "f":
        words = [float_literal(v) for v in data.tolist()]
        per_row = 5
    elif data.dtype.itemsize <= 1:
        words = [str(int(v)) for v in data.tolist()]
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

    It starts with "m_" where it could otherwise not name symbols and files: a first digit, a
    header of the C library, the kernels' own prefix. Raises OptionError where nothing is left.
    """
    name = re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_")
    if not name:
        raise OptionError(
            f"'{text}' does not make a C name: give one of letters, digits and underscores (--name)"
        )
    taken = name[0].isdigit() or name in _RESERVED_NAMES or _OWN_PREFIX.match(name)
    return f"m_{name}" if taken else name


def comment_text(text: str) -> str:
    """`text`, from a model file, made safe inside a C comment: printable ASCII that ends nothing.

    Each character that is not, or would open or close a comment, becomes "?".
    """
    return re.sub(r"[^ -\[\]-~]|(?<=\*)/|(?<=/)\*", "?", text)
