# SPDX-License-Identifier: MIT
"""Content-addressed files in the user's cache folder, safe for processes running side by side."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from milliwatt.errors import OptionError

CACHE_LIMIT_BYTES = 1 << 30
"""Above this much, files unused for a day are removed, oldest first."""

_DAY_SECONDS = 86_400


def cache_folder() -> Path:
    """`milliwatt` in `$XDG_CACHE_HOME`, or in `~/.cache`; created when missing.

    Raises OptionError when it cannot be written.
    """
    folder = _base_folder() / "milliwatt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(_unusable(folder, error)) from error
    return folder


def tool_environment() -> dict[str, str]:
    """This process's environment for a compiler; zig's cache is beside ours.

    zig's own choice fails where HOME is not set, and never returns where it cannot be created.
    """
    return {"ZIG_GLOBAL_CACHE_DIR": str(cache_folder().parent / "zig"), **os.environ}


def _base_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: "consider the path invalid and ignore it" where it is relative.
    if os.path.isabs(base):
        return Path(base)
    try:
        return Path.home() / ".cache"
    except RuntimeError as error:
        raise OptionError(
            "no home folder to keep the cache in: set XDG_CACHE_HOME to a folder you can write"
        ) from error


def _unusable(folder: Path, error: OSError) -> str:
    return (
        f"cannot write to the cache folder {folder}: {error.strerror};"
        " set XDG_CACHE_HOME to a folder you can write"
    )


def content_key(parts: Iterable[str | bytes]) -> str:
    """A hash of the parts in order, told apart by their lengths."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:40]


def cached_file(key: str, suffix: str, make: Callable[[Path], None]) -> Path:
    """The cached file for `key`; `make(path)` writes it first when it does not exist.

    The file appears whole or not at all, whatever interrupts `make`.
    """
    path = cache_folder() / key[:2] / f"{key}{suffix}"
    if path.is_file():
        with suppress(OSError):  # a cache that is read-only by now still serves
            os.utime(path)
        return path
    _prune_once()
    with scratch_folder() as folder:
        made = folder / f"made{suffix}"
        make(made)
        try:
            path.parent.mkdir(exist_ok=True)
            os.replace(made, path)
        except OSError as error:
            raise OptionError(_unusable(path.parent, error)) from error
    return path


@contextmanager
def scratch_folder() -> Generator[Path]:
    """A temporary folder on the cache's file system, removed on the way out.

    Raises OptionError when it cannot be made, or fills up while it is used.
    """
    base = cache_folder()
    try:
        folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=base))
    except OSError as error:
        raise OptionError(_unusable(base, error)) from error
    try:
        yield folder
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OptionError(_unusable(base, error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prune_cache(limit_bytes: int = CACHE_LIMIT_BYTES, unused_seconds: float = _DAY_SECONDS) -> int:
    """Remove the least recently used files above `limit_bytes`; return the bytes freed.

    Files used within `unused_seconds` stay, so that no running process loses one.
    """
    entries = _entries_by_age()
    excess = sum(size for _, size, _ in entries) - limit_bytes
    freed = 0
    oldest_kept = time.time() - unused_seconds
    for used, size, path in entries:
        if freed >= excess or used > oldest_kept:
            break
        path.unlink(missing_ok=True)
        freed += size
    return freed


@cache
def _prune_once() -> int:
    return prune_cache()


def _entries_by_age() -> list[tuple[float, int, Path]]:
    entries: list[tuple[float, int, Path]] = []
    for folder in cache_folder().iterdir():
        # Other processes remove their scratch folders at any time.
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in folder.iterdir():
                status = path.stat()
                if stat.S_ISREG(status.st_mode):
                    entries.append((status.st_mtime, status.st_size, path))
    return sorted(entries)
