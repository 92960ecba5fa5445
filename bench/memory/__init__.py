# SPDX-License-Identifier: MIT
"""Hard instances of memory planning with known optimum, and how near the solver comes."""
