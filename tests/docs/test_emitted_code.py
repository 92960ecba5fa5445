# SPDX-License-Identifier: MIT
"""The C and CMake of docs/emitted-code.md and README.md build beside a generated project."""

import subprocess
from pathlib import Path

import pytest

import milliwatt as mw
from tests.docs.blocks import Block, all_blocks, blocks
from tests.support import REPOSITORY, needs_gcc, needs_tool

PAGE = REPOSITORY / "docs" / "emitted-code.md"
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-Werror")
SNIPPETS = [b for b in all_blocks("c") if b.file is None]


def write_project(folder: Path, name: str) -> None:
    graph = mw.load_model(REPOSITORY / "examples" / "digits.mw")
    compiled = mw.compile_graph(graph, mw.load_target("nucleo-l4r5zi"), name)
    mw.write_folder(folder, compiled.files, marker="milliwatt.json")


@needs_gcc
@pytest.mark.parametrize("block", SNIPPETS, ids=str)
def test_snippets_compile_without_warnings(block: Block, tmp_path: Path) -> None:
    write_project(tmp_path / "digits", "digits")
    source = tmp_path / "snippet.c"
    source.write_text(block.body, encoding="utf-8")
    command = ["gcc", *FLAGS, "-fsyntax-only", f"-I{tmp_path / 'digits'}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@needs_gcc
@needs_tool("cmake", "cmake")
def test_two_models_in_one_firmware(tmp_path: Path) -> None:
    for name in ("digits", "second"):
        write_project(tmp_path / "models" / name, name)
    files = {block.file: block.content for block in blocks(PAGE) if block.file is not None}
    assert set(files) == {"CMakeLists.txt", "main.c"}
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    build = tmp_path / "build"
    for command in (
        ["cmake", "-S", str(tmp_path), "-B", str(build)],
        ["cmake", "--build", str(build)],
        [str(build / "firmware")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_every_file_of_a_project() -> None:
    graph = mw.load_model(REPOSITORY / "examples" / "digits.mw")
    files = mw.compile_graph(graph, mw.load_target("nucleo-l4r5zi"), "digits").files
    text = PAGE.read_text(encoding="utf-8")
    for file in files:
        shown = "mw_*.h" if file.startswith("mw_") else file.replace("digits", "NAME")
        assert f"`{shown}`" in text
