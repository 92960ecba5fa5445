# SPDX-License-Identifier: MIT
from __future__ import annotations

from collections.abc import Sequence

import pytest

from milliwatt.backend.mcu.memory import Alias, Buffer, InPlace, Problem, Step
from milliwatt.errors import VerifyError

X, Y, Z = (Buffer(name, 8) for name in "xyz")
F = Step("f", ("x",), ("y",))


def message(
    buffers: Sequence[Buffer], steps: Sequence[Step], persistent: tuple[str, ...] = ()
) -> str:
    with pytest.raises(VerifyError) as caught:
        Problem(tuple(buffers), tuple(steps), inputs=("x",), persistent=persistent)
    return str(caught.value)


@pytest.mark.parametrize(
    ("buffers", "steps", "expected"),
    [
        ((X, X), (), "memory: 2 buffers are named 'x'"),
        ((X, Buffer(" y", 8)), (), "memory: buffer name ' y' is empty, padded or not printable"),
        ((X, Y, Z), (F, Step("f", (), ("z",))), "memory: 2 steps are named 'f'"),
        ((Y,), (Step("f", (), ("y",)),), "memory: input 'x' is not among the buffers"),
        ((X,), (F,), "memory: a buffer of 'f' 'y' is not among the buffers"),
        ((Buffer("x", 0),), (), "memory: buffer 'x' has 0 bytes; at least 1 needed"),
        ((Buffer("x", 8, 3),), (), "memory: buffer 'x' has alignment 3; a power of two needed"),
        (
            (X, Y),
            (Step("f", ("x",), ("y",), scratch_bytes=-1),),
            "memory: scratch of 'f' has -1 bytes; at least 0 needed",
        ),
        ((X, Y), (), "memory: buffer 'y' is never written"),
        ((X, Y), (Step("f", ("y",), ("y",)),), "memory: step 'f' reads 'y' before it is written"),
        ((X,), (Step("f", (), ("x",)),), "memory: step 'f' writes 'x' a second time"),
        (
            (X, Y),
            (Step("f", ("x",), ("y",), in_place=(InPlace("y", "x"),)),),
            "memory: step 'f' pairs 'y' with 'x', not a buffer it reads with one it writes",
        ),
        (
            (X, Y),
            (Step("f", ("x",), ("y",), in_place=(InPlace("x", "y"),), aliases=(Alias("x", "y"),)),),
            "memory: step 'f' pairs 'x' with 'y' twice",
        ),
        (
            (X, Y),
            (Step("f", ("x",), ("y",), in_place=(InPlace("x", "y", 1, 0),)),),
            "memory: step 'f' allows no shift from 1 to 0",
        ),
        (
            (X, Y),
            (Step("f", ("x",), ("y",), aliases=(Alias("x", "y", 2),)),),
            "memory: aliases place buffer 'y' 2 bytes into its block, not a multiple of its "
            "alignment 4",
        ),
        (
            (X, Y, Z),
            (
                Step("f", ("x",), ("y",), aliases=(Alias("x", "y"),)),
                Step("g", ("x", "y"), ("z",), aliases=(Alias("x", "z"), Alias("y", "z", 4))),
            ),
            "memory: aliases place buffer 'z' both 0 and 4 bytes above 'x'",
        ),
    ],
)
def test_broken_problems_are_refused(
    buffers: Sequence[Buffer], steps: Sequence[Step], expected: str
) -> None:
    assert message(buffers, steps) == expected


def test_state_is_neither_input_nor_shared() -> None:
    assert message((X,), (), ("x",)) == "memory: buffer 'x' is both an input and persistent"
    alias = Step("f", ("x",), ("y",), aliases=(Alias("x", "y"),))
    assert message((X, Y), (alias,), ("y",)) == (
        "memory: step 'f' pairs 'x' with 'y'; persistent buffers never share bytes"
    )


def test_aliases_may_not_put_different_contents_on_the_same_bytes() -> None:
    """`x` begins two concatenations, which continue with different buffers."""
    buffers = (X, Y, Z, Buffer("xy", 16), Buffer("xz", 16))
    steps = (
        Step("f", (), ("y",)),
        Step("g", (), ("z",)),
        Step("c", ("x", "y"), ("xy",), aliases=(Alias("x", "xy"), Alias("y", "xy", -8))),
        Step("d", ("x", "z"), ("xz",), aliases=(Alias("x", "xz"), Alias("z", "xz", -8))),
    )
    assert message(buffers, steps) == (
        "memory: aliases put buffers 'xy' and 'xz' on the same bytes, yet their contents differ"
    )
