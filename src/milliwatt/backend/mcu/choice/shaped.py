# SPDX-License-Identifier: MIT
"""Kernels compiled for one shape: speed for code bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from milliwatt.backend.mcu.kernel import Core, Kernel, Lit, Lowered, Site

SUFFIX = "@shape"


@dataclass(frozen=True, slots=True)
class ShapedKernel:
    """`base` with all its numbers constants of the compiled code.

    Only layers that agree in every number then share code, and loops know their counts.
    """

    base: Kernel

    @property
    def name(self) -> str:
        """The base's name, marked."""
        return self.base.name + SUFFIX

    @property
    def header(self) -> str:
        """The base's header."""
        return self.base.header

    def supports(self, site: Site, core: Core) -> bool:
        """Whether the base does."""
        return self.base.supports(site, core)

    def lower(self, site: Site) -> Lowered:
        """The base's call with every number fixed."""
        lowered = self.base.lower(site)
        fixed = tuple(
            Lit(arg.value) if isinstance(arg, Lit) else arg  # pointers stay arguments
            for arg in lowered.args
        )
        return replace(lowered, args=fixed)


def with_shapes(kernels: tuple[Kernel, ...]) -> tuple[Kernel, ...]:
    """Each kernel, and behind it its form for one shape."""
    return tuple(form for kernel in kernels for form in (kernel, ShapedKernel(kernel)))
