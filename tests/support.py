# SPDX-License-Identifier: MIT
"""What tests need from the machine: the shared models, compilers, emulators.

Whatever is absent skips the test, with the reason and the remedy in the skip message.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
"""The root of this repository."""

SHARED_VARIABLE = "MILLIWATT_SHARED"
"""The environment variable that names the folder of shared models and data."""


def find_shared() -> Path | None:
    """Return the folder of shared models and data, or None where this machine has none.

    For collection time (parametrising over the models); a test that runs uses the `shared` fixture
    or `shared_dir`.
    """
    named = os.environ.get(SHARED_VARIABLE)
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    return folder.resolve() if (folder / "models").is_dir() else None


def shared_dir() -> Path:
    """Return the folder of shared models and data, or skip the calling test."""
    folder = find_shared()
    if folder is None:
        pytest.skip(
            f"needs the shared models: set {SHARED_VARIABLE} to their folder,"
            " or put it beside the repository as 'shared'"
        )
    return folder


def shared_file(*parts: str) -> Path:
    """Return one file of the shared folder, or skip the calling test.

    A folder that is there but lacks the file is a mistake in the test's path: FileNotFoundError.
    """
    path = shared_dir().joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(f"the shared folder holds no {Path(*parts)}")
    return path


def tracked_files() -> list[Path]:
    """Return every file that git tracks, or skip the calling test outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("needs a git checkout: the tracked files are what is examined")
    paths = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def needs_tool(command: str, package: str) -> pytest.MarkDecorator:
    """Return a mark that skips where `command` is not on PATH, naming Debian's `package`."""
    return pytest.mark.skipif(
        shutil.which(command) is None,
        reason=f"needs {command}: apt-get install {package}",
    )


needs_gcc = needs_tool("gcc", "gcc libc6-dev")
needs_clang = needs_tool("clang", "clang")
needs_arm_gcc = needs_tool("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
needs_qemu = needs_tool("qemu-system-arm", "qemu-system-arm")
