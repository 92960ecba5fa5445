# SPDX-License-Identifier: MIT
"""Values in memory besides the arena: parts of others, states, constant tables."""
