# SPDX-License-Identifier: MIT
"""A model file of any supported kind as a graph."""

from __future__ import annotations

from pathlib import Path

from milliwatt.errors import ModelError, VerifyError
from milliwatt.frontend.files import read_bytes
from milliwatt.frontend.onnx import load_onnx
from milliwatt.frontend.tflite import load_tflite
from milliwatt.ir.graph import Graph
from milliwatt.ir.text import from_text
from milliwatt.ir.verify import verify

_TFLITE_MAGIC = b"TFL3"
_SUPPORTED = ".tflite, .onnx, or the text form of a graph"


def load_model(path: str | Path) -> Graph:
    """The network in a file; it passes `milliwatt.ir.verify`.

    The kind is told by the content (TFLite's magic number, the text form's first word) or the
    extension `.onnx`. UnsupportedError lists at once everything milliwatt does not do; ModelError
    says what is wrong with the file.
    """
    path = Path(path)
    data = read_bytes(path)
    if data[4:8] == _TFLITE_MAGIC:
        return load_tflite(data, path.stem)
    if data.startswith(b"graph "):
        return _from_text(path, data)
    if path.suffix == ".onnx":
        return load_onnx(data, path.stem)
    if path.suffix == ".tflite":
        raise ModelError(f"{path.name}: not a TFLite file: bytes 4 to 8 are not 'TFL3'")
    raise ModelError(f"{path.name}: not a model; supported: {_SUPPORTED}")


def _from_text(path: Path, data: bytes) -> Graph:
    try:
        graph = from_text(data.decode("utf-8"))
        verify(graph)
        return graph
    except UnicodeDecodeError as error:
        raise ModelError(f"{path.name}: byte {error.start} is not UTF-8") from error
    except (ModelError, VerifyError) as error:
        # What a person wrote is that person's to mend, whichever check finds it.
        raise ModelError(f"{path.name}: {error}") from error
