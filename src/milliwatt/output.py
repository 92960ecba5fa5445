# SPDX-License-Identifier: MIT
"""Output folders and files, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
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


def write_folder(folder: str | Path, files: Mapping[str, str | bytes], marker: str) -> None:
    """Make `folder` hold exactly `files`; on any failure it is left as it was.

    An existing folder is replaced only if it is empty or holds `marker`, the file that says it is
    our own earlier output; otherwise OptionError.
    """
    folder = Path(folder)
    if folder.exists() and (
        not folder.is_dir() or (any(folder.iterdir()) and not (folder / marker).is_file())
    ):
        raise OptionError(
            f"{folder} exists and was not written by milliwatt (no {marker} in it): "
            "choose another output folder, or empty this one"
        )
    with _writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            for name, content in files.items():
                target = temporary / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode() if isinstance(content, str) else content)
            os.chmod(temporary, 0o755)
            _replace_folder(temporary, folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _replace_folder(new: Path, folder: Path) -> None:
    if not folder.exists():
        os.replace(new, folder)
        return
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    os.replace(folder, old / "it")
    try:
        os.replace(new, folder)
    except OSError:
        os.replace(old / "it", folder)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
