# SPDX-License-Identifier: MIT
"""What the documents say about the code: paths exist, lists are complete, the table is current."""

import re
from pathlib import Path

import pytest

import milliwatt as mw
from bench.readme import COMMAND, README, block, filled
from bench.suite import load_suite
from bench.tables import load_tables
from milliwatt.cli.main import main
from milliwatt.errors import OptionError
from milliwatt.hardware.model import CORE_FEATURES
from milliwatt.ops.registry import OPERATORS
from milliwatt.passes.pipeline import PASSES
from tests.docs.blocks import all_blocks, blocks, markdown_files
from tests.support import REPOSITORY

PAGES = [p for p in markdown_files() if p.parent.name != "bench"]
ROOTS = ("", "src/milliwatt", "src/milliwatt/backend/mcu", "src/milliwatt/backend/mcu/lowering")
PATH = re.compile(r"`([\w./-]+\.(?:py|h|toml|md|json|csv))`")


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_paths_exist(page: Path) -> None:
    """Paths with a folder; a page may name the files that its own steps make."""
    made = {b.file for b in blocks(page)}
    named = {p for p in PATH.findall(page.read_text(encoding="utf-8")) if "/" in p}
    assert not {p for p in named - made if not any((REPOSITORY / r / p).exists() for r in ROOTS)}


def test_architecture_lists_the_passes_in_order() -> None:
    listed = re.findall(r"^\| `(\w+)` \| ", text("docs/architecture.md"), re.MULTILINE)
    names = list(dict.fromkeys(p.__name__ for p in PASSES))
    assert [name for name in listed if name in names] == names


def test_architecture_lists_the_parts() -> None:
    package = Path(mw.__file__).parent
    parts = {p.parent.name for p in package.glob("*/__init__.py")} - {"backend"}
    listed = set(re.findall(r"^\| `([\w/]+)` \| ", text("docs/architecture.md"), re.MULTILINE))
    assert parts <= listed


def test_the_readme_names_every_operator() -> None:
    words = set(re.findall(r"\w+", text("README.md")))
    assert set(OPERATORS) <= words


def test_the_board_page_names_every_core() -> None:
    assert set(CORE_FEATURES) <= set(re.findall(r"`([\w-]+)`", text("docs/add-a-board.md")))


def test_the_readme_has_the_measured_table() -> None:
    written = README.read_text(encoding="utf-8")
    assert written == filled(written, block(load_suite(), load_tables())), f"run: {COMMAND}"


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(OptionError, match="bench:start"):
        filled("no markers here", "")


def test_python_shown_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that are no files of a worked example."""
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    monkeypatch.chdir(tmp_path)
    scripts = [b for b in all_blocks("python") if b.file is None]
    assert scripts
    for script in scripts:
        exec(compile(script.body, str(script), "exec"), {"__name__": "__main__"})


def test_every_verb_is_in_the_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    verbs = re.findall(r"^  ([a-z]+)  ", capsys.readouterr().out.split("Verbs:")[1], re.MULTILINE)
    shown = "\n".join(p.read_text(encoding="utf-8") for p in PAGES)
    assert verbs
    assert not [verb for verb in verbs if f"milliwatt {verb}" not in shown]
