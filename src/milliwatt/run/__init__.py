# SPDX-License-Identifier: MIT
"""Building C for a core and running it: on this machine, on Unicorn, on QEMU."""
