# SPDX-License-Identifier: MIT
"""Each pass does what it says, and no pass changes what a graph computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import VerifyError
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.activation import Relu
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.shape import Pad, Reshape, Slice, Transpose
from milliwatt.passes.fold_constants import fold_constants
from milliwatt.passes.fold_padding import fold_padding
from milliwatt.passes.fold_scale_and_shift import fold_scale_and_shift
from milliwatt.passes.fold_transpose_into_dense import fold_transpose_into_dense
from milliwatt.passes.fuse_activations import fuse_activations
from milliwatt.passes.merge_shape_changes import merge_shape_changes, moves_only_unit_axes
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.passes.remove_dead_nodes import remove_dead_nodes
from milliwatt.passes.remove_no_ops import remove_no_ops
from tests.backend.mcu.random_graphs import random_graph
from tests.passes.graphs import NONE, conv, conv_constants, float32, int8, make_graph


def kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes]


def assert_same_results(before: Graph, after: Graph, *, tolerance: float = 0.0) -> None:
    """Both graphs verify, and give the same outputs on random inputs."""
    verify(before)
    verify(after)
    assert_same_calls(before, after, tolerance=tolerance)


def assert_same_calls(before: Graph, after: Graph, *, tolerance: float = 0.0) -> None:
    """Three consecutive calls on random inputs give the same outputs.

    `tolerance` is relative to the largest value of an output.
    """
    rng = np.random.default_rng(5)
    states = [None, None]
    for _ in range(3):
        sample = [_random(before.types[v], rng) for v in before.inputs]
        expected, actual = (run(g, sample, s) for g, s in zip((before, after), states, strict=True))
        states = [expected.states, actual.states]
        for a, b in zip(actual.outputs, expected.outputs, strict=True):
            if tolerance:
                bound = tolerance * max(1.0, float(np.abs(b).max(initial=0.0)))
                np.testing.assert_allclose(a, b, rtol=0.0, atol=bound)
            else:
                np.testing.assert_array_equal(a, b)


def _random(kind: TensorType, rng: np.random.Generator) -> np.ndarray:
    if kind.dtype.is_float:
        return rng.normal(size=kind.shape).astype(np.float32)
    low, high = kind.dtype.integer_range
    return rng.integers(low, high, kind.shape, dtype=kind.dtype.numpy, endpoint=True)


def padded_conv(value: int, pads: Sequence[tuple[int, int]]) -> Graph:
    """Pad, then a 3x3 convolution that pads by itself as well."""
    height, width = 5 + sum(pads[1]), 4 + sum(pads[2])
    channels = 2 + sum(pads[3])
    return make_graph(
        {"x": int8(1, 5, 4, 2)},
        [
            ("p", Pad(tuple(pads), value), ["x"], int8(1, height, width, channels)),
            ("y", conv(Padding(1, 0, 0, 1)), ["p", "w", "b"], int8(1, height - 1, width - 1, 3)),
        ],
        constants=conv_constants(channels, 3, 3),
    )


class TestFoldPadding:
    def test_zero_point_rows_and_columns_move_into_the_convolution(self) -> None:
        before = padded_conv(-3, [(0, 0), (1, 2), (0, 1), (0, 0)])
        after = remove_dead_nodes(fold_padding(before))
        assert kinds(after) == ["Conv2D"]
        assert isinstance(after.nodes[0].op, Conv2D)
        assert after.nodes[0].op.padding == Padding(2, 2, 0, 2)
        assert_same_results(before, after)

    @pytest.mark.parametrize(
        ("value", "channel_pad"), [(0, (0, 0)), (-3, (0, 1))], ids=["other value", "channels"]
    )
    def test_other_pads_stay(self, value: int, channel_pad: tuple[int, int]) -> None:
        before = padded_conv(value, [(0, 0), (1, 1), (1, 1), channel_pad])
        assert kinds(remove_dead_nodes(fold_padding(before))) == ["Pad", "Conv2D"]

    def test_the_pad_stays_for_other_readers(self) -> None:
        first = padded_conv(-3, [(0, 0), (1, 1), (1, 1), (0, 0)])
        before = replace(first, outputs=("y", "p"))
        after = remove_dead_nodes(fold_padding(before))
        assert kinds(after) == ["Pad", "Conv2D"]
        assert after.nodes[1].inputs[0] == "x"
        assert_same_results(before, after)


class TestFuseActivations:
    def graph(self, relu_type: TensorType) -> Graph:
        return make_graph(
            {"x": int8(1, 4, 4, 2)},
            [
                ("c", conv(), ["x", "w", "b"], int8(1, 2, 2, 3)),
                ("y", Relu(Activation.RELU6), ["c"], relu_type),
            ],
            constants=conv_constants(2, 3, 3),
        )

    def test_a_clamp_moves_into_the_convolution(self) -> None:
        before = self.graph(int8(1, 2, 2, 3))
        after = fuse_activations(before)
        assert kinds(after) == ["Conv2D"]
        assert_same_results(before, after)

    @pytest.mark.parametrize("pool", [AveragePool2D, MaxPool2D])
    def test_a_clamp_moves_into_a_pool(self, pool: type[AveragePool2D] | type[MaxPool2D]) -> None:
        kind = int8(1, 2, 2, 3)
        before = make_graph(
            {"x": int8(1, 4, 4, 3)},
            [
                ("p", pool((2, 2), (2, 2), Padding(), NONE), ["x"], kind),
                ("y", Relu(Activation.RELU), ["p"], kind),
            ],
        )
        after = fuse_activations(before)
        assert kinds(after) == [pool.__name__]
        assert_same_results(before, after)

    def test_a_relu_that_rescales_stays(self) -> None:
        before = self.graph(int8(1, 2, 2, 3, quant=Quant.per_tensor(0.25, 4)))
        assert kinds(fuse_activations(before)) == ["Conv2D", "Relu"]

    def test_a_relu_stays_where_the_unclamped_value_is_an_output(self) -> None:
        before = replace(self.graph(int8(1, 2, 2, 3)), outputs=("c", "y"))
        assert kinds(fuse_activations(before)) == ["Conv2D", "Relu"]


class TestRemoveNoOps:
    def test_identities_in_the_middle_go(self) -> None:
        kind = int8(1, 2, 3)
        before = make_graph(
            {"x": kind},
            [
                ("a", Add(NONE), ["x", "x"], kind),
                ("r", Reshape((1, 2, 3)), ["a"], kind),
                ("t", Transpose((0, 1, 2)), ["r"], kind),
                ("q", Quantize(), ["t"], kind),
                ("p", Pad(((0, 0),) * 3, -3), ["q"], kind),
                ("y", Add(NONE), ["p", "x"], kind),
            ],
        )
        after = remove_no_ops(before)
        assert kinds(after) == ["Add", "Add"]
        assert_same_results(before, after)

    def test_a_quantise_that_undoes_a_dequantise_goes(self) -> None:
        before = make_graph(
            {"x": int8(1, 6)},
            [
                ("a", Add(NONE), ["x", "x"], int8(1, 6)),
                ("f", Dequantize(), ["a"], float32(1, 6)),
                ("q", Quantize(), ["f"], int8(1, 6)),
                ("y", Add(NONE), ["q", "x"], int8(1, 6)),
            ],
        )
        after = remove_dead_nodes(remove_no_ops(before))
        assert kinds(after) == ["Add", "Add"]
        assert_same_results(before, after)

    def test_a_requantising_pair_stays(self) -> None:
        other = int8(1, 6, quant=Quant.per_tensor(0.25, 0))
        before = make_graph(
            {"x": int8(1, 6)},
            [
                ("f", Dequantize(), ["x"], float32(1, 6)),
                ("q", Quantize(), ["f"], other),
            ],
        )
        assert kinds(remove_dead_nodes(remove_no_ops(before))) == ["Dequantize", "Quantize"]

    def test_a_slice_backwards_through_a_whole_axis_stays(self) -> None:
        kind = int8(1, 2, 3)
        before = make_graph(
            {"x": kind},
            [
                ("s", Slice((0, 0, 2), (1, 2, 3), (1, 1, -1)), ["x"], kind),
                ("y", Add(NONE), ["s", "x"], kind),
            ],
        )
        after = remove_no_ops(before)
        assert kinds(after) == ["Slice", "Add"]
        assert_same_results(before, after)

    def test_a_requantisation_of_int32_stays(self) -> None:
        kind = TensorType((1, 3), DType.INT32, Quant.per_tensor(0.5, 0))
        before = make_graph(
            {"x": kind},
            [("q", Quantize(), ["x"], kind), ("y", Quantize(), ["q"], int8(1, 3))],
        )
        assert kinds(remove_no_ops(before)) == ["Quantize", "Quantize"]

    def test_outputs_keep_their_names(self) -> None:
        kind = int8(1, 6)
        before = make_graph(
            {"x": kind},
            [
                ("a", Add(NONE), ["x", "x"], kind),
                ("y", Reshape((1, 6)), ["a"], kind),
                ("b", Reshape((1, 6)), ["y"], kind),
                ("z", Add(NONE), ["b", "a"], kind),
                ("u", Reshape((1, 6)), ["z"], kind),
                ("v", Reshape((1, 6)), ["z"], kind),
            ],
            outputs=("y", "u", "v"),
        )
        after = remove_no_ops(before)
        assert after.outputs == before.outputs
        # Two outputs are two places in memory.
        assert kinds(after) == ["Add", "Add", "Reshape"]
        assert_same_results(before, after)

    def test_an_identity_from_input_to_output_stays(self) -> None:
        before = make_graph({"x": int8(1, 6)}, [("y", Reshape((1, 6)), ["x"], int8(1, 6))])
        assert kinds(remove_no_ops(before)) == ["Reshape"]


class TestShapeChanges:
    def test_chains_become_one(self) -> None:
        before = make_graph(
            {"x": int8(2, 3, 4)},
            [
                ("a", Transpose((1, 0, 2)), ["x"], int8(3, 2, 4)),
                ("b", Transpose((2, 0, 1)), ["a"], int8(4, 3, 2)),
                ("c", Reshape((12, 2)), ["b"], int8(12, 2)),
                ("y", Reshape((24,)), ["c"], int8(24)),
            ],
        )
        after = remove_dead_nodes(merge_shape_changes(before))
        assert kinds(after) == ["Transpose", "Reshape"]
        assert_same_results(before, after)

    def test_a_transpose_of_unit_axes_is_a_reshape(self) -> None:
        before = make_graph(
            {"x": int8(1, 5, 1, 4)},
            [("y", Transpose((0, 2, 1, 3)), ["x"], int8(1, 1, 5, 4))],
        )
        after = merge_shape_changes(before)
        assert kinds(after) == ["Reshape"]
        assert_same_results(before, after)

    @pytest.mark.parametrize(
        ("shape", "perm", "expected"),
        [((1, 5, 4), (1, 0, 2), True), ((2, 5, 4), (1, 0, 2), False), ((1, 1), (1, 0), True)],
    )
    def test_unit_axes(self, shape: tuple[int, ...], perm: tuple[int, ...], expected: bool) -> None:
        assert moves_only_unit_axes(shape, perm) is expected

    def test_weights_are_reordered_instead_of_the_image(self) -> None:
        before = transposed_dense()
        after = remove_dead_nodes(fold_transpose_into_dense(before))
        assert kinds(after) == ["Reshape", "FullyConnected"]
        assert_same_results(before, after)

    def test_rows_that_the_layer_cuts_in_two_stay(self) -> None:
        whole = transposed_dense()
        weights = whole.constants["w"][:, :12].copy()
        before = replace(
            whole,
            types={**whole.types, "w": replace(whole.types["w"], shape=(4, 12)), "y": int8(2, 4)},
            constants={**whole.constants, "w": weights},
        )
        after = fold_transpose_into_dense(before)
        assert kinds(after) == ["Transpose", "Reshape", "FullyConnected"]
        assert_same_results(before, after)

    def test_layers_of_one_name_get_weights_of_their_own(self) -> None:
        """A node's name is for messages, and may occur twice."""
        before = transposed_dense()
        dense = before.nodes[-1]
        other = replace(dense, inputs=("r", "w2", "b"), outputs=("z",))
        before = replace(
            before,
            nodes=(*before.nodes, other),
            types={**before.types, "z": before.types["y"], "w2": before.types["w"]},
            constants={**before.constants, "w2": before.constants["w"][::-1].copy()},
            outputs=("y", "z"),
        )
        after = remove_dead_nodes(fold_transpose_into_dense(before))
        assert kinds(after) == ["Reshape", "FullyConnected"] * 2
        assert_same_results(before, after)


