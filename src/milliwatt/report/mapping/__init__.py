# SPDX-License-Identifier: MIT
"""What `milliwatt map` shows of a network on an in-memory-computing machine."""
