# SPDX-License-Identifier: MIT
"""`import milliwatt as mw`: every public name, loaded when it is used."""

import ast
import subprocess
import sys

import pytest

import milliwatt as mw
from tests.support import REPOSITORY

SOURCE = REPOSITORY / "src" / "milliwatt" / "__init__.py"


def imports_for_type_checkers() -> dict[str, str]:
    """Public name to `module:name there`, as the type checker sees them."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("milliwatt."):
            found |= {a.asname or a.name: f"{node.module}:{a.name}" for a in node.names}
    return found


def test_type_checkers_see_the_public_names() -> None:
    assert sorted(imports_for_type_checkers()) == sorted(mw.__all__)


@pytest.mark.parametrize("name", mw.__all__)
def test_a_name_is_what_type_checkers_are_told(name: str) -> None:
    module, _, there = imports_for_type_checkers()[name].partition(":")
    imported = __import__(module, fromlist=[there])
    assert getattr(mw, name) is getattr(imported, there)
    assert name in dir(mw)


def test_names_hold_after_the_runners_are_imported() -> None:
    """`milliwatt.run` is a package: importing it must not take a public name's place."""
    script = (
        "import milliwatt as mw\n"
        "import milliwatt.run.verify, milliwatt.demo, milliwatt.report.compilation\n"
        "assert all(callable(getattr(mw, name)) for name in mw.__all__)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'milliwatt' has no attribute 'lode_model'$"):
        _ = mw.lode_model  # pyright: ignore[reportAttributeAccessIssue]


def test_using_names_loads_nothing_heavy() -> None:
    script = (
        "import sys, milliwatt as mw\n"
        "for name in mw.__all__: getattr(mw, name)\n"
        "heavy = {'torch', 'ortools', 'matplotlib', 'unicorn', 'ziglang', 'onnx'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_an_unknown_emulator_is_refused() -> None:
    assert mw.choose_emulator("cortex-m4") == "unicorn"
    assert mw.choose_emulator("cortex-m55") == "qemu"
    with pytest.raises(mw.MilliwattError, match=r"^unknown emulator 'qemuu'; there are: auto, "):
        mw.choose_emulator("cortex-m4", "qemuu")


@pytest.mark.emulator
def test_a_verification_without_samples_is_refused() -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    graph = mw.load_model(REPOSITORY / "examples" / "digits.mw")
    compiled = mw.compile_graph(graph, mw.load_target("nucleo-l4r5zi"))
    with pytest.raises(mw.MilliwattError, match=r"^verification needs at least one sample$"):
        mw.verify_compiled(compiled, mw.build_compiled(compiled), [])
