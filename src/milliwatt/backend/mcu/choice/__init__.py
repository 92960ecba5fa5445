# SPDX-License-Identifier: MIT
"""Which kernel computes each node: what is able, what it costs, what the objective wants."""
