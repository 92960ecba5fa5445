# SPDX-License-Identifier: MIT
import errno
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import OptionError
from milliwatt.run.cache import (
    cache_folder,
    cached_file,
    content_key,
    prune_cache,
    scratch_folder,
    tool_environment,
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def all_files() -> list[str]:
    return sorted(p.name for p in cache_folder().rglob("*"))


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_keys_differ_exactly_when_parts_do(first: list[bytes], second: list[bytes]) -> None:
    assert (content_key(first) == content_key(second)) == (first == second)


def test_a_file_is_made_once() -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_text("content")

    first = cached_file("abcd", ".txt", make)
    assert cached_file("abcd", ".txt", make) == first
    assert first.read_text() == "content"
    assert len(made) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_file_leaves_nothing(error: type[BaseException]) -> None:
    def make(path: Path) -> None:
        path.write_text("half")
        raise error

    with pytest.raises(error):
        cached_file("abcd", ".txt", make)
    assert all_files() == []


def test_makers_side_by_side_agree() -> None:
    barrier = threading.Barrier(4)
    seen: list[str] = []

    def make(path: Path) -> None:
        barrier.wait()
        path.write_text("same" * 1000)

    def work() -> None:
        seen.append(cached_file("abcd", ".txt", make).read_text())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["same" * 1000] * 4
    assert all_files() == ["ab", "abcd.txt"]


def test_scratch_is_gone_afterwards() -> None:
    with scratch_folder() as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text("x")
    assert not folder.exists()


def test_pruning_removes_the_oldest_unused_first() -> None:
    day = 86_400
    ages = {"aa": 5 * day, "bb": 3 * day, "cc": 10}

    def make(path: Path) -> None:
        path.write_bytes(bytes(100))

    for key, age in ages.items():
        path = cached_file(key, ".bin", make)
        os.utime(path, (time.time() - age,) * 2)
    assert prune_cache(limit_bytes=250) == 100
    assert [n for n in all_files() if n.endswith(".bin")] == ["bb.bin", "cc.bin"]
    # What was used within a day stays, however little room there is.
    assert prune_cache(limit_bytes=0) == 100
    assert [n for n in all_files() if n.endswith(".bin")] == ["cc.bin"]


def test_an_unusable_folder_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OptionError, match=r"set XDG_CACHE_HOME to a folder you can write$"):
        cache_folder()


def test_pruning_while_scratch_folders_come_and_go() -> None:
    done = threading.Event()

    def churn() -> None:
        while not done.is_set():
            with scratch_folder() as folder:
                (folder / "file").write_text("x")

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            prune_cache()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert all_files() == []


def test_a_disk_that_is_full_for_the_compiler_says_what_to_set() -> None:
    with pytest.raises(OptionError, match="No space left on device"), scratch_folder() as folder:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    assert all_files() == []


def test_a_relative_folder_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "milliwatt"


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(OptionError, match=r"^no home folder .* set XDG_CACHE_HOME"):
        cache_folder()


def test_a_full_disk_says_what_to_set() -> None:
    def make(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OptionError, match=r"No space left on device; set XDG_CACHE_HOME"):
        cached_file("abcd", ".txt", make)
    assert all_files() == []


def test_zig_keeps_its_cache_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR", raising=False)
    assert tool_environment()["ZIG_GLOBAL_CACHE_DIR"] == str(cache_folder().parent / "zig")
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", "/elsewhere")
    assert tool_environment()["ZIG_GLOBAL_CACHE_DIR"] == "/elsewhere"
