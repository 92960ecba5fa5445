# SPDX-License-Identifier: MIT
"""Printing that every verb shares."""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH_WITHOUT_TERMINAL = 140

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


def show(renderable: RenderableType) -> None:
    """Print a table or text to standard output; files and pipes get no spaces at ends of lines."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console(highlight=False, markup=False, emoji=False).print(renderable)
        return
    console = Console(width=WIDTH_WITHOUT_TERMINAL, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable, soft_wrap=isinstance(renderable, str))
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().split("\n")[:-1])


def show_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print `value` as indented JSON; NaN and infinities, which JSON does not have, as null."""
    click.echo(json.dumps(_finite(value), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


@contextmanager
def interrupts_wait() -> Generator[None]:
    """Hold Ctrl-C back until the block is done, which must be short; main thread only.

    A handler, not a signal mask: a library's thread may take the signal, and Python would still
    interrupt the main one.
    """
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        raise KeyboardInterrupt


def progress(text: str) -> None:
    """A line of progress that the next one overwrites; nothing where no one is watching."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}\r", err=True, nl=False)


def say(text: str) -> None:
    """A line of progress, on standard error so that results can be piped."""
    click.echo(text, err=True)
