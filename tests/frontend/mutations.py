# SPDX-License-Identifier: MIT
"""Damaging files at random, mostly where it hurts."""

from __future__ import annotations

import re

import numpy as np

from milliwatt.frontend.tflite.reader import read_model

_WORDS = (0, 1, 2, 255, 1 << 16, 1 << 24, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_FLOAT_WORDS = (0x7FC00000, 0x7F800000, 0xFF800000, 0xBF800000, 0x00000001)


class Mutator:
    """Mutations of one file: bytes flipped, words overwritten, cuts, slices copied or repeated.

    Three in four strike the file's structure rather than weights, scales and names.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._structure = _structure(data)

    def mutate(self, rng: np.random.Generator) -> bytes:
        """The file, damaged once or a few times."""
        damaged = bytearray(self._data)
        kind = rng.choice(["bytes", "words", "cut", "copy", "repeat"], p=[0.4, 0.3, 0.1, 0.1, 0.1])
        if kind == "cut":
            return bytes(damaged[: rng.integers(len(damaged))])
        for _ in range(rng.integers(1, 5)):
            at, length = self._position(rng), int(rng.integers(1, 64))
            if kind == "bytes":
                damaged[at] = rng.integers(256)
            elif kind == "words":
                word = int(rng.choice(_WORDS + _FLOAT_WORDS))
                damaged[at & ~3 : (at & ~3) + 4] = word.to_bytes(4, "little")
            elif kind == "copy":
                source = self._position(rng)
                damaged[at : at + length] = damaged[source : source + length]
            else:
                damaged[at:at] = damaged[at : at + length]
        return bytes(damaged)

    def _position(self, rng: np.random.Generator) -> int:
        if rng.random() < 0.75:
            return int(rng.choice(self._structure))
        return int(rng.integers(len(self._data)))


def _structure(data: bytes) -> np.ndarray:
    """Offsets of bytes that are neither long data, nor quantisation, nor names."""
    is_structure = np.ones(len(data), bool)
    base = np.frombuffer(data, np.uint8).ctypes.data
    model = read_model(data)
    arrays = [np.frombuffer(b.data, np.uint8) for b in model.buffers if len(b.data) > 16]
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            if tensor.quant is not None and len(tensor.quant.scale) > 1:
                arrays += [tensor.quant.scale, tensor.quant.zero_point]
    for array in arrays:
        start = array.ctypes.data - base
        is_structure[start : start + array.nbytes] = False
    for name in re.finditer(rb"[\w/;.:]{12,}", data):
        is_structure[name.start() : name.end()] = False
    return np.flatnonzero(is_structure)
