# SPDX-License-Identifier: MIT
"""A wrong kernel within a stream is found, and the rows that show it are named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milliwatt.backend.mcu.compile import Compiled, core_of
from milliwatt.backend.mcu.streaming.schedule import Pace
from milliwatt.errors import VerifyError
from milliwatt.hardware import load_target
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, ports_of, verify_compiled
from tests.backend.mcu.streaming.forced import build, compiled_with
from tests.backend.mcu.streaming.networks import chain
from tests.support import needs_arm_gcc

BOARD = "nucleo-l4r5zi"


def compiled(*, fed: bool) -> Compiled:
    graph = chain()
    stream = build(graph, core_of(load_target(BOARD)), range(3), Pace(1, 2), fed=fed)
    assert stream is not None
    return compiled_with(graph, BOARD, [stream])


def broken(model: Compiled) -> Compiled:
    """The same with another word of weights for the second layer."""
    name = f"{model.plan.name}_weights.c"
    before, mark, after = model.files[name].partition(f"{model.plan.name}_1_weights[")
    _, _, values = after.rpartition("_1_weights")[2].partition("{")
    text = before + mark + after[: len(after) - len(values)] + values.replace("1", "3", 1)
    assert text != model.files[name]
    return replace(model, files={**model.files, name: text})


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("fed", [False, True])
def test_names_the_rows(fed: bool) -> None:
    model = compiled(fed=fed)
    samples = random_samples(ports_of(model.source), 1, 0)
    verify_compiled(model, build_compiled(model), samples)
    wrong = broken(model)
    with pytest.raises(
        VerifyError, match=r"row . of 'n[12]', turn . of the stream of 'n0' to 'n2'"
    ):
        verify_compiled(wrong, build_compiled(wrong), samples)
