# SPDX-License-Identifier: MIT
"""Output folders and files, written whole or not at all."""

from __future__ import annotations

import contextlib
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
    data = content.encode() if isinstance(content, str) else content
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def check_folder(folder: Path, marker: str) -> None:
    """Raise OptionError unless `write_folder` may write to `folder`."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / marker).is_file():
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
        place = folder.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
        try:
            for name, content in files.items():
                (temporary / name).write_bytes(
                    content.encode() if isinstance(content, str) else content
                )
            os.chmod(temporary, 0o755)
            _replace_folder(temporary, place, _added_by_user(place, marker, files))
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _added_by_user(folder: Path, marker: str, files: Mapping[str, str | bytes]) -> list[str]:
    """Names in `folder` that are neither in `files` nor in the list that `marker` holds."""
    if not folder.exists():
        return []
    try:
        content = json.loads((folder / marker).read_text(encoding="utf-8"))
        ours = {marker, *map(str, content["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        ours = {marker}
    return [path.name for path in folder.iterdir() if path.name not in ours | set(files)]


def _replace_folder(new: Path, folder: Path, kept: Sequence[str]) -> None:
    """Swap `folder` for `new`, then move `kept` over from the old one, and delete what is left."""
    if not folder.exists():
        os.replace(new, folder)
        return
    backup = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    old = backup / "it"
    os.replace(folder, old)
    try:
        os.replace(new, folder)
    except BaseException:
        os.replace(old, folder)
        backup.rmdir()
        raise
    for name in kept:
        os.replace(old / name, folder / name)
    shutil.rmtree(backup, ignore_errors=True)
