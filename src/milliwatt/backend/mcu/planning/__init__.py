# SPDX-License-Identifier: MIT
"""From kernels and memory to a Plan: what is computed when, and where every value lies."""
