# SPDX-License-Identifier: MIT
"""The passes, in order, each followed by the verifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from milliwatt.errors import MilliwattError, VerifyError
from milliwatt.ir.graph import Graph
from milliwatt.ir.verify import verify
from milliwatt.passes.fold_constants import fold_constants
from milliwatt.passes.fold_padding import fold_padding
from milliwatt.passes.fold_scale_and_shift import fold_scale_and_shift
from milliwatt.passes.fold_transpose_into_dense import fold_transpose_into_dense
from milliwatt.passes.fuse_activations import fuse_activations
from milliwatt.passes.merge_shape_changes import merge_shape_changes
from milliwatt.passes.remove_dead_nodes import remove_dead_nodes
from milliwatt.passes.remove_no_ops import remove_no_ops

Pass = Callable[[Graph], Graph]

PASSES: tuple[Pass, ...] = (
    remove_dead_nodes,
    fold_constants,
    fold_transpose_into_dense,
    merge_shape_changes,
    remove_no_ops,
    fold_scale_and_shift,
    fold_padding,
    fuse_activations,
    remove_dead_nodes,
)


def run_pipeline(graph: Graph, passes: Sequence[Pass] = PASSES) -> Graph:
    """`graph` after every pass. A VerifyError names the pass that broke it."""
    verify(graph)
    for step in passes:
        name = getattr(step, "__name__", repr(step))
        graph = step(graph)
        try:
            verify(graph)
        except MilliwattError as error:
            raise VerifyError(f"after pass '{name}': {error}") from error
    return graph
