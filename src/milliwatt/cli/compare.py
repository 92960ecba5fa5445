# SPDX-License-Identifier: MIT
"""`milliwatt compare MODEL --targets A,B,…`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milliwatt.cli.console import json_option, progress, say, show, show_json

if TYPE_CHECKING:
    from milliwatt.report.compare.candidate import Comparison
    from milliwatt.report.compare.sweeps import KindCost, MixPoint, RatePoint, SizePoint
    from milliwatt.report.compare.workload import Workload

_SWEEPS = ("layers", "sizes")


@click.command("compare")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--targets",
    required=True,
    help="Boards and in-memory-computing machines, with commas between them, or .toml files.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Samples for accuracy: an .npz of the input, and `labels` where known.",
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Inferences a second for energy a day; may be repeated. Default: a range of them.",
)
@click.option(
    "--standby",
    "standby",
    multiple=True,
    metavar="TARGET=µW",
    help="Power of a target between inferences, where you know it; may be repeated.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Analogue chips to simulate for accuracy.",
)
@click.option(
    "--noise-samples",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Samples that each analogue chip runs.",
)
@click.option(
    "--after",
    "after_s",
    type=click.FloatRange(min=0, min_open=True),
    default=3600.0,
    show_default=True,
    help="Seconds from programming analogue cells to the inference.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    type=click.Choice(_SWEEPS),
    help="Also compare on networks made for it: kinds of layers, or growing sizes.",
)
@click.option("--basis", is_flag=True, help="Also print where every number comes from.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    help="Draw energy by level, by rate and of the sweeps (.svg, .png, .pdf).",
)
@json_option
def command(
    model: Path,
    targets: str,
    data: Path | None,
    rates: tuple[float, ...],
    standby: tuple[str, ...],
    seeds: int,
    noise_samples: int,
    after_s: float,
    sweeps: tuple[str, ...],
    basis: bool,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Compare Cortex-M boards, digital and analogue in-memory computing on MODEL.

    Accuracy, latency, energy at three levels, area, memory, who computes what, and energy a day
    with standby. Targets that cannot run it say why. Every number has a basis: --basis or --json.
    """
    from milliwatt.report.compare.comparison import compare
    from milliwatt.report.compare.daily import with_standby
    from milliwatt.report.compare.sweeps import RATES_HZ, sweep_rates

    names = _names(targets)
    powers_uw = dict(_power(text) for text in standby)
    if picture is not None:
        _check_picture(picture)
    workload = _workload(model, data, seeds, noise_samples, after_s)
    comparison = with_standby(compare(workload, names, say), powers_uw)
    days = sweep_rates(comparison, rates or RATES_HZ)
    kinds, sizes = _swept(names, sweeps)
    if picture is not None:
        _draw(picture, comparison, kinds, sizes)
    if as_json:
        show_json(_as_json(comparison, days, kinds, sizes))
        return
    _print(comparison, days, kinds, _mixes(kinds), sizes)
    if basis:
        _print_basis(comparison)


def _names(targets: str) -> list[str]:
    """The targets between the commas, each of which there is."""
    from milliwatt.report.compare.comparison import find_adapter

    names = [name.strip() for name in targets.split(",") if name.strip()]
    for name in names:
        find_adapter(name)
    return names


def _check_picture(picture: Path) -> None:
    from milliwatt.figures import check_picture
    from milliwatt.output import check_file

    check_picture(picture.suffix)
    check_file(picture)


def _swept(names: list[str], sweeps: tuple[str, ...]) -> tuple[list[KindCost], list[SizePoint]]:
    """Costs of kinds of layers, and of growing sizes, where they are asked for."""
    from milliwatt.report.compare.sweeps import STACK_CHANNELS, sweep_kinds, sweep_sizes

    kinds = sweep_kinds(names, progress) if "layers" in sweeps else []
    sizes = sweep_sizes(names, STACK_CHANNELS, progress) if "sizes" in sweeps else []
    progress("")
    return kinds, sizes


def _print_basis(comparison: Comparison) -> None:
    from milliwatt.report.compare.tables import basis_text

    show("")
    show(basis_text(comparison))


def _workload(
    model: Path, data: Path | None, seeds: int, noise_samples: int, after_s: float
) -> Workload:
    from milliwatt.frontend.load import load_model
    from milliwatt.report.compare.workload import load_labelled, make_workload

    graph = load_model(model)
    labelled = None if data is None else load_labelled(data, graph)
    return make_workload(
        graph, labelled, noise_samples=noise_samples, noise_seeds=seeds, after_s=after_s
    )


def _power(text: str) -> tuple[str, float]:
    """`nucleo-l4r5zi=5` as a name and microwatts."""
    from milliwatt.errors import OptionError
    from milliwatt.report.compare.comparison import find_adapter

    name, _, value = text.partition("=")
    try:
        return find_adapter(name)[1], float(value)
    except ValueError as error:
        raise OptionError(f"--standby is TARGET=µW, such as st-dimc=20, not '{text}'") from error


def _mixes(kinds: list[KindCost]) -> list[MixPoint]:
    from milliwatt.report.compare.sweeps import sweep_mix

    return sweep_mix(kinds, "pointwise", "depthwise") if kinds else []


def _draw(
    picture: Path, comparison: Comparison, kinds: list[KindCost], sizes: list[SizePoint]
) -> None:
    from milliwatt.output import write_file
    from milliwatt.report.compare.pictures import comparison_picture

    write_file(picture, comparison_picture(comparison, picture.suffix, kinds, sizes))


def _print(
    comparison: Comparison,
    days: list[RatePoint],
    kinds: list[KindCost],
    mixes: list[MixPoint],
    sizes: list[SizePoint],
) -> None:
    from milliwatt.report.compare.tables import (
        comparison_table,
        kinds_table,
        mix_table,
        rates_table,
        sizes_table,
    )

    show(comparison_table(comparison))
    show("")
    show(rates_table(days))
    for table in ([kinds_table(kinds), mix_table(mixes)] if kinds else []) + (
        [sizes_table(sizes)] if sizes else []
    ):
        show("")
        show(table)


def _as_json(
    comparison: Comparison,
    days: list[RatePoint],
    kinds: list[KindCost],
    sizes: list[SizePoint],
) -> dict[str, Any]:
    from milliwatt.report.compare.sweeps_json import kinds_json, rates_json, sizes_json

    content = {**comparison.as_json(), "rates": rates_json(days)}
    if kinds:
        content["layers"] = kinds_json(kinds)
    if sizes:
        content["sizes"] = sizes_json(sizes)
    return content
