# SPDX-License-Identifier: MIT
"""A program that does what C does not define fails, and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sanitized import Program, build_and_run
from tests.support import needs_clang, needs_gcc

_MAIN = """
#include <stdlib.h>
int wrong(int count, int *values);
int main(int argc, char **argv)
{
    (void)argv;
    int *values = calloc(4, sizeof(int));
    const int done = values == NULL ? 1 : wrong(argc, values);
    free(values);
    return done;
}
"""
_OVERFLOW = """
int wrong(int count, int *values);
int wrong(int count, int *values)
{
    values[0] = 0x7fffffff;
    values[1] = values[0] + count;
    return 0;
}
"""
_BEYOND = """
int wrong(int count, int *values);
int wrong(int count, int *values)
{
    values[0] = values[3 + count];
    return 0;
}
"""
_FINE = _BEYOND.replace("3 + count", "2 + count")
COMPILERS = [pytest.param("gcc", marks=needs_gcc), pytest.param("clang", marks=needs_clang)]


def program(folder: Path, compiler: str, text: str) -> Program:
    called, caller = folder / "called.c", folder / "caller.c"
    called.write_text(text, encoding="utf-8")
    caller.write_text(_MAIN, encoding="utf-8")
    return Program(compiler, ("-std=c99",), (called,), (caller,), folder / "program")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    ("text", "message"),
    [(_OVERFLOW, b"signed integer overflow"), (_BEYOND, b"heap-buffer-overflow")],
)
def test_what_is_wrong_is_told(tmp_path: Path, compiler: str, text: str, message: bytes) -> None:
    done = build_and_run(program(tmp_path, compiler, text))
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_is_right_passes(tmp_path: Path, compiler: str) -> None:
    assert build_and_run(program(tmp_path, compiler, _FINE)).returncode == 0


@needs_gcc
def test_what_does_not_compile_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="error"):
        build_and_run(program(tmp_path, "gcc", "int wrong("))
