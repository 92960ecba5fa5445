# SPDX-License-Identifier: MIT
"""The pins, the metadata and the installed package agree, and nothing names a download address."""

import re
import tomllib
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import milliwatt
from tests.support import REPOSITORY, tracked_files

LOCK = REPOSITORY / "requirements" / "lock.txt"
TORCH = REPOSITORY / "requirements" / "torch.txt"
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

# The hosts' names in pieces, so that this file passes its own test.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("download", "pytorch", "org"),
        ("npmjs", "org"),
        ("deb", "debian", "org"),
    )
)
INDEX_OPTION = re.compile(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (specifier,) = self.requirement.specifier
        return specifier.version


def read_pins(path: Path) -> list[Pin]:
    lines = re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE)
    pins: list[Pin] = []
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            hashes = tuple(HASH.findall(line))
            pins.append(Pin(Requirement(HASH.sub("", line).strip()), hashes))
    return pins


@pytest.mark.parametrize("path", [LOCK, TORCH], ids=lambda path: path.name)
def test_every_pin_is_one_exact_version_with_hashes(path: Path) -> None:
    pins = read_pins(path)
    assert pins
    for pin in pins:
        assert [specifier.operator for specifier in pin.requirement.specifier] == ["=="], pin
        assert "*" not in pin.version, pin
        assert pin.requirement.url is None, pin
        assert pin.hashes, pin


def test_each_package_is_pinned_once() -> None:
    names = [pin.name for path in (LOCK, TORCH) for pin in read_pins(path)]
    assert len(names) == len(set(names))


def test_no_cuda_package_is_pinned() -> None:
    names = [pin.name for path in (LOCK, TORCH) for pin in read_pins(path)]
    assert not [name for name in names if re.search(r"nvidia|cuda|triton|cupti|nccl", name)]


def test_torch_is_pinned_in_its_own_file_only() -> None:
    assert [(pin.name, pin.version) for pin in read_pins(TORCH)] == [("torch", "2.13.0")]
    assert "torch" not in {pin.name for pin in read_pins(LOCK)}


def test_the_pins_satisfy_every_declared_dependency() -> None:
    pinned = {pin.name: pin.version for path in (LOCK, TORCH) for pin in read_pins(path)}
    declared = list(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        declared += extra
    for text in declared:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name == "milliwatt":
            continue
        assert name in pinned, f"{name} is declared but not pinned: run scripts/lock"
        assert requirement.specifier.contains(pinned[name], prereleases=True), text


def test_what_installs_names_no_address() -> None:
    for path in tracked_files():
        place = path.relative_to(REPOSITORY)
        if place.parts[0] in {"requirements", "scripts", ".ci", "Makefile", "pyproject.toml"}:
            text = path.read_text()
            assert "://" not in text, place
            assert not INDEX_OPTION.search(text), place


def test_no_tracked_file_names_a_package_host() -> None:
    for path in tracked_files():
        content = path.read_bytes()
        found = [host for host in HOSTS if host.encode() in content]
        assert not found, f"{path.relative_to(REPOSITORY)} names {found}"


def test_the_installed_package_is_this_one() -> None:
    assert metadata.version("milliwatt") == milliwatt.__version__ == PROJECT["version"]
    assert resources.files("milliwatt").joinpath("py.typed").is_file()


def test_the_command_is_installed() -> None:
    (command,) = metadata.entry_points(group="console_scripts", name="milliwatt")
    assert command.value == "milliwatt.cli.main:main"
    assert callable(command.load())


def test_the_gpl_engine_is_no_core_dependency() -> None:
    core = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert "unicorn" not in core
    assert PROJECT["license"] == "MIT"
