/* SPDX-License-Identifier: MIT */
/* int8 a + b and a - b of equal shape.
 *
 * The operand of the larger scale has the factor 1/2, of which nothing is lost: it is shifted, no
 * more. The other is requantised as mw_requantize_dsp.h does it, and added on the way. About 16
 * instructions an element. Registers: 3 pointers, end, 7 numbers of the layer, 2 to work with. */
#ifndef MW_ADD_S8_DSP_H
#define MW_ADD_S8_DSP_H

#include "mw_requantize_dsp.h"

/* sum + (x - zero) * 2**20, rescaled; `divisor` 0 says that the factor is 1/2. `offset` is
 * -zero * 2**21. */
MW_INLINE int32_t mw_add_term_s8(int32_t x, int32_t offset, int32_t multiplier, int32_t divisor,
                                 int32_t sum)
{
    const int32_t doubled = x * (1 << 21) + offset;
    if (divisor == 0) {
        return sum + (doubled >> 2);
    }
    const int32_t scaled = mw_high_mul_round(doubled, multiplier);
    return mw_high_mul_sub_round(scaled + (scaled >> 31), divisor, sum);
}

/* half_a, half_b: 1 where that operand's factor is 1/2. subtract: 1 for a - b. */
MW_INLINE void mw_add_s8_dsp(const int8_t *a, const int8_t *b, int8_t *y, int32_t count,
                             int32_t half_a, int32_t half_b, int32_t subtract, int32_t a_zero,
                             int32_t a_multiplier, int32_t a_divisor, int32_t b_zero,
                             int32_t b_multiplier, int32_t b_divisor, int32_t y_zero,
                             int32_t y_multiplier, int32_t y_divisor, int32_t low, int32_t high)
{
    const int32_t a_offset = -a_zero * (1 << 21), b_offset = -b_zero * (1 << 21);
    for (; count > 0; count--) {
        const int32_t second =
            mw_add_term_s8(*b++, b_offset, b_multiplier, half_b ? 0 : b_divisor, 0);
        const int32_t sum = mw_add_term_s8(*a++, a_offset, a_multiplier, half_a ? 0 : a_divisor,
                                           subtract ? -second : second);
        const int32_t result = mw_requantize_s8_dsp(2 * sum, y_multiplier, y_divisor, y_zero);
        *y++ = (int8_t)(low > -128 || high < 127 ? mw_clamp_i32(result, low, high) : result);
    }
}

#endif
