# SPDX-License-Identifier: MIT
"""TFLM's 127 one-operator int16 networks (SEANet) give their golden outputs.

One archive holds for each network a .tflite file, its inputs and its outputs as numbers in text.
"""

import tarfile

import numpy as np
import pytest

from milliwatt.frontend.tflite import load_tflite
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array, TensorType
from milliwatt.ir.verify import verify
from tests.support import shared_file

ARCHIVE = ("models", "tflm", "seanet_int16_ops.tar.gz")
COUNTS = {
    "add": 17,
    "conv": 22,
    "leaky_relu": 23,
    "pad": 19,
    "quantize": 2,
    "strided_slice": 34,
    "sub": 5,
    "transpose_conv": 5,
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Each file of the archive by its name, like `add/add0.tflite`."""
    found: dict[str, bytes] = {}
    with tarfile.open(shared_file(*ARCHIVE)) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            if content is not None:
                found[member.name.removeprefix("./")] = content.read()
    return found


def numbers(files: dict[str, bytes], prefix: str, kind: TensorType) -> Array:
    """The one file that begins so and holds the type's numbers."""
    (name,) = [n for n in files if n.startswith(prefix) and n.endswith(f"_{kind.dtype.value}.csv")]
    text = files[name].decode().replace("\n", ",")
    values = [int(word) for word in text.split(",") if word.strip()]
    return np.array(values, kind.dtype.numpy).reshape(kind.shape)


@pytest.mark.parametrize("operator", COUNTS)
def test_golden_outputs(operator: str, files: dict[str, bytes]) -> None:
    networks = [n for n in files if n.startswith(f"{operator}/") and n.endswith(".tflite")]
    assert len(networks) == COUNTS[operator]
    for network in networks:
        graph = load_tflite(files[network], operator)
        verify(graph)
        stem = network.removesuffix(".tflite")
        inputs = [
            numbers(files, f"{stem}_input{i}_", graph.types[name])
            for i, name in enumerate(graph.inputs)
        ]
        (output,) = run(graph, inputs).outputs
        golden = numbers(files, f"{stem}_golden_", graph.types[graph.outputs[0]])
        np.testing.assert_array_equal(output, golden, err_msg=network)
