# SPDX-License-Identifier: MIT
"""Digital in-memory computing: mapper, cycles, energy, bit-exact simulation."""
