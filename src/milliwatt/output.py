# SPDX-License-Identifier: MIT
"""Output folders and files, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from milliwatt.errors import OptionError


@contextlib.contextmanager
def _writing(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise OptionError(f"cannot write {path}: {error.strerror or error}") from error


def write_file(path: Path, content: str | bytes) -> None:
    """Write one file, replacing what was there only when all of it is on disk."""
    with staged_file(path, content):
        pass


@contextlib.contextmanager
def staged_file(path: Path, content: str | bytes) -> Generator[None]:
    """Put a file on disk, under its own name only when the block ends without an error.

    A link stays one: the file that it leads to is replaced. Devices and pipes cannot be replaced;
    they are written to after the block.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file() and not path.is_dir():
        yield
        with _writing(path), path.open("wb") as device:
            device.write(data)
        return
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    temporary = _stage(path, data)
    try:
        yield
        with _writing(path):
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _stage(path: Path, data: bytes) -> str:
    """A new file beside `path` that holds `data`."""
    with _writing(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.chmod(temporary, 0o644)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        return temporary


def check_file(path: Path) -> None:
    """Raise OptionError unless `write_file` may write `path`, as far as one can tell."""
    with _writing(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not path.exists() or path.is_file():
            _probe(Path(os.path.realpath(path)).parent)


def _probe(folder: Path) -> None:
    """An OSError where nothing can be made in `folder`, or in what there is of the way to it."""
    there = next(p for p in (folder, *folder.parents) if p.exists())
    os.rmdir(tempfile.mkdtemp(dir=there, prefix=".milliwatt."))


def check_folder(folder: Path, marker: str) -> None:
    """Raise OptionError unless `write_folder` may write to `folder`, as far as one can tell."""
    with _writing(folder):
        place = Path(os.path.realpath(folder))
        free = not place.exists() or (place.is_dir() and not any(place.iterdir()))
        if free or (place / marker).is_file():
            _probe(place)
            return
    raise OptionError(
        f"{folder} exists and was not written by milliwatt (no {marker} in it): "
        "choose another output folder, or empty this one"
    )


def write_folder(folder: str | Path, files: Mapping[str, str | bytes], marker: str) -> None:
    """Put `files` into `folder` instead of those written there before; all of them or none.

    An existing folder must be empty or hold `marker`, the JSON file whose "files" lists our own
    earlier output; otherwise OptionError. What the user has added to that stays. On any failure
    the folder is left as it was.
    """
    folder = Path(folder)
    check_folder(folder, marker)
    with _writing(folder):
        place = Path(os.path.realpath(folder))
        exists = place.exists()
        place.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=place if exists else place.parent, prefix=".milliwatt."))
        try:
            new = stage / "new"
            new.mkdir()
            for name, content in files.items():
                (new / name).write_bytes(content.encode() if isinstance(content, str) else content)
            if exists:
                _exchange(place, new, stage / "old", _ours(place, marker, files))
            else:
                os.replace(new, place)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _ours(folder: Path, marker: str, files: Mapping[str, str | bytes]) -> list[str]:
    """Names in `folder` that are in `files`, or in the list that `marker` holds."""
    try:
        content = json.loads((folder / marker).read_text(encoding="utf-8"))
        ours = {marker, *map(str, content["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        ours = {marker}
    return [path.name for path in folder.iterdir() if path.name in ours | set(files)]


def _exchange(folder: Path, new: Path, old: Path, replaced: Sequence[str]) -> None:
    """Move `replaced` from `folder` to `old` and all of `new` to `folder`, or undo every move.

    The folder itself stays: it may be a mount point, or where the user's shell is.
    """
    old.mkdir()
    moves = [(folder / name, old / name) for name in replaced]
    moves += [(path, folder / path.name) for path in sorted(new.iterdir())]
    begun: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            begun.append((source, target))
            os.replace(source, target)
    except BaseException:
        for source, target in reversed(begun):
            with contextlib.suppress(FileNotFoundError):  # the move that failed
                os.replace(target, source)
        raise
