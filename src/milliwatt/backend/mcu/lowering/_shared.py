# SPDX-License-Identifier: MIT
"""What the portable kernels' lowerings share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from milliwatt.backend.mcu.kernel import Core, Lowered, Site


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
