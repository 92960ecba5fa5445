# SPDX-License-Identifier: MIT
"""Reading model files from disk."""

from __future__ import annotations

import stat
from pathlib import Path

from milliwatt.errors import ModelError
from milliwatt.units import format_bytes

MAX_FILE_BYTES = 1 << 28
"""Larger files are no networks for microcontrollers, and are not read."""


def read_bytes(path: Path) -> bytes:
    """The whole file; ModelError where it cannot be read or is too large."""
    try:
        status = path.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            # Devices and pipes have no size, and may never end.
            raise ModelError(f"cannot read {path}: not a regular file")
        size_bytes = status.st_size
        if size_bytes > MAX_FILE_BYTES:
            raise ModelError(
                f"{path}: {format_bytes(size_bytes)}; models have at most "
                f"{format_bytes(MAX_FILE_BYTES)}"
            )
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
