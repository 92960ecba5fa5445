# SPDX-License-Identifier: MIT
"""`python -m bench`: measure, write the tables and the page; `--check`: only compare."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from bench import readme
from bench.check import Check, check_figures
from bench.measure import measure_suite
from bench.page import render
from bench.page_layers import layer_pages
from bench.plot import PICTURE, draw
from bench.plot_networks import NETWORKS, draw_networks
from bench.suite import BENCH, RESULTS, Group, Suite, load_suite
from bench.tables import Tables, files_of, load_tables, updated
from bench.times import measure_times
from bench.tuning import PAGE, filled_page
from milliwatt.errors import MilliwattError, OptionError
from milliwatt.output import write_file
from tests.support import SHARED_VARIABLE, find_shared


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.command()
@click.option("--check", is_flag=True, help="Compare with the committed table; write nothing.")
@click.option("--page", is_flag=True, help="Write pages and picture from the tables alone.")
@click.option("--group", "names", multiple=True, help="This group alone; may be repeated.")
def main(check: bool, page: bool, names: tuple[str, ...]) -> None:
    """Measure the networks of bench/suite.toml; write bench/results and both READMEs' tables."""
    try:
        suite = load_suite()
        if check:
            part = replace(suite, groups=_chosen(suite, names))
            raise SystemExit(_report(check_figures(part, load_tables(), find_shared(), _say)))
        tables = load_tables() if page else _measure(suite, _chosen(suite, names), not names)
        _write(suite, tables)
    except MilliwattError as error:
        _say(f"error: {error}")
        raise SystemExit(2) from error


def _report(outcome: Check) -> int:
    click.echo(outcome.text)
    return 0 if outcome.passed else 1


def _chosen(suite: Suite, names: tuple[str, ...]) -> tuple[Group, ...]:
    known = {group.name: group for group in suite.groups}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OptionError(f"no group {', '.join(unknown)}; there are: {', '.join(known)}")
    return tuple(known[name] for name in names) or suite.groups


def _measure(suite: Suite, groups: tuple[Group, ...], with_times: bool) -> Tables:
    shared = _shared()
    tables = updated(load_tables(), suite, measure_suite(suite, groups, shared, _say))
    if with_times:
        tables = replace(tables, times=tuple(measure_times(suite, shared, _say)))
    return tables


def _shared() -> Path:
    shared = find_shared()
    if shared is None:
        raise OptionError(
            f"the networks are not here: set {SHARED_VARIABLE} to the folder that holds models/, "
            "or put it beside the repository as 'shared'"
        )
    return shared


def _write(suite: Suite, tables: Tables) -> None:
    for name, text in files_of(tables).items():
        write_file(RESULTS / name, text.encode())
    write_file(RESULTS / PICTURE, draw(suite, tables.layers).encode())
    write_file(RESULTS / NETWORKS, draw_networks(suite, tables).encode())
    write_file(BENCH / "README.md", render(suite, tables).encode())
    for name, text in layer_pages(suite, tables).items():
        write_file(BENCH / name, text.encode())
    write_file(PAGE, filled_page(suite, tables).encode())
    readme.main()


if __name__ == "__main__":
    sys.exit(main())
