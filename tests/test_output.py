# SPDX-License-Identifier: MIT
"""Output folders are written whole, and take nothing away that the user put there."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from milliwatt.errors import OptionError
from milliwatt.output import check_file, check_folder, staged_file, write_file, write_folder

MARKER = "made.json"


def project(**texts: str) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {name.replace("_", "."): text for name, text in texts.items()}
    return {**files, MARKER: json.dumps({"files": [*files, MARKER]})}


def contents(folder: Path) -> Mapping[str, str]:
    return {p.name: p.read_text() for p in sorted(folder.iterdir()) if p.is_file()}


def test_a_second_output_replaces_the_first_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_folder(out, project(a_c="old", b_h="gone"), MARKER)
    (out / "main.c").write_text("the user's")
    (out / "build").mkdir()
    (out / "build" / "cache").write_text("the user's too")
    second = project(a_c="new", c_h="more")
    write_folder(out, second, MARKER)
    assert contents(out) == {**second, "main.c": "the user's"}
    assert (out / "build" / "cache").read_text() == "the user's too"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"files": 3}', "\x00"])
def test_a_damaged_marker_takes_nothing_away(text: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_folder(out, project(a_c="old"), MARKER)
    (out / MARKER).write_text(text)
    write_folder(out, project(b_c="new"), MARKER)
    assert {"a.c", "b.c", MARKER} == set(contents(out))


def test_a_folder_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    write_folder(tmp_path / "out", project(a_c="text"), MARKER)
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real" / "a.c").read_text() == "text"


def test_a_link_to_itself_is_no_folder(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OptionError, match="loop"):
        write_folder(loop, project(a_c="text"), MARKER)


def test_an_existing_folder_stays_the_same_folder(tmp_path: Path) -> None:
    """It may be a mount point, or the folder the user's shell is in."""
    before = tmp_path.stat().st_ino
    for text in ("one", "two"):
        write_folder(tmp_path, project(a_c=text), MARKER)
        assert contents(tmp_path)["a.c"] == text
    assert tmp_path.stat().st_ino == before
    assert set(contents(tmp_path)) == {"a.c", MARKER} == {p.name for p in tmp_path.iterdir()}


@pytest.mark.parametrize("moves", range(5))
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_exchange_leaves_the_old_output(
    error: BaseException, moves: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    first = project(a_c="old", b_c="gone")
    write_folder(out, first, MARKER)
    (out / "main.c").write_text("the user's")
    replace = os.replace
    done: list[Path] = []

    def fail(source: Path, target: Path) -> None:
        if len(done) == moves:
            done.append(source)
            raise error
        done.append(source)
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((OptionError, KeyboardInterrupt)):
        write_folder(out, project(a_c="new"), MARKER)
    assert contents(out) == {**first, "main.c": "the user's"}
    assert len(list(out.iterdir())) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_name_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="File name too long"):
        check_folder(tmp_path / ("n" * 300), MARKER)
    write_folder(tmp_path / ("n" * 255), project(a_c="x"), MARKER)


def test_other_folders_and_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for path in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(OptionError, match="was not written by milliwatt"):
            check_folder(path, MARKER)
        with pytest.raises(OptionError, match="was not written by milliwatt"):
            write_folder(path, project(a_c="x"), MARKER)
    check_folder(tmp_path / "new", MARKER)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_file(path, "one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_file_behind_a_link(tmp_path: Path) -> None:
    link, real = tmp_path / "link.toml", tmp_path / "real.toml"
    real.write_text("old")
    link.symlink_to(real)
    write_file(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    """`-o /dev/stdout`; and an administrator's `-o /dev/null` leaves the device where it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(pipe, "text")
        assert os.read(reader, 100) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
def test_a_full_device_is_an_error_and_stays() -> None:
    with pytest.raises(OptionError, match="cannot write /dev/full: No space left on device"):
        write_file(Path("/dev/full"), "text")
    assert Path("/dev/full").is_char_device()


def test_a_staged_file_appears_at_the_end_of_the_block(tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    with staged_file(path, "drawn"):
        assert not path.exists()
    assert contents(tmp_path) == {"picture.svg": "drawn"}


def test_a_staged_file_goes_with_what_it_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), staged_file(path, "drawn"):
        _ = 1 / 0
    assert contents(tmp_path) == {"picture.svg": "old"}


def test_a_folder_in_a_file_s_place_is_said_before_the_block(tmp_path: Path) -> None:
    begun: list[str] = []
    with pytest.raises(OptionError, match="Is a directory"), staged_file(tmp_path, "drawn"):
        begun.append("block")
    assert not begun


@pytest.mark.parametrize("name", ["new", "new/deeper", "."])
def test_what_cannot_be_written_is_known_before_the_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*, dir: Path, prefix: str) -> str:
        assert (dir, prefix) == (tmp_path.resolve(), ".milliwatt.")
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(OptionError, match="Read-only file system"):
        check_folder(tmp_path / name, MARKER)


def test_a_check_leaves_nothing(tmp_path: Path) -> None:
    check_folder(tmp_path / "new", MARKER)
    check_folder(tmp_path, MARKER)
    assert not list(tmp_path.iterdir())


def test_where_a_file_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text("old")
    for path in ("new.toml", "old.toml", "not/yet/there.toml"):
        check_file(tmp_path / path)
    assert [p.name for p in tmp_path.iterdir()] == ["old.toml"]
    with pytest.raises(OptionError, match="Is a directory"):
        check_file(tmp_path)
    with pytest.raises(OptionError, match="Not a directory"):
        check_file(tmp_path / "old.toml" / "below.toml")
