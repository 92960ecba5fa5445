# SPDX-License-Identifier: MIT
"""Constants laid out for the kernels that multiply two int8 inputs at once (mw_swar.h).

Their sums of 16 bits hold while the weights of a group of taps add up to at most `GROUP_REACH` in
magnitude. What a weight has beyond that goes to the rest, taps of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Core, Lit, Lowered, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import constant, weight_zero
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.swar.scale import (
    ExactScale,
    Scale,
    exact_scale,
    fit_scale,
    sums_of,
)
from milliwatt.ir.types import Array
from milliwatt.ops.base import Activation
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

CHANNELS = 8
"""MW_SWAR_CHANNELS of mw_swar.h: output channels whose weights are interleaved."""

GROUPS = (4, 8, 16)
"""Taps of a group, of which the kernel has loops."""

GROUP_REACH = 256
"""Sum of a group's magnitudes with which no input takes its sum out of -2**15..2**15 - 1.

Positive weights that add up to p and negative ones to -n give at most 127 * p + 128 * n and at
least -128 * p - 127 * n. With p + n = 256 only p = 0 leads outside, to 2**15: groups without a
positive weight have one less.
"""

_FARTHEST_STEP = 255


@dataclass(frozen=True, slots=True)
class SwarKernel:
    """A kernel for cores without packed multiplication: what it accepts, and how it is called."""

    name: str
    header: str
    accepts: Callable[[Site], bool]
    build: Callable[[Site], Lowered]

    def supports(self, site: Site, core: Core) -> bool:
        """Whether the core has nothing better and the site is one of this kernel's."""
        return core.swar and self.accepts(site)

    def lower(self, site: Site) -> Lowered:
        """The call."""
        return self.build(site)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's parameters, the input's zero point folded away, and how its sums are scaled.

    `weights` are int8 values less their zero point, [channels, taps]. Channels with one output
    have none.
    """

    weights: Array
    bias: Array
    scale: Scale | ExactScale
    least: int
    span: int

    @property
    def scale_arguments(self) -> tuple[Lit, ...]:
        """What mw_scale has of it, in order."""
        shifts = (self.scale.low_shift, self.scale.shift)
        return passed(*shifts, self.least, self.span, self.scale.step)

    @property
    def scale_variant(self) -> tuple[Lit, ...]:
        """Whether any channel falls, and how sums are treated."""
        return fixed(int(self.scale.falls), self.scale.treatment)

    @property
    def is_plain(self) -> bool:
        """Whether channels have numbers of their own, without falls or limits, to all of int8."""
        all_int8 = (self.least, self.span) == (-128, 255)
        bare = not self.scale.falls and self.scale.treatment == 0
        return all_int8 and bare and self.scale.step > 0

    def tables(self, multiple: int = 1) -> tuple[Table, Table]:
        """Biases with the input's zero point folded in, and scales, of a multiple of channels."""
        channels = align_up(len(self.bias), multiple)
        bias = np.pad(self.bias.astype(np.int32), (0, channels - len(self.bias)))
        return Table("bias", bias), self.scale.table(channels)


def layer_of(
    site: Site, weights: Array, factors: tuple[Array, Array], activation: Activation
) -> Layer | None:
    """The parameters of a site whose weights are given as [channels, taps].

    None where the kernels would not be exact: weights that do not fit int8 once centred, or sums
    beyond 32 bits.
    """
    y = site.outputs[0]
    centred = weights.astype(np.int64) - weight_zero(site)
    bias = constant(site, 2).astype(np.int64) - site.inputs[0].zero_point * centred.sum(axis=1)
    least, most = activation_range(activation, y)
    sums = sums_of(centred, bias, factors, y, (least, most))
    if centred.min() < -128 or centred.max() > 127 or np.abs(sums.ends).max() > (1 << 31) - 1:
        return None
    scale = fit_scale(sums) or exact_scale(sums)
    own = isinstance(scale, Scale) and scale.step > 0
    still = sums.constant() if own else np.zeros(len(bias), bool)
    weights = np.where(still[:, None], 0, centred)
    return Layer(weights, np.where(still, 0, bias), scale, least, most - least)


