# SPDX-License-Identifier: MIT
"""PyTorch modules give what their graphs give, in the graph's layout; the rest is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.torch import import_torch
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array
from milliwatt.ir.verify import verify
from milliwatt.passes.pipeline import run_pipeline

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'milliwatt[train]'")
nn, functional = torch.nn, torch.nn.functional

# torch.export warns of its own internals.
pytestmark = pytest.mark.filterwarnings("ignore")


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any], *parts: Any) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs, *self.parts)


def imported(module: Any, *shapes: Sequence[int]) -> Graph:
    torch.manual_seed(1)
    for buffer in module.buffers():
        if buffer.is_floating_point():
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return import_torch(module.eval(), [torch.zeros(*shape) for shape in shapes])


def to_graph_layout(array: Array) -> Array:
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def check(module: Any, *shapes: Sequence[int]) -> Graph:
    """The module's graph, which gives its outputs before and after the passes."""
    graph = imported(module, *shapes)
    verify(graph)
    optimised = run_pipeline(graph)
    torch.manual_seed(2)
    inputs = [torch.randn(*shape) for shape in shapes]
    with torch.no_grad():
        results = module(*inputs)
    expected = results if isinstance(results, tuple) else (results,)
    arrays = [to_graph_layout(x.numpy()) for x in inputs]
    for candidate in (graph, optimised):
        got = run(candidate, arrays).outputs
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, to_graph_layout(b.numpy()), rtol=1e-4, atol=1e-5)
    return optimised


def _relu_in_place(x: Any) -> Any:
    y = x * 2
    z = functional.relu_(y)
    return y + z