def transposed_dense() -> Graph:
    """An image turned to channels first, flattened, and read by a dense layer."""
    rng = np.random.default_rng(2)
    weights = rng.integers(-127, 128, (4, 24)).astype(np.int8)
    bias = rng.integers(-99, 99, 4).astype(np.int32)
    wq, bq = Quant.per_tensor(0.01, 0), Quant.per_tensor(0.005, 0)
    return make_graph(
        {"x": int8(1, 2, 4, 3)},
        [
            ("t", Transpose((0, 3, 1, 2)), ["x"], int8(1, 3, 2, 4)),
            ("r", Reshape((1, 24)), ["t"], int8(1, 24)),
            ("y", FullyConnected(NONE, False), ["r", "w", "b"], int8(1, 4)),
        ],
        constants={
            "w": (weights, TensorType((4, 24), DType.INT8, wq)),
            "b": (bias, TensorType((4,), DType.INT32, bq)),
        },
    )


class TestFolding:
    def test_what_depends_on_constants_only_is_computed(self) -> None:
        table = np.arange(-3, 3, dtype=np.int8).reshape(1, 6)
        before = make_graph(
            {"x": int8(6)},
            [
                ("r", Reshape((6,)), ["c"], int8(6)),
                ("s", Add(NONE), ["r", "r"], int8(6)),
                ("y", Add(NONE), ["x", "s"], int8(6)),
            ],
            constants={"c": (table, int8(1, 6))},
        )
        after = fold_constants(before)
        assert kinds(after) == ["Add"]
        assert set(after.constants) == {"s"}
        assert_same_results(before, after)

    @pytest.mark.parametrize("depthwise", [False, True])
    def test_batch_normalisation_moves_into_the_weights(self, depthwise: bool) -> None:
        rng = np.random.default_rng(3)
        shape = (1, 3, 3, 4) if depthwise else (4, 3, 3, 4)
        op = DepthwiseConv2D if depthwise else Conv2D
        arrays = {
            "w": rng.normal(size=shape),
            "b": rng.normal(size=4),
            "f": rng.normal(size=(1, 1, 1, 4)),
            "o": rng.normal(size=(1, 1, 1, 4)),
        }
        constants = {k: (v.astype(np.float32), float32(*v.shape)) for k, v in arrays.items()}
        before = make_graph(
            {"x": float32(1, 5, 5, 4)},
            [
                ("c", op((1, 1), (1, 1), Padding(), NONE), ["x", "w", "b"], float32(1, 3, 3, 4)),
                ("m", Mul(NONE), ["c", "f"], float32(1, 3, 3, 4)),
                ("y", Add(Activation.RELU), ["m", "o"], float32(1, 3, 3, 4)),
            ],
            constants=constants,
        )
        after = fold_scale_and_shift(before)
        assert len(after.nodes) == 1
        assert_same_results(before, after, tolerance=1e-5)

    def test_a_factor_along_another_axis_stays(self) -> None:
        """Four rows and four channels: a factor for each row is none for each channel."""
        rng = np.random.default_rng(4)
        arrays = {"w": (4, 1, 1, 2), "b": (4,), "f": (1, 4, 1, 1)}
        constants = {
            k: (rng.normal(size=s).astype(np.float32), float32(*s)) for k, s in arrays.items()
        }
        before = make_graph(
            {"x": float32(1, 4, 3, 2)},
            [
                ("c", conv(), ["x", "w", "b"], float32(1, 4, 3, 4)),
                ("y", Mul(NONE), ["c", "f"], float32(1, 4, 3, 4)),
            ],
            constants=constants,
        )
        after = fold_scale_and_shift(before)
        assert kinds(after) == ["Conv2D", "Mul"]

    def test_a_folded_layer_takes_no_constant_from_another(self) -> None:
        """The model has a constant of the name that the folded weights would get."""
        rng = np.random.default_rng(4)
        arrays = {"w": (4, 1, 1, 2), "b": (4,), "f": (4,), "m/weights": (1, 4, 3, 4)}
        constants = {
            k: (rng.normal(size=s).astype(np.float32), float32(*s)) for k, s in arrays.items()
        }
        image = float32(1, 4, 3, 4)
        before = make_graph(
            {"x": float32(1, 4, 3, 2)},
            [
                ("c", conv(), ["x", "w", "b"], image),
                ("m", Mul(NONE), ["c", "f"], image),
                ("y", Sub(NONE), ["m", "m/weights"], image),
            ],
            constants=constants,
        )
        after = fold_scale_and_shift(before)
        assert kinds(after) == ["Conv2D", "Sub"]
        assert_same_results(before, after, tolerance=1e-5)

    def test_dead_nodes_go(self) -> None:
        before = make_graph(
            {"x": int8(1, 6)},
            [("dead", Add(NONE), ["x", "x"], int8(1, 6)), ("y", Add(NONE), ["x", "x"], int8(1, 6))],
        )
        assert [n.name for n in remove_dead_nodes(before).nodes] == ["y"]


class TestRandomGraphs:
    @given(st.integers(0, 1 << 32), st.sampled_from([DType.INT8, DType.INT16, DType.FLOAT32]))
    def test_no_pass_changes_what_a_graph_computes(self, seed: int, dtype: DType) -> None:
        before = random_graph(seed, dtype)
        after = run_pipeline(before)
        assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
        assert_same_calls(before, after, tolerance=1e-4 if dtype.is_float else 0.0)


class TestPipeline:
    def test_an_error_names_the_pass(self) -> None:
        def break_types(graph: Graph) -> Graph:
            wrong = {**graph.types, graph.outputs[0]: int8(1, 7)}
            return replace(graph, types=wrong)

        before = make_graph({"x": int8(1, 6)}, [("y", Add(NONE), ["x", "x"], int8(1, 6))])
        with pytest.raises(VerifyError, match="after pass 'break_types'"):
            run_pipeline(before, [break_types])

    def test_it_reaches_a_fixed_point_on_its_own_result(self) -> None:
        before = padded_conv(-3, [(0, 0), (1, 2), (0, 1), (0, 0)])
        once = run_pipeline(before)
        assert run_pipeline(once).nodes == once.nodes
