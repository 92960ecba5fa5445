# SPDX-License-Identifier: MIT
"""What every file of the repository keeps to, and what a wheel holds."""

import zipfile
from pathlib import Path

import pytest
from flit_core import buildapi

from tests.support import REPOSITORY, tracked_files

LICENCE_LINES = {
    ".py": "# SPDX-License-Identifier: MIT",
    ".sh": "# SPDX-License-Identifier: MIT",
    ".c": "/* SPDX-License-Identifier: MIT */",
    ".h": "/* SPDX-License-Identifier: MIT */",
}


def test_every_source_names_its_licence_first() -> None:
    missing = []
    for path in tracked_files():
        wanted = LICENCE_LINES.get(path.suffix)
        lines = path.read_text().splitlines() if wanted else []
        if lines and wanted not in lines[:2]:
            missing.append(str(path.relative_to(REPOSITORY)))
    assert not missing


def test_the_wheel_holds_every_file_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernels, catalogue and firmware are data files: an installed package needs them too."""
    monkeypatch.chdir(REPOSITORY)
    name = buildapi.build_wheel(str(tmp_path))
    held = set(zipfile.ZipFile(tmp_path / name).namelist())
    source = REPOSITORY / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in tracked_files()
        if path.is_relative_to(source)
    }
    assert wanted
    assert not wanted - held
