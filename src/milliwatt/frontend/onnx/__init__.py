# SPDX-License-Identifier: MIT
"""ONNX files as graphs: float networks, and int8 ones in QDQ form."""

from __future__ import annotations

from pathlib import Path

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.files import read_bytes
from milliwatt.frontend.names import sanitise
from milliwatt.frontend.onnx.importer import import_model
from milliwatt.frontend.onnx.reader import read_model
from milliwatt.ir.graph import Graph
from milliwatt.ir.verify import verify
from milliwatt.passes.remove_dead_nodes import remove_dead_nodes

__all__ = ["load_onnx", "unsupported"]


def load_onnx(source: bytes | Path, name: str = "") -> Graph:
    """The network in an .onnx file, given as its bytes or its path.

    `name` becomes the graph's (letters, digits, underscores); empty means the file's stem.

    Images are NCHW in ONNX and NHWC in the graph. An input of four dimensions that reaches a
    convolution, a pool or the like in its own order of dimensions is an image, and becomes NHWC;
    one that the file first transposes or reshapes stays as it is. An output of four dimensions
    is NHWC where it comes from such an operator. An unknown batch becomes 1.

    A float operator between DequantizeLinear and QuantizeLinear becomes one on integers; what
    else computes with dequantised values does so in float32, as the file says. uint8 is held as
    int8; inputs and outputs keep the file's types.

    UnsupportedError lists at once everything that milliwatt does not do, with node names and
    reasons; ModelError says what is malformed; OptionError says how to install the package onnx
    where it is missing.
    """
    if isinstance(source, bytes):
        label, data = f"{name or 'model'}.onnx", source
    else:
        label, data = source.name, read_bytes(source)
    try:
        graph_name = sanitise(name or Path(label).stem, "model")
        graph = remove_dead_nodes(import_model(read_model(data), graph_name).graph)
        verify(graph)
        return graph
    except UnsupportedError as error:
        message = str(error).splitlines()[0]
        raise UnsupportedError(f"{label}: {message}", error.problems) from error
    except ModelError as error:
        raise ModelError(f"{label}: {error}") from error


def unsupported(source: bytes | Path) -> list[str]:
    """Everything in an .onnx file that milliwatt does not do; empty where it imports."""
    try:
        load_onnx(source)
    except UnsupportedError as error:
        return list(error.problems) or [str(error)]
    return []
