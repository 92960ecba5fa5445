# SPDX-License-Identifier: MIT
"""Scalar C helpers called from Python, for tests of arithmetic over many values."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from milliwatt.ir.types import Array
from tests.kernels.harness import KERNELS_DIR, WARNINGS

_C_TYPES = {"int16": "int16_t", "int32": "int32_t", "int64": "int64_t", "float32": "float"}


def map_arrays(
    folder: Path, header: str, expression: str, result: str, arguments: dict[str, Array]
) -> Array:
    """`expression`, a C expression in the names of `arguments`, for each element of those arrays.

    `result` names the NumPy type of the results; the arrays are equally long.
    """
    length = len(next(iter(arguments.values())))
    columns = [np.ascontiguousarray(a) for a in arguments.values()]
    output = np.zeros(length, result)
    parameters = [f"const {_C_TYPES[a.dtype.name]} *{n}_" for n, a in arguments.items()]
    locals_ = "".join(
        f"        const {_C_TYPES[a.dtype.name]} {n} = {n}_[i];\n" for n, a in arguments.items()
    )
    source = (
        f'#include "{header}"\n'
        f"void map(int32_t count, {_C_TYPES[result]} *out, {', '.join(parameters)});\n"
        f"void map(int32_t count, {_C_TYPES[result]} *out, {', '.join(parameters)})\n{{\n"
        f"    for (int32_t i = 0; i < count; i++) {{\n{locals_}"
        f"        out[i] = {expression};\n    }}\n}}\n"
    )
    # A library is loaded once per path, so each has its own.
    file = folder / f"map_{len(list(folder.iterdir()))}.c"
    library = file.with_suffix(".so")
    file.write_text(source)
    flags = ["-O1", "-shared", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
    subprocess.run(
        ["gcc", *WARNINGS, *flags, f"-I{KERNELS_DIR}", str(file), "-o", str(library)], check=True
    )
    function = ctypes.CDLL(str(library)).map
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (output, *columns)]
    function(ctypes.c_int32(length), *pointers)
    return output
