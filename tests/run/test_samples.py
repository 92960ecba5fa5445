# SPDX-License-Identifier: MIT
"""Inputs from files: what is taken, and that nothing else is taken for something it is not."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milliwatt.errors import DataError
from milliwatt.ir.types import DType
from milliwatt.run.samples import Port, load_samples, random_samples

IMAGE = Port("image", DType.INT8, (1, 2, 3))
SCALE = Port("scale", DType.FLOAT32, ())
DATA = np.arange(6, dtype=np.int8).reshape(1, 2, 3)


def saved(path: Path, *arrays: np.ndarray, **named: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, arrays[0])
    else:
        np.savez(path, *arrays, **named)
    return path


@pytest.mark.parametrize("shape", [(1, 2, 3), (1, 1, 2, 3), (4, 1, 2, 3), (4, 2, 3)])
def test_one_sample_or_a_stack(shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.arange(np.prod(shape), dtype=np.int8).reshape(shape)
    samples = load_samples(saved(tmp_path / "x.npy", array), [IMAGE])
    assert [x.shape for (x,) in samples] == [IMAGE.shape] * (array.size // 6)
    np.testing.assert_array_equal(np.concatenate([x.reshape(-1) for (x,) in samples]), array.flat)


def test_a_scalar_input(tmp_path: Path) -> None:
    (sample,) = load_samples(saved(tmp_path / "x.npy", np.float32(2.5)), [SCALE])
    assert sample[0].shape == ()
    assert len(load_samples(saved(tmp_path / "x.npy", np.ones(3, np.float32)), [SCALE])) == 3


def test_arrays_by_name_whatever_their_order(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.npz", scale=np.float32(2), other=DATA, image=DATA)
    ((image, scale),) = load_samples(path, [IMAGE, SCALE])
    np.testing.assert_array_equal(image, DATA)
    assert scale == 2


def test_unnamed_arrays_in_order(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.npz", DATA, np.float32(2))
    assert len(load_samples(path, [IMAGE, SCALE])) == 1


def test_some_names_that_match_are_no_order(tmp_path: Path) -> None:
    """A misspelt name must not give one input the other's data."""
    first, second = Port("a", DType.INT8, (2,)), Port("b", DType.INT8, (2,))
    path = saved(tmp_path / "x.npz", b=np.zeros(2, np.int8), aa=np.ones(2, np.int8))
    with pytest.raises(DataError, match=r"holds 'b', 'aa'; the model needs 'a' \(int8\[2\]\), 'b'"):
        load_samples(path, [first, second])


def test_raw_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(DATA.tobytes() + np.float32(2).tobytes() + bytes(10))
    (image, scale), (_, zero) = load_samples(path, [IMAGE, SCALE])
    np.testing.assert_array_equal(image, DATA)
    assert (float(scale), float(zero)) == (2.0, 0.0)


@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 4), (1, 1, 1, 2, 3), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = saved(tmp_path / "x.npy", np.zeros(shape, np.int8))
    with pytest.raises(DataError, match="does not match input 'image'"):
        load_samples(path, [IMAGE])


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bin"])
def test_a_file_without_samples_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"")
    if suffix != ".bin":
        saved(path, np.zeros((0, 1, 2, 3), np.int8))
    with pytest.raises(DataError, match="holds no samples"):
        load_samples(path, [IMAGE])


def test_a_model_without_inputs_takes_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the model has no inputs"):
        load_samples(saved(tmp_path / "x.npy", DATA), [])


def test_one_kind_of_file_under_the_name_of_the_other(tmp_path: Path) -> None:
    archive, array = tmp_path / "a.npz", tmp_path / "b.npy"
    saved(archive, DATA)
    saved(array, DATA)
    archive.rename(tmp_path / "a.npy")
    array.rename(tmp_path / "b.npz")
    with pytest.raises(DataError, match=r"rename it to \.npz"):
        load_samples(tmp_path / "a.npy", [IMAGE])
    with pytest.raises(DataError, match=r"rename it to \.npy"):
        load_samples(tmp_path / "b.npz", [IMAGE])


def _file(suffix: str) -> bytes:
    stream = io.BytesIO()
    if suffix == ".npy":
        np.save(stream, DATA)
    else:
        np.savez_compressed(stream, image=DATA)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read(
    suffix: str, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(_file(suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(DataError):
        assert {x.shape for (x,) in load_samples(path, [IMAGE])} == {IMAGE.shape}


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bin"])
def test_a_missing_file_is_named_once(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    with pytest.raises(DataError) as caught:
        load_samples(path, [IMAGE])
    assert str(caught.value) == f"cannot read {path}: No such file or directory"


def test_random_samples_cover_their_type_and_repeat() -> None:
    ports = [
        Port("a", DType.INT8, (4000,)),
        Port("b", DType.UINT8, (4000,)),
        Port("c", DType.FLOAT32, (4000,)),
        Port("d", DType.BOOL, (4000,)),
    ]
    first, again = (random_samples(ports, 1, seed=3)[0] for _ in range(2))
    for x, y in zip(first, again, strict=True):
        np.testing.assert_array_equal(x, y)
    assert [(x.min(), x.max()) for x in first[:2]] == [(-128, 127), (0, 255)]
    assert -4 <= first[2].min() < -3.9
    assert 3.9 < first[2].max() <= 4
    assert set(first[3].tolist()) == {False, True}
