# SPDX-License-Identifier: MIT
"""Objectives: how they are written, and which kernel they choose."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.choice.objective import SPEED, Objective, parse_objective
from milliwatt.backend.mcu.choice.select import candidates, site_of
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.planning.place import make_plan
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.errors import OptionError
from tests.backend.mcu.networks import residual

CORE = Core(dsp=True)


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("speed", SPEED),
        ("flash", Objective(flash=1.0)),
        ("speed=1,flash=0.2", Objective(speed=1.0, flash=0.2)),
        (" sram=2 , speed", Objective(speed=1.0, sram=2.0)),
    ],
)
def test_an_objective_is_read_and_printed(text: str, objective: Objective) -> None:
    assert parse_objective(text) == objective
    assert parse_objective(str(objective)) == objective


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size", "no 'size'; there are speed, sram, flash"),
        ("", "no ''"),
        ("speed=fast", "'fast' is not a number"),
        ("speed=", "'' is not a number"),
        ("speed,speed=2", "names speed twice"),
        ("speed=-1", "not negative"),
        ("flash=nan", "finite"),
        ("speed=0", "weight above 0"),
    ],
)
def test_an_objective_that_is_none_says_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_objective(text)


def test_flash_builds_for_size() -> None:
    assert SPEED.optimisation == Objective(speed=1, flash=0.5).optimisation == "-O2"
    assert Objective(flash=1).optimisation == "-Os"


def test_speed_takes_the_first_candidate_and_kept_choices_come_first() -> None:
    graph = residual()
    node = next(n for n in graph.nodes if len(candidates(site_of(graph, n), CORE)) > 1)
    first, *others = candidates(site_of(graph, node), CORE)
    assert kernels(make_plan(graph, CORE, "net"))[node.name] == first.name
    for wanted in (others[-1].name, first.name + "@shape"):
        plan = make_plan(graph, CORE, "net", kept={node.name: wanted})
        assert kernels(plan)[node.name] == wanted


def kernels(plan: Plan) -> dict[str, str]:
    return {step.node.name: step.kernel for step in plan.steps}


def test_a_kept_kernel_that_does_not_compute_the_node_is_refused() -> None:
    graph = residual()
    node = graph.nodes[0]
    with pytest.raises(OptionError, match=f"'{node.name}', kernel 'none_such'.*there are: "):
        make_plan(graph, CORE, "net", kept={node.name: "none_such"})


def test_kept_choices_of_another_model_are_refused() -> None:
    with pytest.raises(OptionError, match=r"name nodes that .* does not have: elsewhere; tune"):
        make_plan(residual(), CORE, "net", kept={"elsewhere": "relu"})
