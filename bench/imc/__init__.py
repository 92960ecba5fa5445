# SPDX-License-Identifier: MIT
"""Mapping for in-memory-computing arrays, beside ZigZag on its own example."""
