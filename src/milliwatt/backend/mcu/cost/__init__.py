# SPDX-License-Identifier: MIT
"""Latency and energy of a plan that was run."""