@dataclass(frozen=True, slots=True)
class Grouped:
    """Weights in groups of `group` taps that keep to GROUP_REACH, and the rest; [channels, taps].

    Their sum is the layer's weights, filled up with zeros to whole groups.
    """

    group: int
    weights: Array
    rest: Array

    @property
    def taps(self) -> int:
        """Taps with those that fill up the last group."""
        return self.weights.shape[1]

    @property
    def has_rest(self) -> bool:
        """Whether any group exceeded its reach."""
        return bool(self.rest.any())

    @property
    def work(self) -> int:
        """Roughly the instructions of four pixels' sums on a Cortex-M0+."""
        groups = self.taps // self.group
        per_group = 7 if self.group == 4 else 8
        channels = len(self.weights)
        rest = int(np.count_nonzero(self.rest))
        return channels * (6 * self.taps + per_group * groups) + 21 * rest


def grouped(weights: Array, group: int) -> Grouped:
    """The weights in groups of `group` taps."""
    channels, taps = weights.shape
    filled = np.zeros((channels, align_up(taps, group)), np.int64)
    filled[:, :taps] = weights
    groups = filled.reshape(channels, -1, group)
    kept = groups.copy()
    for index in zip(*np.nonzero(_reach(groups) > GROUP_REACH), strict=True):
        kept[index] = _within_reach(groups[index])
    kept = kept.reshape(channels, -1)
    return Grouped(group, kept, filled - kept)


def best_grouped(weights: Array) -> Grouped:
    """The weights in the groups that take the fewest instructions."""
    return min((grouped(weights, group) for group in GROUPS), key=lambda g: g.work)


def _reach(groups: Array) -> Array:
    """Magnitudes summed over the last axis; one more where no weight is positive."""
    return np.asarray(np.abs(groups).sum(-1) + (groups.max(-1) <= 0) * (groups.min(-1) < 0))


def _within_reach(group: Array) -> Array:
    """`group` with its largest weights made smaller, as few of them as can be."""
    kept = group.copy()
    for k in np.argsort(-np.abs(group), kind="stable"):
        excess = int(_reach(kept)) - GROUP_REACH
        if excess <= 0:
            break
        magnitude = max(abs(int(group[k])) - excess, 0)
        kept[k] = magnitude if group[k] > 0 else -magnitude
    return kept


def interleaved(weights: Array) -> Array:
    """weights[channels, taps] in blocks of CHANNELS, tap after tap, absent channels 0; int8."""
    channels, taps = weights.shape
    filled = np.zeros((ceil_div(channels, CHANNELS) * CHANNELS, taps), np.int8)
    filled[:channels] = weights
    return filled.reshape(-1, CHANNELS, taps).transpose(0, 2, 1).reshape(-1)


def rest_words(rest: Array) -> Array:
    """The rest as mw_swar_rest reads it: uint16."""
    words: list[int] = []
    for channel in rest:
        taps = np.flatnonzero(channel)
        entries: list[int] = []
        at = 0
        for tap in taps:
            while tap - at > _FARTHEST_STEP:
                entries.append(_FARTHEST_STEP << 8)
                at += _FARTHEST_STEP
            entries.append(int(tap - at) << 8 | int(channel[tap]) & 0xFF)
            at = int(tap)
        words += [len(entries), *entries]
    return np.array(words, np.uint16)


def rest_table(groups: Grouped) -> Table:
    """The rest; where there is none something to point to."""
    rest = rest_words(groups.rest) if groups.has_rest else np.zeros(1, np.uint16)
    return Table("rest", rest, alignment=2)


def matmul_tables(layer: Layer, groups: Grouped) -> tuple[Table, ...]:
    """What mw_swar_layer points to: weights, bias, scales, rest."""
    weights = Table("weights", interleaved(groups.weights))
    return weights, *layer.tables(), rest_table(groups)
