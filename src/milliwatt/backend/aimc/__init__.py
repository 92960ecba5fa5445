# SPDX-License-Identifier: MIT
"""Analogue in-memory computing: crossbars, what runs on them, what it costs, how wrong it is."""

from milliwatt.backend.aimc.estimate import estimate
from milliwatt.backend.aimc.load import list_machines, load_machine
from milliwatt.backend.aimc.pipeline import Pipeline, pipelined
from milliwatt.backend.aimc.place import Options, place, place_layers
from milliwatt.backend.aimc.placement import Placement
from milliwatt.backend.aimc.simulate import (
    age_chip,
    calibrate_chip,
    program_chip,
    run_chip,
    simulate,
)
from milliwatt.backend.aimc.study import accuracy_over_time

__all__ = [
    "Options",
    "Pipeline",
    "Placement",
    "accuracy_over_time",
    "age_chip",
    "calibrate_chip",
    "estimate",
    "list_machines",
    "load_machine",
    "pipelined",
    "place",
    "place_layers",
    "program_chip",
    "run_chip",
    "simulate",
]
