# SPDX-License-Identifier: MIT
"""Integer helpers and the formatting of quantities."""

from __future__ import annotations


def ceil_div(numerator: int, denominator: int) -> int:
    """Smallest integer not below `numerator / denominator`, for a positive denominator."""
    return -(-numerator // denominator)


def align_up(value: int, alignment: int) -> int:
    """Smallest multiple of `alignment` not below `value`."""
    return ceil_div(value, alignment) * alignment


def format_bytes(count_bytes: int) -> str:
    """Bytes with thousands separators: `55,296 B`."""
    return f"{count_bytes:,} B"


def format_count(count: int, noun: str) -> str:
    """`1 sample`, `8 samples`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_si(value: float, unit: str) -> str:
    """Three significant digits with an SI prefix from nano to giga: `2.66 M`, `43.2 ms`."""
    if value == 0:
        return f"0 {unit}".rstrip()
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")):
        # From 999.5 on, three digits would round to 1000 of the smaller unit.
        if abs(value) >= 0.9995 * factor:
            return f"{value / factor:.3g} {prefix}{unit}".rstrip()
    return f"{value / 1e-9:.3g} n{unit}"
