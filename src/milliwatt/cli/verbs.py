# SPDX-License-Identifier: MIT
"""The verbs of the command line: one a module, loaded only when it is used."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper

import click

from milliwatt.errors import MilliwattError

_VERBS = {
    "compare": "Boards, digital and analogue in-memory computing side by side on one model.",
    "compile": "Turn a model into C for a target, and prove it on an emulated core.",
    "demo": "The whole road: train, quantise, compile, run every test image on the core.",
    "frontier": "How much SRAM buys how many instructions: layers computed by rows, measured.",
    "inspect": "Show a model's operators, sizes and memory over time, and what is unsupported.",
    "map": "Map a model to an in-memory-computing machine: tiles, cycles, energy, layer by layer.",
    "run": "Run a generated project on the host or on an emulated core.",
    "targets": "The boards milliwatt knows, each figure with its source.",
    "tune": "Measure the kernels of every layer on the emulated core, and keep the best.",
}


_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What writing to standard output fails with, but for a closed pipe."""


class _LazyGroup(click.Group):
    """A group that imports a verb's module when the verb is called or its help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command: click.Command = import_module(f"milliwatt.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _VERBS:
            ctx.fail(f"no verb '{args[0]}'; there are: {', '.join(sorted(_VERBS))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(sorted(_VERBS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("milliwatt"), prog_name="milliwatt")
def _milliwatt() -> None:
    """Machine learning under a milliwatt: compile networks for microcontrollers, and prove it."""


def run(arguments: list[str] | None = None) -> int:
    """Run a verb, and say in one block what went wrong; the exit code."""
    _prepare_streams()
    try:
        _milliwatt.main(arguments, prog_name="milliwatt", standalone_mode=False)
        sys.stdout.flush()
    except MilliwattError as error:
        return _fail(str(error))
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; no output is half-written")
    except BrokenPipeError:
        sys.stderr.close()
        return 2
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS or error.filename is not None:
            raise
        _discard_output()
        return _fail(f"cannot write to standard output: {error.strerror}")
    return 0


def _prepare_streams() -> None:
    """Make streams that are closed, or that lack a character, swallow what they cannot show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            sink = os.open(os.devnull, os.O_WRONLY)
            setattr(sys, name, os.fdopen(sink, "w", encoding="utf-8"))
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _discard_output() -> None:
    """Let what is still buffered go nowhere, so that Python's exit does not fail on it again."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)


def _fail(message: str) -> int:
    with suppress(OSError):  # standard error may be full as well
        click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)
    return 2
