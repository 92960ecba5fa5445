/* SPDX-License-Identifier: MIT */
/* int8 a + b and a - b of equal shape, where one integer form equals the reference's requantised
 * sum for each of the 65,536 pairs of operands (lowering/portable/affine_add.py proves it):
 * y = (a_factor * a + b_factor * b + start) >> shift, clamped.
 *
 * 8 instructions an element on cores with the DSP instructions. */
#ifndef MW_ADD_AFFINE_S8_H
#define MW_ADD_AFFINE_S8_H

#include "mw_dsp.h"

MW_INLINE int8_t mw_affine_s8(int32_t a, int32_t b, int32_t a_factor, int32_t b_factor,
                              int32_t start, int32_t shift, int32_t low, int32_t high)
{
    const int32_t result = mw_saturate_s8((start + a * a_factor + b * b_factor) >> shift);
    return (int8_t)(low > -128 || high < 127 ? mw_clamp_i32(result, low, high) : result);
}

MW_INLINE void mw_add_affine_s8(const int8_t *a, const int8_t *b, int8_t *y, int32_t count,
                                int32_t a_factor, int32_t b_factor, int32_t start, int32_t shift,
                                int32_t low, int32_t high)
{
    for (; count >= 4; count -= 4) {
        const int32_t a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
        const int32_t b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
        y[0] = mw_affine_s8(a0, b0, a_factor, b_factor, start, shift, low, high);
        y[1] = mw_affine_s8(a1, b1, a_factor, b_factor, start, shift, low, high);
        y[2] = mw_affine_s8(a2, b2, a_factor, b_factor, start, shift, low, high);
        y[3] = mw_affine_s8(a3, b3, a_factor, b_factor, start, shift, low, high);
        a += 4;
        b += 4;
        y += 4;
    }
    for (; count > 0; count--) {
        *y++ = mw_affine_s8(*a++, *b++, a_factor, b_factor, start, shift, low, high);
    }
}

#endif
