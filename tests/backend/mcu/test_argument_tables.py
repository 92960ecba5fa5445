# SPDX-License-Identifier: MIT
"""Arguments of calls that lie in tables: the smallest types, one member for equal columns."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.choice.objective import parse_objective
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.backend.mcu.emit.argument_tables import Argument, argument_tables
from milliwatt.errors import VerifyError
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, ports_of, verify_compiled
from tests.passes.graphs import conv, conv_constants, int8, make_graph
from tests.support import needs_arm_gcc


def number(value: int) -> Argument:
    return Argument("int32_t ", str(value), number=value)


def arena(offset: int) -> Argument:
    return Argument("int8_t *", f"(int8_t *)(void *)(arena + {offset})", offset_bytes=offset)


def table(name: str) -> Argument:
    return Argument("const int32_t *", name)


def test_what_differs_is_stored_in_the_smallest_type_and_once() -> None:
    calls = [
        [arena(0), arena(16), table("w0"), number(7), number(3), number(-1), number(70000)],
        [arena(16), arena(0), table("w1"), number(7), number(200), number(-1), number(-5)],
    ]
    calls = [[*call, call[4]] for call in calls]
    found = argument_tables("net_args", calls)
    assert found.definition == (
        "typedef struct {\n"
        "    const int32_t *f2; int32_t f4; int8_t f0; int8_t f1; uint8_t f3;\n} net_args;\n"
    )
    assert found.words == (
        "(int8_t *)(void *)(arena + a->f0)",
        "(int8_t *)(void *)(arena + a->f1)",
        "a->f2",
        "7",
        "a->f3",
        "-1",
        "a->f4",
        "a->f3",
    )
    assert found.tables == ("{w0, 70000, 0, 16, 3}", "{w1, -5, 16, 0, 200}")


def test_pointers_outside_the_arena_stay_pointers() -> None:
    state = Argument("int8_t *", "(int8_t *)(void *)(state + 4)")
    found = argument_tables("args", [[arena(8)], [state]])
    assert found.words == ("a->f0",)
    assert "int8_t *f0;" in found.definition


def test_numbers_beyond_32_bits_are_refused() -> None:
    with pytest.raises(VerifyError, match="32 bits"):
        argument_tables("args", [[number(0)], [number(1 << 40)]])


def chain() -> Graph:
    """Four convolutions of one kind."""
    constants = {}
    steps = []
    before = "x"
    for i in range(4):
        known = conv_constants(8, 8, 1, seed=i)
        constants |= {f"{name}{i}": value for name, value in known.items()}
        steps.append((f"y{i}", conv(), [before, f"w{i}", f"b{i}"], int8(1, 6, 5, 8)))
        before = f"y{i}"
    return make_graph({"x": int8(1, 6, 5, 8)}, steps, constants=constants)


def test_only_where_flash_counts() -> None:
    board = load_target("nucleo-l4r5zi")
    fast = compile_graph(chain(), board, "net")
    small = compile_graph(chain(), board, "net", objective=parse_objective("flash"))
    assert "_args" not in fast.files["net.c"]
    assert small.files["net.c"].count("static const net_shared_0_args net_node_") == 4


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_equals_the_reference(compiler: str) -> None:
    board = load_target("nucleo-l4r5zi")
    small = compile_graph(chain(), board, "net", objective=parse_objective("flash"))
    firmware = build_compiled(small, compiler=compiler, optimisation="-Os")
    verify_compiled(small, firmware, random_samples(ports_of(small.source), 3, 0))
