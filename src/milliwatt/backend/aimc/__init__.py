# SPDX-License-Identifier: MIT
"""Analogue in-memory computing: crossbars, what runs on them, what it costs, how wrong it is."""

from milliwatt.backend.aimc.estimate import estimate
from milliwatt.backend.aimc.load import list_machines, load_machine
from milliwatt.backend.aimc.place import place, place_layers
from milliwatt.backend.aimc.placement import Placement

__all__ = ["Placement", "estimate", "list_machines", "load_machine", "place", "place_layers"]
