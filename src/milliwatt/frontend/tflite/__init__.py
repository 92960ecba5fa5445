# SPDX-License-Identifier: MIT
"""TensorFlow Lite files as graphs."""

from __future__ import annotations

from pathlib import Path

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.files import read_bytes
from milliwatt.frontend.names import sanitise
from milliwatt.frontend.tflite.importer import import_model
from milliwatt.frontend.tflite.reader import read_model
from milliwatt.ir.graph import Graph
from milliwatt.ir.verify import verify

__all__ = ["load_tflite", "unsupported"]


def load_tflite(source: bytes | Path, name: str = "") -> Graph:
    """The network in a .tflite file, given as its bytes or its path.

    `name` becomes the graph's (letters, digits, underscores); empty means the file's stem.
    UnsupportedError lists at once everything that milliwatt does not do, with node names and
    reasons; ModelError says what is malformed. uint8 networks come out as int8, their inputs and
    outputs still uint8; variables become states.
    """
    if isinstance(source, bytes):
        label, data = f"{name or 'model'}.tflite", source
    else:
        label, data = source.name, read_bytes(source)
    try:
        graph_name = sanitise(name or Path(label).stem, "model")
        graph = import_model(read_model(data), graph_name).graph
        verify(graph)
        return graph
    except UnsupportedError as error:
        message = str(error).splitlines()[0]
        raise UnsupportedError(f"{label}: {message}", error.problems) from error
    except ModelError as error:
        raise ModelError(f"{label}: {error}") from error


def unsupported(source: bytes | Path) -> list[str]:
    """Everything in a .tflite file that milliwatt does not do; empty where it imports."""
    try:
        load_tflite(source)
    except UnsupportedError as error:
        return list(error.problems) or [str(error)]
    return []
