# SPDX-License-Identifier: MIT
"""The whole tree of errors a user can meet; each message says what, where, and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence


class MilliwattError(Exception):
    """Something the user can mend. The command line prints it in one block and exits with 2."""


def reason_of(error: Exception) -> str:
    """What went wrong, in words: of an OSError neither its number nor its path."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


class ModelError(MilliwattError):
    """A model file or graph that is malformed or inconsistent."""


class UnsupportedError(ModelError):
    """A well-formed model that needs something milliwatt does not do.

    `problems` lists every unsupported thing at once, one line each, with node names and reasons.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  - {line}" for line in self.problems)]))


class DataError(MilliwattError):
    """Input data of the wrong shape, type or range."""


class TargetError(MilliwattError):
    """An unknown target, or a target description that does not hold together."""


class UnknownFigureError(TargetError):
    """A target whose description lacks the figure that an estimate needs."""


class FitError(MilliwattError):
    """A model that does not fit its target; says need, have, and what takes the most."""


class AccumulatorError(FitError):
    """A partial sum wider than the accumulator of an in-memory-computing machine.

    `layer` is where; `link` the tile of its chain, 0 first; `need_bits` and `have_bits` are signed
    widths.
    """

    def __init__(
        self, message: str, *, layer: str, link: int, need_bits: int, have_bits: int
    ) -> None:
        self.layer = layer
        self.link = link
        self.need_bits = need_bits
        self.have_bits = have_bits
        super().__init__(message)


class OptionError(MilliwattError):
    """An option or path given by the user that cannot be used."""


class ToolchainError(MilliwattError):
    """A compiler or linker that is missing or failed.

    `command` is what ran, `exit_code` its result, `output_tail` the last lines it printed.
    """

    def __init__(
        self,
        message: str,
        *,
        command: Sequence[str] = (),
        exit_code: int | None = None,
        output_tail: str = "",
    ) -> None:
        self.command = tuple(command)
        self.exit_code = exit_code
        self.output_tail = output_tail
        parts = [message]
        if command:
            parts.append(f"  command: {' '.join(command)}")
        if exit_code is not None:
            parts.append(f"  exit code: {exit_code}")
        if output_tail:
            parts.extend(f"  | {line}" for line in output_tail.splitlines())
        super().__init__("\n".join(parts))


class EmulationError(MilliwattError):
    """The emulated program faulted, ran away, or could not be loaded."""


class VerifyError(MilliwattError):
    """An invariant of milliwatt itself is broken: a pass, the planner or a kernel is wrong."""
