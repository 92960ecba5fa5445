# SPDX-License-Identifier: MIT
"""What the portable kernels' lowerings share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Core, Lit, Lowered, Site
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Op


@dataclass(frozen=True, slots=True)
class PortableKernel:
    """A kernel that runs on every core: what it accepts, and how it is called."""

    name: str
    header: str
    accepts: Callable[[Site], bool]
    build: Callable[[Site], Lowered]

    def supports(self, site: Site, core: Core) -> bool:
        """Whether the site is one of this kernel's, whatever the core."""
        del core
        return self.accepts(site)

    def lower(self, site: Site) -> Lowered:
        """The call."""
        return self.build(site)


def is_site(site: Site, op: type[Op] | tuple[type[Op], ...], *dtypes: DType) -> bool:
    """Whether the site applies `op`, with its first operand and first result of these types.

    With one type both have it; with two the first is the operand's.
    """
    found = (site.inputs[0].dtype, site.outputs[0].dtype)
    return isinstance(site.op, op) and found == (dtypes[0], dtypes[-1])


def fixed(*values: int | float) -> tuple[Lit, ...]:
    """Numbers that are constants inside the compiled kernel."""
    return tuple(Lit(_plain(v)) for v in values)


def passed(*values: int | float) -> tuple[Lit, ...]:
    """Numbers passed at run time, so that layers share one copy of the code."""
    return tuple(Lit(_plain(v), fixed=False) for v in values)


def fixed_if(condition: bool, *values: int) -> tuple[Lit, ...]:
    """Constants inside the kernel where `condition` holds, passed at run time elsewhere."""
    return fixed(*values) if condition else passed(*values)


def _plain(value: int | float) -> int | float:
    return float(value) if isinstance(value, float | np.floating) else int(value)


_ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


def activation_code(activation: Activation) -> int:
    """The number by which float kernels know an activation (mw_float.h)."""
    return _ACTIVATIONS.index(activation)


_SUFFIXES = {
    DType.INT8: "s8",
    DType.UINT8: "u8",
    DType.INT16: "s16",
    DType.INT32: "s32",
    DType.FLOAT32: "f32",
}


def suffix(dtype: DType) -> str:
    """How kernel names spell an element type."""
    return _SUFFIXES[dtype]
