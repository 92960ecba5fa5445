# SPDX-License-Identifier: MIT
"""The page and the picture, and that the committed ones are of the committed tables."""

import dataclasses
import re

import pytest

from bench.limits import load_limits
from bench.markdown import count, ratio, table
from bench.measure import POINTWISE
from bench.page import render
from bench.page_goals import why_missed
from bench.page_layers import layer_pages
from bench.plot import PICTURE, draw
from bench.plot_networks import NETWORKS, draw_networks
from bench.rows import CoreLatency, PeerShare
from bench.suite import BENCH, RESULTS, load_suite
from bench.tables import files_of, load_tables
from tests.bench.fakes import layers, peer, suite, tables


def test_cells() -> None:
    assert count(1234567) == "1,234,567"
    assert count(None) == "–"
    assert ratio(50, 200) == "0.25"
    assert ratio(50, None) == "–"
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
    assert table(["a", "b", "c"], [], texts=["c"]).endswith("| --- | ---: | --- |")


def test_goals_are_counted_and_what_is_missed_named() -> None:
    page = render(suite(), tables())
    assert "**6 of 7 goals met**; missed: two instructions 1,250 of 1,000." in page
    assert "| one | 1,250 | 2,500 | 0.50 | – | – | yes |" in page
    assert "| two | 1,250 | 1,000 | 1.25 | – | – | **no** |" in page


def test_all_goals_met() -> None:
    page = render(suite(), dataclasses.replace(tables(), figures=tables().figures[:1]))
    assert "**4 of 4 goals met**." in page
    assert "; missed:" not in page


def test_goals_beyond_the_peers() -> None:
    page = render(suite(), tables())
    assert "| one | 1,250 | 1,800 | 1,250 | yes | 1,000 | **no** | 1,200 | 1,700 |" in page
    assert "| one | 100 | 80 | 80 | yes | 1.100 | yes | 1.000 |" in page
    # 460 and 420 bytes beyond weights; CMSIS-NN's binary less the model's 600.
    assert "| one | 460 | yes | 420 | yes | 1.20 | 1.00 | 400 |" in page
    assert "| two | 460 | – | – | – | – | – | – |" in page
    assert "| Cortex-M55: ≤ 0.75 | **0.80** |" in page


def test_every_build_and_every_peer_of_a_core() -> None:
    page = render(suite(), tables())
    assert "| **one** gcc -O2 | 1,250 |  | 1.25 | 1,800 | 100 | 1,000 | 460 | 64 |" in page
    assert "| **one** gcc -Os, flash | 1,500 |  | 1.25 | 1,800 | 100 | 1,000 | 420 | 64 |" in page
    peer = "straight-line CMSIS-NN, -O2 | 2,500 | 0.50 | 2.5 | – | 104 | 2,000 | 1,400 | 80 |"
    assert f"| one {peer}" in page


def test_peers_that_the_suite_does_not_name_are_shown_too() -> None:
    more = (*tables().peers, peer("one", peer="onnx2c-pt", flags="O3", instructions=5000))
    page = render(suite(), dataclasses.replace(tables(), peers=more))
    assert "| one onnx2c, -O3 | 5,000 | 0.25 | 5 |" in page


def test_the_layers_of_every_build_and_what_is_outside_them() -> None:
    rows = (*layers("one"), *layers("one", "m4-gcc-flash")[1:])
    pages = layer_pages(suite(), dataclasses.replace(tables(), layers=rows))
    assert set(pages) == {"layers/m4.md", "layers/m55.md"}
    page = pages["layers/m4.md"]
    titles = "gcc -O2 | gcc -O2, tuned | gcc -O2, rows | gcc -Os, flash |"
    assert f"| layer | type | kernel | MACs | per MAC | cycles | {titles}" in page
    head = "| `layer 0, conv 1×1` | conv 1×1 | `kernel` | 200 | 1.5 | 400 |"
    assert f"{head} 300 | – | – | – |" in page
    assert "| `layer 4, other` | other | `kernel` |  |  | – | 50 | – | – | 50 |" in page
    assert "| outside layers |  |  |  |  |  | 0 | – | – | 550 |" in page
    assert "| **all** |  |  | 1,000 | 1.25 | 1,800 | 1,250 | 1,200 | 1,375 | 1,500 |" in page


def test_layers_of_one_name_stay_apart() -> None:
    twins = tuple(dataclasses.replace(layer, name="twin") for layer in layers("one"))
    page = layer_pages(suite(), dataclasses.replace(tables(), layers=twins))["layers/m4.md"]
    assert page.count("| `twin` |") == len(twins)


def test_every_goal_missed_has_its_reason() -> None:
    committed, real = load_tables(), load_suite()
    rows = {row.model: row for row in committed.figures if row.group == real.headline.name}
    bar = committed.latencies[0].engine
    for model in real.headline.models:
        further = model.instructions_further
        if further is not None and rows[model.key].instructions > further:
            assert why_missed("further", [model.key]), model.key
    for entry in committed.latencies:
        high = rows[entry.model].latency_high_ms
        if entry.engine == bar and high is not None and high > entry.latency_ms:
            assert why_missed("latency", [entry.model]), entry.model


