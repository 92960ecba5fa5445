# SPDX-License-Identifier: MIT
"""Made-up rows and a made-up suite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.measure import LAYER_TYPES, OTHER, Measured
from bench.rows import Figures, LayerFigures, Peer, PeerLatency, Time
from bench.suite import Suite, parse_suite
from bench.tables import Tables

SUITE: dict[str, Any] = {
    "samples": 2,
    "seed": 7,
    "headline": "m4-gcc",
    "model": {
        "one": {
            "title": "One",
            "file": "models/one.tflite",
            "arena_goal_bytes": 100,
            "instructions_goal": 1250,
            "instructions_further": 1000,
            "sram_goal_bytes": 80,
            "has_flash_goal": True,
        },
        "two": {"title": "Two", "file": "models/two.tflite"},
    },
    "platform": [
        {
            "name": "m4",
            "title": "Cortex-M4",
            "target": "nucleo-l4r5zi",
            "builds": {
                "gcc": ["one", "two"],
                "gcc tuned": ["one"],
                "gcc rows": ["one"],
                "gcc flash": ["one"],
            },
            "peers": ["aot-cmsis O2", "tflm-cmsis default"],
        },
        {
            "name": "m55",
            "title": "Cortex-M55",
            "target": "corstone-300",
            "builds": {"gcc": ["one"]},
            "peers": ["aot-cmsis O3"],
        },
    ],
}


def suite() -> Suite:
    return parse_suite(SUITE)


def figures(model: str = "one", group: str = "m4-gcc", **changes: Any) -> Figures:
    row = Figures(
        group=group,
        model=model,
        target="nucleo-l4r5zi",
        core="cortex-m4",
        compiler="gcc 1.2",
        flags="-O2",
        emulator="unicorn",
        samples=2,
        sources="abc",
        commit="def",
        macs=1000,
        instructions=1250,
        instructions_per_mac=1.25,
        cycles=1800,
        parameters_bytes=600,
        weights_bytes=500,
        constants_bytes=60,
        code_bytes=400,
        flash_bytes=960,
        image_bytes=1000,
        arena_bytes=90,
        arena_lower_bound_bytes=90,
        arena_proven=True,
        state_bytes=8,
        static_bytes=2,
        sram_bytes=100,
        stack_bytes=64,
        latency_ms=1.5,
        latency_low_ms=1.25,
        latency_high_ms=1.75,
    )
    return replace(row, **changes)


def layers(model: str = "one", group: str = "m4-gcc") -> tuple[LayerFigures, ...]:
    return tuple(
        LayerFigures(
            group=group,
            model=model,
            layer=i,
            name=f"layer {i}, {kind}",
            type=kind,
            op="Op",
            kernel="kernel",
            macs=0 if kind == OTHER else 200,
            instructions=50 if kind == OTHER else 300,
            instructions_per_mac=None if kind == OTHER else 1.5,
            cycles=None if kind == OTHER else 400,
        )
        for i, kind in enumerate(LAYER_TYPES)
    )


def measured(model: str = "one", group: str = "m4-gcc", **changes: Any) -> Measured:
    return Measured(figures(model, group, **changes), layers(model, group))


def peer(model: str = "one", **changes: Any) -> Peer:
    row = Peer("cortex-m4", "aot-cmsis", "O2", model, 2500, 2000, 100, 4, 80, "made up")
    return replace(row, **changes)


def tables() -> Tables:
    return Tables(
        figures=(
            figures("one"),
            figures("two", latency_ms=None),
            figures("one", "m4-gcc-tuned", instructions=1200, cycles=1700),
            figures("one", "m4-gcc-rows", instructions=1375, sram_bytes=80),
            figures("one", "m4-gcc-flash", instructions=1500, constants_bytes=20),
            figures("one", "m55-gcc", core="cortex-m55", instructions=100, cycles=None),
        ),
        layers=(*layers("one"), *layers("two"), *layers("one", "m55-gcc")),
        times=(Time("milliwatt --help", 0.1, 0.3, "a machine"), Time("one", 4.0, 3.0, "a machine")),
        peers=(
            peer("one"),
            peer("two", instructions=1000),
            peer("one", flags="Os", flash_bytes=1000),
            peer("one", core="cortex-m55", flags="O3", instructions=200),
            peer("one", core="cortex-m55", peer="aot-cmsis-zig", flags="Os", instructions=125),
        ),
        latencies=(PeerLatency("Engine", "one", 3.0, "published", "made up"),),
    )
