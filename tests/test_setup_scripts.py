# SPDX-License-Identifier: MIT
"""The set-up scripts, run with a PATH that holds only stand-ins: nothing is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import REPOSITORY

COMMANDS = ("gcc", "clang", "arm-none-eabi-gcc", "qemu-system-arm")
# What the scripts themselves use.
BASICS = ("bash", "cat", "dirname", "env", "grep", "mktemp", "rm", "tail", "touch")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that is the whole PATH: the basic commands, and a user who is not root."""
    path = tmp_path / "bin"
    path.mkdir()
    for name in BASICS:
        found = shutil.which(name)
        assert found is not None
        (path / name).symlink_to(found)
    add_command(path, "id", "echo 1000")
    return path


def add_command(path: Path, name: str, body: str = "") -> None:
    script = path / name
    script.write_text(f"#!{path / 'bash'}\n{body}\n")
    script.chmod(0o755)


def add_compilers(path: Path) -> None:
    """Put every command on PATH that set-up would install."""
    for name in COMMANDS:
        add_command(path, name)
    add_command(path, "clang", f'echo "{path}"')


def run_script(script: Path, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [path / "bash", script],
        env={"PATH": str(path), "TMPDIR": str(path.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def run_system_packages(path: Path) -> str:
    done = run_script(REPOSITORY / "scripts" / "system-packages", path)
    assert done.returncode == 0
    assert done.stderr == ""
    return done.stdout


def test_silent_where_nothing_is_missing(machine: Path) -> None:
    add_compilers(machine)
    assert run_system_packages(machine) == ""


def test_prints_the_command_where_the_user_may_not_install(machine: Path) -> None:
    add_command(machine, "apt-get", "echo called >&2; exit 1")
    add_command(machine, "gcc")
    assert run_system_packages(machine).splitlines()[-1].split() == [
        *("sudo", "apt-get", "install", "-y", "--no-install-recommends"),
        *(
            "clang",
            "libclang-rt-dev",
            "gcc-arm-none-eabi",
            "libnewlib-arm-none-eabi",
            "qemu-system-arm",
        ),
    ]


def test_goes_on_where_sudo_asks_for_a_password(machine: Path) -> None:
    add_command(machine, "apt-get", "echo called >&2; exit 1")
    add_command(machine, "sudo", "exit 1")
    assert "sudo apt-get install" in run_system_packages(machine)


def test_names_the_packages_where_there_is_no_apt(machine: Path) -> None:
    assert "gcc-arm-none-eabi" in run_system_packages(machine)


def test_root_installs_only_what_is_missing(machine: Path) -> None:
    add_command(machine, "id", "echo 0")
    add_command(machine, "apt-get", f'echo "$@" >> "{machine}/calls"')
    add_compilers(machine)
    (machine / "qemu-system-arm").unlink()
    run_system_packages(machine)
    update, install = (machine / "calls").read_text().splitlines()
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends qemu-system-arm")


def test_clang_without_its_sanitizers_is_completed(machine: Path) -> None:
    add_compilers(machine)
    add_command(machine, "clang", f'echo "{machine}/no-such-folder"')
    assert run_system_packages(machine).split()[-2:] == ["clang", "libclang-rt-dev"]


def test_goes_on_where_the_installation_fails(machine: Path) -> None:
    add_command(machine, "id", "echo 0")
    add_command(machine, "apt-get", 'echo "E: no network"; exit 100')
    printed = run_system_packages(machine)
    assert "E: no network" in printed
    assert "Could not install gcc libc6-dev clang" in printed


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what set-up reads, without a .venv."""
    copy = tmp_path / "checkout"
    for folder in ("scripts", "requirements"):
        shutil.copytree(REPOSITORY / folder, copy / folder)
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    return copy


def test_an_old_python_is_refused_in_words(machine: Path, checkout: Path) -> None:
    add_command(machine, "python3", '[ "$1" = --version ] && echo "Python 3.9.2"; exit 1')
    done = run_script(checkout / "scripts" / "setup", machine)
    assert done.returncode == 2
    assert done.stderr.startswith("milliwatt needs Python 3.11 or newer; found: Python 3.9.2\n")


def test_a_missing_venv_module_is_explained(machine: Path, checkout: Path) -> None:
    add_command(machine, "python3.11", '[ "$2" != venv ]')
    done = run_script(checkout / "scripts" / "setup", machine)
    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr


def test_a_current_setup_does_nothing(machine: Path, checkout: Path) -> None:
    stamp = checkout / ".venv" / ".setup"
    stamp.parent.mkdir()
    stamp.touch()
    newest = max(path.stat().st_mtime for path in checkout.rglob("*"))
    os.utime(stamp, (newest + 1, newest + 1))
    done = run_script(checkout / "scripts" / "setup", machine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def add_venv(machine: Path, checkout: Path, body: str) -> Path:
    """Give `checkout` a .venv whose Python is `body`, set up long ago; return the stamp."""
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    add_command(machine, "python", body)
    (binaries / "python").symlink_to(machine / "python")
    stamp = checkout / ".venv" / ".setup"
    stamp.touch()
    os.utime(stamp, (1, 1))
    return stamp


def test_a_changed_pin_is_installed(machine: Path, checkout: Path) -> None:
    """A stamp older than the lock runs pip with hashes, and the package itself without them."""
    stamp = add_venv(
        machine, checkout, f'[ "$2" = pip ] && echo "$@" >> "{checkout}/calls"; exit 0'
    )
    done = run_script(checkout / "scripts" / "setup", machine)
    assert done.returncode == 0, done.stderr
    calls = (checkout / "calls").read_text().splitlines()
    pinned, package = [call for call in calls if " install " in call]
    assert "--no-deps --require-hashes -r requirements/lock.txt" in pinned
    assert "--no-deps --no-build-isolation --editable ." in package
    assert stamp.stat().st_mtime > (checkout / "requirements" / "lock.txt").stat().st_mtime


def test_goes_on_without_torch_and_tries_again_next_time(machine: Path, checkout: Path) -> None:
    stamp = add_venv(
        machine,
        checkout,
        'case "$*" in *"import torch"*) exit 1 ;;'
        ' *torch.txt*) echo "THESE PACKAGES DO NOT MATCH THE HASHES" >&2; exit 1 ;; esac',
    )
    done = run_script(checkout / "scripts" / "setup", machine)
    assert (done.returncode, done.stderr) == (0, "")
    assert "going on without torch" in done.stdout
    assert stamp.stat().st_mtime == 1


def test_says_why_torch_could_not_be_fetched(machine: Path, checkout: Path) -> None:
    add_venv(
        machine,
        checkout,
        'case "$*" in *"import torch"*) exit 1 ;;'
        ' *torch.txt*) echo "no network" >&2; exit 1 ;; esac',
    )
    done = run_script(checkout / "scripts" / "setup", machine)
    assert (done.returncode, done.stderr) == (0, "no network\n")


def test_a_failed_installation_stops(machine: Path, checkout: Path) -> None:
    stamp = add_venv(machine, checkout, 'case "$*" in *lock.txt*) exit 1 ;; esac')
    done = run_script(checkout / "scripts" / "setup", machine)
    assert done.returncode == 1
    assert stamp.stat().st_mtime == 1