def test_what_limits_kernels_is_told_for_those_that_matter() -> None:
    limits = load_limits()
    work: dict[tuple[str, str], int] = {}
    totals: dict[str, int] = {}
    for layer in load_tables().layers:
        if layer.group in ("m4-gcc", "m55-gcc", "m0plus-gcc"):
            key = layer.group, layer.kernel
            work[key] = work.get(key, 0) + layer.instructions
            totals[layer.group] = totals.get(layer.group, 0) + layer.instructions
    for (group, kernel), instructions in work.items():
        assert instructions < 0.01 * totals[group] or kernel in limits, kernel


def test_layers_by_type() -> None:
    page = render(suite(), tables())
    assert "| one | 1.50 | 1.50 | 1.50 | 1.50 | 4.0% | 1.25 |" in page


def test_latency_and_times() -> None:
    page = render(suite(), tables())
    assert "| one | 1.5 | 1.25 to 1.75 | 1.5 | 3 | yes |" in page
    assert "The range reaches above" not in page
    slow = (dataclasses.replace(tables().latencies[0], latency_ms=1.4),)
    page = render(suite(), dataclasses.replace(tables(), latencies=slow))
    assert "| one | 1.5 | 1.25 to 1.75 | 1.5 | 1.4 | **no** |" in page
    assert "The range reaches above Engine's time for one." in page
    assert "| one | 4.00 s | 3 s | **no** |" in page
    assert "| milliwatt --help | 0.10 s | 0.3 s | yes |" in page


def test_published_times_on_other_cores() -> None:
    entries = (
        CoreLatency("cortex-m55", "Engine", "board", 100, "one", 0.02, "made up"),
        CoreLatency("cortex-m55", "B", "board", 100, "one", 0.03, "made up"),
    )
    page = render(suite(), dataclasses.replace(tables(), core_latencies=entries))
    assert (
        "| cortex-m55 | milliwatt: instructions per MAC | Engine, board, 100 MHz | B, board" in page
    )
    # 0.02 ms at 100 MHz are 2000 cycles, for 100 instructions of ours.
    (line,) = (line for line in page.splitlines() if "(0.02 ms)" in line)
    assert line.endswith("| 20.00 |")
    assert "Other cores, beside published times" not in render(suite(), tables())


def test_shares_of_a_peer_stand_beside_types_of_layers() -> None:
    share = PeerShare("one", POINTWISE, 0.5, "made up")
    page = render(suite(), dataclasses.replace(tables(), shares=(share,)))
    theirs = peer("one").instructions // 2
    (line,) = (line for line in page.splitlines() if line.startswith("| one, "))
    assert line.endswith("| 50% |")
    assert f"| {theirs:,} |" in line


def test_what_networks_names_stand_for() -> None:
    assert "| one | One |" in render(suite(), tables())


def test_a_page_of_empty_tables() -> None:
    nothing = dataclasses.replace(tables(), figures=(), layers=(), times=())
    assert "**0 of 0 goals met**." in render(suite(), nothing)


def test_equal_layers_make_equal_pictures() -> None:
    pytest.importorskip("matplotlib")
    rows = [*layers(), *layers("one", "m55-gcc")]
    first = draw(suite(), rows)
    assert first == draw(suite(), rows)
    assert "SMLAD" in first
    assert "VMLADAVA" in first
    assert "VMLADAVA" not in draw(suite(), layers())
    networks = draw_networks(suite(), tables())
    assert networks == draw_networks(suite(), tables())
    assert "Cortex-M55" in networks


def test_the_committed_page_is_of_the_committed_tables() -> None:
    committed = load_tables()
    text = (BENCH / "README.md").read_text("utf-8")
    assert text == render(load_suite(), committed), "run: python -m bench --page"
    for name, content in files_of(committed).items():
        assert (RESULTS / name).read_text("utf-8") == content
    for name, content in layer_pages(load_suite(), committed).items():
        assert (BENCH / name).read_text("utf-8") == content, "run: python -m bench --page"
    for picture in (PICTURE, NETWORKS):
        assert (RESULTS / picture).is_file()


def test_committed_figures_say_what_made_them() -> None:
    committed = load_tables()
    for row in committed.figures:
        assert row.compiler
        assert "-std=c99" in row.flags
        assert row.flags.endswith(("-O2", "-Os"))
        assert re.fullmatch(r"[0-9a-f]{12}\+?", row.commit)
    assert {layer.key for layer in committed.layers} == {row.key for row in committed.figures}
    assert all(entry.source for entry in (*committed.peers, *committed.latencies))
    assert all(entry.source for entry in (*committed.core_latencies, *committed.shares))


def test_committed_figures_add_up() -> None:
    """Bands compute some columns again, so that theirs may be more than the network has."""
    committed = load_tables()
    assert {row.key for row in committed.figures} <= set(load_suite().keys())
    for row in committed.figures:
        assert row.flash_bytes == row.weights_bytes + row.constants_bytes + row.code_bytes
        assert row.image_bytes >= row.flash_bytes
        assert row.sram_bytes == row.arena_bytes + row.state_bytes + row.static_bytes
        assert row.arena_bytes >= row.arena_lower_bound_bytes
        own = [layer for layer in committed.layers if layer.key == row.key]
        once = [layer for layer in own if "/band " not in layer.name]
        assert sum(layer.macs for layer in once) <= row.macs
        assert sum(layer.instructions for layer in own) < row.instructions
