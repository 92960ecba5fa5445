# SPDX-License-Identifier: MIT
"""Strided slices against NumPy's own indexing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import ModelError
from milliwatt.frontend.tflite.operators.slicing import strided_slice

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


def none(**masks: int) -> dict[str, int]:
    return {name: masks.get(name, 0) for name in MASKS}


def taken(x: np.ndarray, begin: tuple, size: tuple, strides: tuple, shape: tuple) -> np.ndarray:
    """What Slice and Reshape would make of x."""
    axes = [b + s * np.arange(n) for b, n, s in zip(begin, size, strides, strict=True)]
    return x[np.ix_(*axes)].reshape(shape)


@given(st.data())
def test_equals_numpy_indexing(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    kinds = data.draw(
        st.lists(st.sampled_from(["slice", "slice", "index", "new", "ellipsis"]), max_size=6)
    )
    picks = [k for k in kinds if k in ("slice", "index")][: len(shape)]
    kinds = [k for k in kinds if k in ("new", "ellipsis")][:2] + picks
    kinds = data.draw(st.permutations(kinds))
    if kinds.count("ellipsis") > 1:
        kinds = [k for i, k in enumerate(kinds) if k != "ellipsis" or i == kinds.index(k)]
    begin, end, strides, index = [], [], [], []
    masks = dict.fromkeys(MASKS, 0)
    for i, kind in enumerate(kinds):
        low, high = data.draw(st.integers(-6, 6)), data.draw(st.integers(-6, 6))
        step = data.draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
        if kind == "index":
            masks["shrink_axis_mask"] |= 1 << i
            step = 1
            index.append(low)
        elif kind == "new":
            masks["new_axis_mask"] |= 1 << i
            index.append(np.newaxis)
        elif kind == "ellipsis":
            masks["ellipsis_mask"] |= 1 << i
            index.append(Ellipsis)
        else:
            open_low, open_high = data.draw(st.booleans()), data.draw(st.booleans())
            masks["begin_mask"] |= open_low << i
            masks["end_mask"] |= open_high << i
            index.append(slice(None if open_low else low, None if open_high else high, step))
        begin.append(low)
        end.append(high)
        strides.append(step)
    x = np.arange(np.prod(shape)).reshape(shape)
    arguments = (shape, tuple(begin), tuple(end), tuple(strides))
    try:
        expected = x[tuple(index)]
    except IndexError:
        expected = np.empty(0)
    if expected.size == 0:
        with pytest.raises(ModelError):
            strided_slice(*arguments, **masks)
        return
    result = strided_slice(*arguments, **masks)
    assert result[3] == expected.shape
    assert np.array_equal(taken(x, *result), expected)


@pytest.mark.parametrize(
    ("begin", "end", "strides", "masks", "message"),
    [
        ((0,), (1, 2), (1,), {}, "differ in length"),
        ((0, 0), (1, 1), (1, 1), {"ellipsis_mask": 3}, "more than one ellipsis"),
        ((0, 0, 0), (1, 1, 1), (1, 1, 1), {}, "3 slices for 2 dimensions"),
        ((0,), (1,), (0,), {}, "a stride is 0"),
        ((4,), (5,), (1,), {"shrink_axis_mask": 1}, "index 4 with stride 1 is outside 4"),
        ((0,), (1,), (-1,), {"shrink_axis_mask": 1}, "index 0 with stride -1"),
        ((2,), (2,), (1,), {}, "is empty"),
    ],
)
def test_what_cannot_be_sliced(
    begin: tuple, end: tuple, strides: tuple, masks: dict[str, int], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        strided_slice((4, 3), begin, end, strides, **none(**masks))