IMAGE = (2, 4, 6, 5)
MODULES: dict[str, tuple[Any, Sequence[Sequence[int]]]] = {
    "conv": (nn.Conv2d(4, 8, 3, padding=1), [IMAGE]),
    "conv, no bias": (nn.Conv2d(4, 8, (3, 2), bias=False), [IMAGE]),
    "conv, stride and dilation": (nn.Conv2d(4, 8, 2, stride=(2, 1), dilation=(1, 2)), [IMAGE]),
    "conv, groups": (nn.Conv2d(4, 6, 3, groups=2), [IMAGE]),
    "conv, depthwise": (nn.Conv2d(4, 4, 3, groups=4, padding=(1, 0)), [IMAGE]),
    "conv, multiplier": (nn.Conv2d(4, 12, 3, groups=4), [IMAGE]),
    "conv, same": (nn.Conv2d(4, 5, (2, 4), padding="same"), [IMAGE]),
    "conv, valid": (nn.Conv2d(4, 5, 2, padding="valid"), [IMAGE]),
    "conv, one channel": (nn.Conv2d(1, 3, 3), [(1, 1, 6, 5)]),
    "linear": (nn.Linear(7, 3), [(2, 7)]),
    "linear, no bias": (nn.Linear(7, 3, bias=False), [(2, 7)]),
    "linear, three dimensions": (nn.Linear(7, 3), [(2, 5, 7)]),
    "linear, four dimensions": (nn.Linear(5, 3), [IMAGE]),
    "batch norm": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU()), [IMAGE]),
    "batch norm, plain": (nn.BatchNorm1d(7, affine=False), [(2, 7)]),
    "batch norm, sequence": (nn.BatchNorm1d(7), [(2, 7, 5)]),
    "relu": (nn.ReLU(), [(2, 7)]),
    "relu6": (nn.ReLU6(), [IMAGE]),
    "hardtanh": (nn.Hardtanh(), [IMAGE]),
    "clamp": (Apply(lambda x: x.clamp(0, 6)), [(2, 7)]),
    "clamp between": (Apply(lambda x: x.clamp(-1, 1)), [(2, 7)]),
    "clamp from below": (Apply(lambda x: x.clamp(min=0)), [(2, 7)]),
    "leaky relu": (nn.LeakyReLU(0.2), [IMAGE]),
    "sigmoid": (nn.Sigmoid(), [IMAGE]),
    "tanh": (nn.Tanh(), [(2, 7)]),
    "softmax": (nn.Softmax(dim=1), [(2, 7)]),
    "softmax of channels": (nn.Softmax(dim=1), [IMAGE]),
    "softmax, last": (nn.Softmax(dim=-1), [(2, 3, 7)]),
    "log softmax": (nn.LogSoftmax(dim=-1), [(2, 7)]),
    "add": (Apply(lambda a, b: a + b), [IMAGE, IMAGE]),
    "add, broadcast": (Apply(lambda a, b: a + b), [IMAGE, (2, 4, 1, 1)]),
    "add a number": (Apply(lambda a: a + 2.5), [IMAGE]),
    "subtract": (Apply(lambda a, b: a - b), [(2, 7), (1, 7)]),
    "multiply": (Apply(lambda a, b: a * b), [(2, 3, 7), (7,)]),
    "max pool": (nn.MaxPool2d(3, stride=2, padding=1), [IMAGE]),
    "max pool, own stride": (nn.MaxPool2d((2, 3)), [IMAGE]),
    "average pool": (nn.AvgPool2d(2), [IMAGE]),
    "average pool, padded": (nn.AvgPool2d(3, 1, 1, count_include_pad=False), [IMAGE]),
    "global average": (nn.AdaptiveAvgPool2d(1), [IMAGE]),
    "adaptive average": (nn.AdaptiveAvgPool2d((3, 5)), [IMAGE]),
    "mean of an image": (Apply(lambda x: x.mean((2, 3))), [IMAGE]),
    "mean, kept": (Apply(lambda x: x.mean((2, 3), keepdim=True)), [IMAGE]),
    "mean of channels, kept": (Apply(lambda x: x.mean(1, keepdim=True)), [IMAGE]),
    "mean of a sequence": (Apply(lambda x: x.mean(1)), [(2, 3, 7)]),
    "flatten": (nn.Flatten(), [IMAGE]),
    "flatten a part": (nn.Flatten(2), [IMAGE]),
    "flatten and dense": (nn.Sequential(nn.Flatten(), nn.Linear(120, 3)), [IMAGE]),
    "view": (Apply(lambda x: x.view(2, 8, -1)), [IMAGE]),
    "view as an image": (Apply(lambda x: x.view(2, 2, 3, 5) * 2), [(2, 30)]),
    "reshape": (Apply(lambda x: x.reshape(-1, 5)), [IMAGE]),
    "reshape to the same": (Apply(lambda x: x.reshape(2, 4, 6, 5) + 1), [IMAGE]),
    "squeeze": (Apply(lambda x: x.squeeze()), [(2, 4, 1, 1)]),
    "squeeze one": (Apply(lambda x: x.squeeze(2)), [(2, 4, 1, 1)]),
    "unsqueeze": (Apply(lambda x: x.unsqueeze(1)), [(2, 6, 5)]),
    "unsqueeze the last": (Apply(lambda x: x.unsqueeze(-1)), [(2, 6)]),
    "permute": (Apply(lambda x: x.permute(0, 2, 3, 1).reshape(2, 6, 20)), [IMAGE]),
    "transpose": (Apply(lambda x: x.transpose(1, 2)), [(2, 3, 7)]),
    "transpose an image": (Apply(lambda x: x.transpose(2, 3)), [IMAGE]),
    "cat channels": (Apply(lambda a, b: torch.cat([a, b], 1)), [IMAGE, (2, 3, 6, 5)]),
    "cat rows": (Apply(lambda a, b: torch.cat([a, b], -2)), [IMAGE, IMAGE]),
    "cat vectors": (Apply(lambda a, b: torch.cat([a, b, a])), [(2, 7), (1, 7)]),
    "pad": (Apply(lambda x: functional.pad(x, (1, 2, 0, 3))), [IMAGE]),
    "pad channels": (Apply(lambda x: functional.pad(x, (0, 0, 0, 0, 1, 2))), [IMAGE]),
    "dropout": (nn.Sequential(nn.Dropout(0.5), nn.ReLU()), [(2, 7)]),
    "in place": (Apply(lambda x: functional.relu_(x * 2) + 1), [(2, 7)]),
    "in place, read again": (Apply(_relu_in_place), [(2, 7)]),
    "in place, through a view": (Apply(lambda x: functional.relu_((x * 2).view(-1))), [(2, 7)]),
    "two outputs": (Apply(lambda x: (x + 1, x * 2)), [(2, 7)]),
    "an input as output": (Apply(lambda x, y: (x, x + y)), [(2, 7), (2, 7)]),
    "one layer twice": (Apply(lambda x, f: f(x) + f(x + 1), nn.Linear(7, 7)), [(2, 7)]),
    "separable": (
        nn.Sequential(
            nn.Conv2d(4, 4, 3, 2, 1, groups=4, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 8, 1),
            nn.AvgPool2d((3, 3)),
            nn.Flatten(),
            nn.Linear(8, 3),
            nn.Softmax(dim=1),
        ),
        [IMAGE],
    ),
}


@pytest.mark.parametrize("case", MODULES)
def test_the_graph_computes_what_the_module_does(case: str) -> None:
    module, shapes = MODULES[case]
    check(module, *shapes)


def test_batch_normalisation_leaves_no_operator() -> None:
    optimised = check(*_unpacked("separable"))
    kinds = [node.op.kind for node in optimised.nodes]
    assert kinds == [
        "DepthwiseConv2D",
        "Conv2D",
        "AveragePool2D",
        "Reshape",
        "FullyConnected",
        "Softmax",
    ]


def _unpacked(case: str) -> tuple[Any, ...]:
    module, shapes = MODULES[case]
    return module, *shapes


