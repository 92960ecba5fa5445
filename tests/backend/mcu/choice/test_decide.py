# SPDX-License-Identifier: MIT
"""Choosing an option for every layer: never worse than the default, best where it can be told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.mcu.choice.decide import Choice, Option, decide
from milliwatt.backend.mcu.choice.objective import SPEED, Objective

FLASH = Objective(flash=1.0)

options = st.builds(
    Option,
    kernel=st.just("k"),
    work=st.integers(1, 100).map(float),
    own_bytes=st.integers(0, 50),
    code=st.sampled_from("abc"),
    code_bytes=st.just(40),
    scratch_bytes=st.integers(0, 20),
)
networks = st.lists(st.lists(options, min_size=1, max_size=3), min_size=1, max_size=4)
weights = st.sampled_from([0.0, 0.25, 1.0])
objectives = (
    st.tuples(weights, weights, weights).filter(any).map(lambda w: Objective(w[0], w[1], w[2]))
)


def option(work: float, own: int, code: str, code_bytes: int = 100) -> Option:
    return Option("k", work, own, code, code_bytes, 0)


def totals(layers: list[list[Option]], choice: Choice) -> tuple[float, int]:
    """Work and flash."""
    taken = [some[i] for some, i in zip(layers, choice, strict=True)]
    code = sum({one.code: one.code_bytes for one in taken}.values())
    return sum(one.work for one in taken), code + sum(one.own_bytes for one in taken)


def cost(layers: list[list[Option]], choice: Choice, objective: Objective) -> float:
    default = totals(layers, (0,) * len(layers))
    found = totals(layers, choice)
    ratios = [new / max(old, 1) for new, old in zip(found, default, strict=True)]
    return objective.cost(instructions=ratios[0], flash=ratios[1], sram=1.0)


@given(networks, objectives)
def test_a_decision_is_never_worse_than_the_default(
    layers: list[list[Option]], objective: Objective
) -> None:
    found = decide(layers, objective)
    assert cost(layers, found, objective) <= cost(layers, (0,) * len(layers), objective) + 1e-9


@given(networks)
def test_for_speed_every_layer_is_fastest(layers: list[list[Option]]) -> None:
    found = decide(layers, SPEED)
    assert totals(layers, found)[0] == sum(min(o.work for o in some) for some in layers)


def test_code_that_layers_share_is_paid_once() -> None:
    """Small kernels of their own would win layer by layer; one shared kernel wins together."""
    small = [[option(1, 0, "fast", 100), option(2, 60, f"small{i}", 30)] for i in range(3)]
    assert decide(small, FLASH) == (0, 0, 0)
    alone = small[:1]
    assert decide(alone, FLASH) == (1,)


def test_layers_leave_a_code_together() -> None:
    """No single layer saves a byte by leaving `big`; all of them do."""
    layers = [[option(1, 0, "big", 1000), option(2, 100, "own", 0)] for _ in range(3)]
    assert decide(layers, FLASH) == (1, 1, 1)


def test_a_mix_weighs() -> None:
    layers = [[option(100, 0, "fast", 1000), option(110, 0, "small", 500)]]
    for flash, wanted in ((0.1, 0), (0.3, 1)):
        mix = Objective(speed=1.0, flash=flash)
        assert decide(layers, mix) == (wanted,)
