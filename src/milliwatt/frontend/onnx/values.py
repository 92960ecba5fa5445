# SPDX-License-Identifier: MIT
"""Computed values, and how they stand for what the file computes."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.errors import UnsupportedError
from milliwatt.frontend.onnx.constants import Constant

TO_CHANNELS_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1)}
TO_CHANNELS_FIRST = {3: (0, 2, 1), 4: (0, 3, 1, 2)}
"""Permutations between the file's order and the graph's, for signals and images."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the draft that stands for one of the file's.

    `channels_last`: an image, NCHW in the file, held as NHWC, or a signal, NCL held as NLC.
    `dequantised`: integers that stand for the real numbers which a DequantizeLinear made of them;
    operators compute with the integers where they can. `unsigned`: int8 integers that are uint8
    in the file, less 128.
    """

    name: str
    channels_last: bool = False
    dequantised: bool = False
    unsigned: bool = False


Operand = Constant | Value


class ConsequenceError(UnsupportedError):
    """A value is unknown because of a problem reported already; not reported again."""