class Counter(nn.Module):
    """Keeps a count in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(1, 7))

    def forward(self, x: Any) -> Any:
        self.count.add_(1.0)
        return x + self.count


class Frozen(nn.Module):
    """A buffer that is not part of the state dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.full((1, 7), 3.0), persistent=False)

    def forward(self, x: Any) -> Any:
        return x * self.table


def test_buffers_that_are_not_saved_are_constants() -> None:
    graph = import_torch(Frozen().eval(), [torch.zeros(1, 7)])
    assert len(graph.inputs) == 1
    (got,) = run(graph, [np.ones((1, 7), np.float32)]).outputs
    np.testing.assert_array_equal(got, np.full((1, 7), 3.0))


def _change_a_view(x: Any) -> Any:
    y = x * 2
    functional.relu_(y.view(-1))
    return y


def _change_under_a_view(x: Any) -> Any:
    y = x * 2
    rows = y.view(-1)
    functional.relu_(y)
    return rows + 1


REFUSED: dict[str, tuple[Any, Sequence[Sequence[int]], str]] = {
    "unknown operators": (Apply(lambda x: torch.erf(torch.sin(x))), [(2, 7)], "aten.sin.default"),
    "ceil mode": (nn.MaxPool2d(2, ceil_mode=True), [IMAGE], "ceil_mode"),
    "padding that counts": (nn.AvgPool2d(3, 1, 1), [IMAGE], "count_include_pad"),
    "mean of rows": (Apply(lambda x: x.mean(2)), [IMAGE], "mean over dimensions"),
    "softmax of rows": (nn.Softmax(dim=2), [IMAGE], "not the channels"),
    "clamp from below": (Apply(lambda x: x.clamp(min=-1)), [(2, 7)], "clamp to"),
    "odd clamp": (Apply(lambda x: x.clamp(-2, 3)), [(2, 7)], "clamp to"),
    "alpha": (Apply(lambda x, y: torch.add(x, y, alpha=2)), [(2, 7), (2, 7)], "alpha 2"),
    "reflection": (nn.ReflectionPad2d(1), [IMAGE], "pad"),
    "dropout in evaluation": (Apply(lambda x: functional.dropout(x)), [(2, 7)], "dropout"),
    "a buffer that changes": (Counter(), [(1, 7)], "'add_': aten.add_.Tensor changes a value"),
    "an unbatched image": (nn.Conv2d(4, 8, 3), [(4, 6, 5)], "four dimensions"),
    "a constant output": (
        Apply(lambda x, f: (x + 1, f.weight), nn.Linear(7, 3)),
        [(2, 7)],
        "output",
    ),
    "an output that is none": (Apply(lambda x: (x + 1, None)), [(2, 7)], "output"),
    "a number as output": (Apply(lambda x: (x + 1, 3)), [(2, 7)], "output"),
    "a constant's view": (
        Apply(lambda x, f: x @ f.weight.t(), nn.Linear(7, 3)),
        [(2, 7)],
        "aten.t.default",
    ),
    "a constant's activation": (
        Apply(lambda x, f: x + torch.relu(f.bias), nn.Linear(7, 7)),
        [(2, 7)],
        "of a constant of the module",
    ),
    "a sum of constants": (
        Apply(lambda x, f: x * (f.bias + 1), nn.Linear(7, 7)),
        [(2, 7)],
        "of a constant of the module",
    ),
    "a change through a view": (Apply(_change_a_view), [(2, 7)], "read by another name"),
    "a change under a view": (Apply(_change_under_a_view), [(2, 7)], "read by another name"),
    "uneven pooling": (nn.AdaptiveAvgPool2d(4), [IMAGE], "does not divide"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_supported_is_refused(case: str) -> None:
    module, shapes, reason = REFUSED[case]
    with pytest.raises(UnsupportedError) as caught:
        imported(module, *shapes)
    assert reason in str(caught.value)


def test_every_unknown_operator_is_named_at_once() -> None:
    with pytest.raises(UnsupportedError) as caught:
        imported(*REFUSED["unknown operators"][:1], (2, 7))
    assert [p.split(": ")[1] for p in caught.value.problems] == [
        "aten.sin.default",
        "aten.erf.default",
    ]


def test_training_mode_and_integers_are_refused() -> None:
    with pytest.raises(ModelError, match="training mode"):
        import_torch(nn.Dropout(), [torch.zeros(2, 7)])
    with pytest.raises(UnsupportedError, match="only float32"):
        import_torch(Apply(lambda x: x + 1).eval(), [torch.zeros(2, 7, dtype=torch.int32)])


def test_what_cannot_be_exported_is_refused() -> None:
    def branches(x: Any) -> Any:
        return x + 1 if x.sum() > 0 else x - 1

    with pytest.raises(ModelError, match=r"torch\.export cannot export model"):
        imported(Apply(branches), (2, 7))
