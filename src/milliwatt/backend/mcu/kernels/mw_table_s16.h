/* SPDX-License-Identifier: MIT */
/* Functions of int16 numbers by table and interpolation, as quant/tables.py defines them. */
#ifndef MW_TABLE_S16_H
#define MW_TABLE_S16_H

#include "mw_common.h"

/* A 513-entry table at x in the range of int16, linear between entries. */
MW_INLINE int32_t mw_look_up_s16(int32_t x, const int16_t *MW_RESTRICT table)
{
    const int32_t index = 256 + (x >> 7);
    const int32_t base = table[index];
    return base + (((table[index + 1] - base) * (x & 0x7F) + 64) >> 7);
}

/* sigmoid of a magnitude in units of 1 / (24 << fraction_bits), in Q0.(16 + fraction_bits). */
MW_INLINE int32_t mw_interpolate_sigmoid(int32_t magnitude, int32_t fraction_bits, int32_t end,
                                         const uint16_t *MW_RESTRICT table)
{
    const int32_t index = magnitude >> fraction_bits;
    if (index >= 255) {
        return end;
    }
    const int32_t fraction = magnitude & ((1 << fraction_bits) - 1);
    const int32_t base = (int32_t)table[index];
    const int32_t rise = (int32_t)table[index + 1] - base;
    return (base << fraction_bits) + fraction * rise;
}

/* x * multiplier / 2**shift to nearest, ties upward: the units of the sigmoid table. A multiplier
 * of more than 15 bits comes with no shift, and is at most 2**17: 4 times it is beyond the
 * table. */
MW_INLINE int32_t mw_sigmoid_units(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t held = multiplier > 0x7FFF ? mw_clamp_i32(x, -4, 4) : x;
    return (held * multiplier + ((1 << shift) >> 1)) >> shift;
}

/* 1 / (1 + exp(-x)) in Q0.15. */
MW_INLINE int32_t mw_logistic_q15(int32_t x, int32_t multiplier, int32_t shift,
                                  const uint16_t *MW_RESTRICT table)
{
    const int32_t value = mw_sigmoid_units(x, multiplier, shift);
    const int32_t magnitude = value < 0 ? -value : value;
    const int32_t result = mw_interpolate_sigmoid(magnitude, 9, 0x7FFF << 10, table);
    return (value >= 0 ? result + (1 << 9) : (1 << 25) - result + (1 << 9) - 1) >> 10;
}

/* tanh(x) in Q0.15. */
MW_INLINE int32_t mw_tanh_q15(int32_t x, int32_t multiplier, int32_t shift,
                              const uint16_t *MW_RESTRICT table)
{
    const int32_t value = mw_sigmoid_units(x, multiplier, shift);
    const int32_t magnitude = value < 0 ? -value : value;
    const int32_t above_half =
        mw_interpolate_sigmoid(magnitude, 8, 0xFFFF << 8, table) - (1 << 23);
    return ((value >= 0 ? above_half : -above_half - 1) + (1 << 7)) >> 8;
}

#endif
