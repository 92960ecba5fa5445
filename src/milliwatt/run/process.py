# SPDX-License-Identifier: MIT
"""Running external programs, their failures as typed errors."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from milliwatt.errors import ToolchainError
from milliwatt.run.cache import tool_environment

TAIL_LINES = 30


def output_tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a program's output."""
    return "\n".join(text.strip().splitlines()[-lines:])


def run_tool(command: Sequence[str], *, purpose: str, cwd: Path | None = None) -> bytes:
    """Run a compiler or linker to its end and return its standard output.

    Raises ToolchainError with the command, its exit code and last lines when it fails.
    """
    try:
        done = subprocess.run(
            command, cwd=cwd, env=tool_environment(), capture_output=True, check=False
        )
    except OSError as error:
        raise ToolchainError(
            f"{purpose}: cannot start {command[0]}: {error.strerror}", command=command
        ) from error
    if done.returncode != 0:
        text = done.stderr.decode(errors="replace") or done.stdout.decode(errors="replace")
        raise ToolchainError(
            f"{purpose} failed",
            command=command,
            exit_code=done.returncode,
            output_tail=output_tail(text),
        )
    return done.stdout
