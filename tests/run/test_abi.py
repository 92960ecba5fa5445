# SPDX-License-Identifier: MIT
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import DataError, OptionError
from milliwatt.run.abi import ModelAbi, pack_samples, split_outputs
from milliwatt.run.harness import samples_file

ABI = ModelAbi("net", (4, 2), (3, 1), ("net_node_0",))


def test_symbols_follow_the_name() -> None:
    assert ABI.entry_symbols == (
        "net_run",
        "net_reset",
        "net_input_0",
        "net_input_1",
        "net_output_0",
        "net_output_1",
    )


def test_names_that_are_no_c_identifiers_are_refused() -> None:
    with pytest.raises(OptionError, match=r"^'2net' is not a C identifier$"):
        ModelAbi("2net", (1,), (1,))
    with pytest.raises(OptionError, match=r"^'a b' is not a C identifier$"):
        ModelAbi("net", (1,), (1,), ("a b",))


def test_empty_tensors_are_refused() -> None:
    with pytest.raises(OptionError, match="every input and output needs at least 1 byte"):
        ModelAbi("net", (0,), (1,))


def test_arrays_are_packed_in_c_order_little_endian() -> None:
    array = np.array([[1, 2]], np.dtype(">i2"))
    assert pack_samples(ABI, [(array, b"ab")]) == [(struct.pack("<2h", 1, 2), b"ab")]


def test_wrong_samples_are_refused() -> None:
    with pytest.raises(DataError, match=r"^sample 1 of model 'net': 1 inputs given, 2 needed$"):
        pack_samples(ABI, [(b"abcd", b"ab"), (b"abcd",)])
    with pytest.raises(DataError, match=r"^sample 0, input 0 of model 'net': 3 bytes given, 4 "):
        pack_samples(ABI, [(b"abc", b"ab")])


@given(st.lists(st.tuples(st.binary(min_size=3, max_size=3), st.binary(min_size=1, max_size=1))))
def test_splitting_outputs_undoes_joining_them(rows: list[tuple[bytes, bytes]]) -> None:
    assert split_outputs(ABI, b"".join(a + b for a, b in rows)) == tuple(rows)


def test_samples_file_starts_with_its_header() -> None:
    assert samples_file([(b"ab", b"c"), (b"de", b"f")], True) == (
        struct.pack("<2I", 2, 1) + b"abcdef"
    )
