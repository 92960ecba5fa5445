# SPDX-License-Identifier: MIT
"""Portable kernels on emulated cores, with and without what a core may lack."""

from __future__ import annotations

import pytest

from tests.kernels.emulated import check_emulated
from tests.kernels.test_float import BOUNDED
from tests.kernels.test_portable import EXACT, jobs
from tests.support import needs_arm_gcc

pytest.importorskip("unicorn", reason="needs unicorn: pip install unicorn")
pytestmark = pytest.mark.emulator

# No unaligned access and no long multiplication; soft floating point; another instruction set.
CORES = [
    pytest.param("cortex-m0plus", "gcc", marks=needs_arm_gcc),
    pytest.param("cortex-m3", "gcc", marks=[needs_arm_gcc, pytest.mark.slow]),
    pytest.param("cortex-m4", "gcc", marks=[needs_arm_gcc, pytest.mark.slow]),
    pytest.param("cortex-m0plus", "zig", marks=pytest.mark.slow),
    pytest.param("rv32imc", "zig", marks=pytest.mark.slow),
]
QUICK = 60
"""Sites of a family that are run, evenly spread over all of them."""


def _thinned(found: list) -> list:
    return found[:: max(1, len(found) // QUICK)]


@pytest.mark.parametrize(("core", "compiler"), CORES)
@pytest.mark.parametrize("family", EXACT)
def test_integer_kernels_equal_the_reference(family: str, core: str, compiler: str) -> None:
    check_emulated(_thinned(jobs(family, EXACT[family])), core, compiler)


@pytest.mark.parametrize(("core", "compiler"), CORES)
@pytest.mark.parametrize("family", BOUNDED)
def test_float_kernels_are_within_their_bound(family: str, core: str, compiler: str) -> None:
    kernels, bound = BOUNDED[family]
    check_emulated(_thinned(jobs(family, kernels)), core, compiler, bound=bound)
