# SPDX-License-Identifier: MIT
"""docs/without-dsp.md shows the committed figures; those measured now are no worse."""

from __future__ import annotations

import pytest

from bench.kernels import stored_without_dsp as stored
from bench.kernels.alternatives_page import filled
from tests.bench.kernel_gate import allowance, assert_none_is_worse
from tests.support import needs_arm_gcc


def test_the_page_shows_the_committed_figures() -> None:
    text = stored.PAGE.read_text(encoding="utf-8")
    tables = {stored.GROUP: stored.render(stored.load())}
    assert text == filled(text, tables), "run: python -m bench.kernels.stored_without_dsp"


def test_narrow_weights_take_less_flash() -> None:
    rows = {(r.layer, r.kernel, r.weights): r for r in stored.load()}
    for (layer, kernel, weights), row in rows.items():
        if kernel.endswith("_subbyte_swar") and weights == "int2":
            wider = rows[layer, kernel, "int4"]
            assert row.flash_bytes < wider.flash_bytes


@needs_arm_gcc
@pytest.mark.emulator
def test_no_kernel_became_slower_or_larger() -> None:
    times = allowance([("cortex-m0plus", "gcc"), ("rv32imc", "zig")])
    assert_none_is_worse(stored.load(), stored.measure(), times)
