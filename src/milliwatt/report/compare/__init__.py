# SPDX-License-Identifier: MIT
"""One workload on targets of every family, side by side."""
