# SPDX-License-Identifier: MIT
"""The checker of bands finds what is broken in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milliwatt.backend.mcu.streaming.bands import BandNode, Bands, Part, make_bands
from milliwatt.backend.mcu.streaming.check_bands import check_bands
from milliwatt.backend.mcu.streaming.columns import column_chain
from milliwatt.errors import VerifyError
from milliwatt.ops.conv import Conv2D
from milliwatt.ops.shape import Slice
from tests.backend.mcu.streaming.networks import chain


def bands_of() -> Bands:
    """Three convolutions in two bands, each of a copy of columns and three layers."""
    columns = column_chain(chain(), range(3))
    assert columns is not None
    found = make_bands(chain(), columns, 2)
    assert found is not None
    assert [[one.is_copy for one in band] for band in found.bands] == [[True, *[False] * 3]] * 2
    return found


def changed(at: int, one: BandNode) -> Bands:
    """The bands with another node at that place of the second."""
    bands = bands_of()
    first, second = bands.bands
    return replace(bands, bands=(first, (*second[:at], one, *second[at + 1 :])))


def node(at: int) -> BandNode:
    return bands_of().bands[1][at]


def test_right_bands() -> None:
    check_bands(chain(), bands_of())


def test_columns_of_the_source_one_too_far_left() -> None:
    one = node(0)
    op = one.node.op
    assert isinstance(op, Slice)
    begin = (*op.begin[:2], op.begin[2] - 1, *op.begin[3:])
    moved = replace(one, node=replace(one.node, op=replace(op, begin=begin)))
    with pytest.raises(VerifyError, match="reads other columns"):
        check_bands(chain(), changed(0, moved))


def test_rows_left_out() -> None:
    one = node(0)
    op = one.node.op
    assert isinstance(op, Slice)
    moved = replace(op, begin=(0, 1, *op.begin[2:]))
    broken = replace(one, node=replace(one.node, op=moved))
    with pytest.raises(VerifyError, match="no copy of columns"):
        check_bands(chain(), changed(0, broken))


def test_padding_within_the_image() -> None:
    one = node(1)
    op = one.node.op
    assert isinstance(op, Conv2D)
    left, right = op.padding.left + 1, op.padding.right - 1
    moved = replace(op, padding=replace(op.padding, left=left, right=right))
    with pytest.raises(VerifyError, match="reads other columns"):
        check_bands(chain(), changed(1, replace(one, node=replace(one.node, op=moved))))


def test_another_operator() -> None:
    one = node(2)
    op = one.node.op
    assert isinstance(op, Conv2D)
    moved = replace(op, stride_hw=(1, op.stride_hw[1]))
    with pytest.raises(VerifyError, match="is not"):
        check_bands(chain(), changed(2, replace(one, node=replace(one.node, op=moved))))


def test_another_layer_s_weights() -> None:
    one = node(3)
    inputs = (one.node.inputs[0], *node(2).node.inputs[1:])
    with pytest.raises(VerifyError, match="reads other columns"):
        check_bands(chain(), changed(3, replace(one, node=replace(one.node, inputs=inputs))))


def test_columns_that_are_not_made() -> None:
    one = node(3)
    begin, end = one.part.columns
    part = Part(one.part.value, (begin - 1, end - 1))
    with pytest.raises(VerifyError, match="reads other columns"):
        check_bands(chain(), changed(3, replace(one, part=part)))


def test_bands_joined_in_another_order() -> None:
    bands = bands_of()
    join = replace(bands.join, inputs=bands.join.inputs[::-1])
    with pytest.raises(VerifyError, match="not all columns"):
        check_bands(chain(), replace(bands, join=join))


def test_a_band_that_is_missing() -> None:
    bands = bands_of()
    join = replace(bands.join, inputs=bands.join.inputs[:1])
    with pytest.raises(VerifyError, match="not all columns"):
        check_bands(chain(), replace(bands, join=join))
