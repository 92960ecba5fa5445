# SPDX-License-Identifier: MIT
"""The page about the predictor's errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.markdown import table
from bench.predictions.fit import Array, relative_errors
from bench.predictions.measure import MOST_LAYERS, Sample
from bench.predictions.rows import ENOUGH, Row, Samples, arrays
from milliwatt.backend.mcu.choice.predict import Fitted

PAGE = Path(__file__).with_name("README.md")
_TITLES = {"base": "Cores without packed multiplication", "dsp": "Cores with DSP", "mve": "Helium"}

Before = Mapping[tuple[str, str], Fitted]


@dataclass(frozen=True, slots=True)
class Measured:
    """The samples of one class of cores: on its board, and alone on the other cores."""

    board: str
    networks: Samples
    layers: Samples
    others: Mapping[str, Samples]


def render(
    page: str,
    before: Before,
    rows: Sequence[Row],
    found: Mapping[str, Measured],
    networks: str,
) -> str:
    """The page anew; sections of classes of cores that are not in `found` as `page` has them."""
    table_rows = {(row.core, row.kernel): row for row in rows}
    parts = [_head(networks)]
    for core in _TITLES:
        start, end = f"<!-- {core}:start -->\n", f"<!-- {core}:end -->\n"
        if core in found:
            own = {name: row for (where, name), row in table_rows.items() if where == core}
            old = {name: fitted for (where, name), fitted in before.items() if where == core}
            body = _section(core, found[core], own, old)
        else:
            body = page.partition(start)[2].partition(end)[0]
        parts.append(f"{start}{body}{end}")
    return "\n".join(parts)


def _head(networks: str) -> str:
    return f"""# How far predictions are off

Written by `python -m bench.predictions`, which also writes
`src/milliwatt/backend/mcu/choice/predictions.csv`. Where nothing was measured, the choice of
kernels by an objective ([docs/tuning.md](../../docs/tuning.md)) rests on these predictions of
instructions.

Each kernel is measured on the layers of networks ({networks}) and on up to {MOST_LAYERS} layers
alone of all sizes. A row is fitted to the networks' layers where there are {ENOUGH} or more, else
to both. Errors are |predicted / measured - 1|, of each layer by a fit to all the others; layers
that the row is not fitted to are predicted by the row itself. *Before* is the error of the table
as it was, on the same layers: where a kernel had no row, that of the guess made for it.
"""


def _section(
    core: str, measured: Measured, rows: Mapping[str, Row], old: Mapping[str, Fitted]
) -> str:
    kernels = sorted({*measured.networks, *measured.layers})
    errors = {kernel: _Errors.of(kernel, measured, rows[kernel], old) for kernel in kernels}
    others = list(measured.others)
    families: dict[str, list[_Errors]] = defaultdict(list)
    for found in errors.values():
        families[found.family].append(found)
    by_family = table(
        ["operator", "kernels", "without a row before", "error before", "error now", "any kernel"],
        [_family_line(name, some, rows) for name, some in sorted(families.items())],
    )
    by_kernel = table(
        [
            "kernel",
            "of networks",
            "alone",
            "before",
            "now",
            "on layers not fitted",
            "worst",
            *others,
        ],
        [_kernel_line(kernel, errors[kernel], measured, rows[kernel]) for kernel in kernels],
    )
    return "\n".join(
        [
            f"## {_TITLES[core]}: rows `{core}`, measured on {measured.board}\n",
            "Mean errors over the kernels of an operator. Kernels without a row, such as new ones,",
            "are predicted by the operator's own row, with the error in the last column.\n",
            by_family,
            *_others_lines(measured, rows),
            "\n<details><summary>Every kernel</summary>\n",
            by_kernel,
            "\n</details>\n",
        ]
    )


@dataclass(frozen=True, slots=True)
class _Errors:
    """Mean errors of one kernel; None where there is no such layer."""

    family: str
    had_row: bool
    before: float
    now: float
    beside: float | None

    @staticmethod
    def of(kernel: str, measured: Measured, row: Row, old: Mapping[str, Fitted]) -> _Errors:
        networks = list(measured.networks.get(kernel, ()))
        alone = list(measured.layers.get(kernel, ()))
        every = [*networks, *alone]
        beside = alone if len(networks) >= ENOUGH and alone else []
        family = every[0].family
        rates = (old.get(kernel) or old[family]).rates
        off = _mean_error(row.rates, beside) if beside else None
        now = row.mean_error
        if off is not None:
            now = (row.mean_error * row.layers + off * len(beside)) / (row.layers + len(beside))
        return _Errors(family, kernel in old, _mean_error(rates, every), now, off)


def _mean_error(rates: Sequence[float], samples: Sequence[Sample]) -> float:
    return float(relative_errors(np.array(rates), *arrays(samples)).mean())


def _family_line(name: str, some: Sequence[_Errors], rows: Mapping[str, Row]) -> list[str]:
    return [
        name.removeprefix("any "),
        str(len(some)),
        str(sum(not one.had_row for one in some)),
        _percent(float(np.mean([one.before for one in some]))),
        _percent(float(np.mean([one.now for one in some]))),
        _percent(rows[name].mean_error),
    ]


def _kernel_line(kernel: str, errors: _Errors, measured: Measured, row: Row) -> list[str]:
    return [
        f"`{kernel}`",
        str(len(measured.networks.get(kernel, ()))),
        str(len(measured.layers.get(kernel, ()))),
        f"{_percent(errors.before)}{'' if errors.had_row else ' (no row)'}",
        _percent(errors.now),
        "–" if errors.beside is None else _percent(errors.beside),
        _percent(row.max_error),
        *(
            _percent(_mean_error(row.rates, some[kernel])) if kernel in some else "–"
            for some in measured.others.values()
        ),
    ]


def _others_lines(measured: Measured, rows: Mapping[str, Row]) -> Iterator[str]:
    """What the rows are worth on the other cores of the class."""
    for core, samples in measured.others.items():
        ratios = _ratios(samples, rows)
        factor = float(np.median(ratios))
        plain = float(np.abs(1 / ratios - 1).mean())
        scaled = float(np.abs(factor / ratios - 1).mean())
        yield (
            f"\nOn {core} the same rows serve: the layers alone take {factor:.2f} times what is "
            f"predicted (median); predictions are off by {plain:.0%} on average, by {scaled:.0%} "
            "once that factor is taken out, which choices do not depend on."
        )


def _ratios(samples: Samples, rows: Mapping[str, Row]) -> Array:
    found: list[Array] = []
    for kernel, some in samples.items():
        features, counts = arrays(some)
        found.append(counts / np.maximum(features @ np.array(rows[kernel].rates), 1.0))
    return np.concatenate(found)


def _percent(error: float) -> str:
    return f"{error:.1%}" if error < 0.1 else f"{error:.0%}"
