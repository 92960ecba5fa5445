# SPDX-License-Identifier: MIT
"""Model files by their content: TFLite, the text form, and everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend import files
from milliwatt.frontend.load import load_model
from milliwatt.frontend.tflite import load_tflite, schema
from milliwatt.ir.text import to_text
from tests.frontend.networks import conv_tensors, tiny_network
from tests.frontend.tflite_file import Graph, Op, write


def saved(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_tflite_file_is_named_after_its_stem(tmp_path: Path) -> None:
    path = saved(tmp_path, "my kws-1.tflite", tiny_network())
    assert load_model(path).name == "my_kws_1"
    assert load_model(str(path)).nodes == load_tflite(path).nodes


def test_the_content_tells_the_kind_not_the_name(tmp_path: Path) -> None:
    path = saved(tmp_path, "model.bin", tiny_network())
    assert load_model(path).outputs == ("flat",)


def test_the_text_form(tmp_path: Path) -> None:
    graph = load_tflite(tiny_network(), "tiny")
    path = saved(tmp_path, "tiny.txt", to_text(graph).encode())
    assert to_text(load_model(path)) == to_text(graph)


def test_a_text_whose_graph_does_not_hold_together(tmp_path: Path) -> None:
    text = to_text(load_tflite(tiny_network())).replace("output %flat", "output %nothing")
    with pytest.raises(ModelError, match=r"^bad\.txt: output 'nothing' is not defined"):
        load_model(saved(tmp_path, "bad.txt", text.encode()))


def test_a_text_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^bad\.txt: byte 6 is not UTF-8"):
        load_model(saved(tmp_path, "bad.txt", b"graph \xff"))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.tflite", b"", "not a TFLite file"),
        ("a.tflite", b"<html>404</html>", "not a TFLite file"),
        ("a.h5", b"\x89HDF", "not a model; supported: .tflite"),
    ],
)
def test_other_files(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        load_model(saved(tmp_path, name, data))
    assert str(caught.value).startswith(name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read .*none\.tflite: No such file"):
        load_model(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match=r"Is a directory"):
        load_model(tmp_path)


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    with pytest.raises(ModelError, match=r"1,192 B; models have at most 100 B"):
        load_model(saved(tmp_path, "a.tflite", tiny_network()))


def test_problems_keep_their_list_and_get_the_file_name(tmp_path: Path) -> None:
    tensors, hashing = conv_tensors(), Op("LSH_PROJECTION", [0], [3])
    path = saved(tmp_path, "odd.tflite", write(Graph(tensors, [hashing], [0], [3])))
    with pytest.raises(UnsupportedError) as caught:
        load_model(path)
    assert str(caught.value).splitlines() == [
        "odd.tflite: not supported:",
        "  - op 0 LSH_PROJECTION 'net/conv': this operator is not supported",
    ]
    assert len(caught.value.problems) == 1
    assert schema.OPERATOR_NAMES[15] == "LSH_PROJECTION"
