# SPDX-License-Identifier: MIT
"""What lowerings of all cores share: layers as numbers, loop nests, overlaps, stored weights."""
