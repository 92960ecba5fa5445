/* SPDX-License-Identifier: MIT */
/* int8 a * b with broadcasting, rescaled as mw_requantize_dsp.h does it.
 *
 * 13 instructions an element of the innermost loop, 14 where the factor is 1/2 or more. Registers: 3
 * pointers, 2 steps, count, 2 zero points, multiplier, divisor, zero point, 2 to work with. */
#ifndef MW_MUL_S8_DSP_H
#define MW_MUL_S8_DSP_H

#include "mw_requantize_dsp.h"

/* y[d0, d1, d2, d3, n] in order; each operand's step along a dimension is 0 where it is
 * repeated. multiplier, shifts, divisor: what mw_requantize_s8_scales reads. */
MW_INLINE void mw_mul_s8_dsp(const int8_t *a, const int8_t *b, int8_t *y, int32_t d0, int32_t d1,
                             int32_t d2, int32_t d3, int32_t n, int32_t a0, int32_t a1, int32_t a2,
                             int32_t a3, int32_t a_step, int32_t b0, int32_t b1, int32_t b2,
                             int32_t b3, int32_t b_step, int32_t a_zero, int32_t b_zero,
                             int32_t y_zero, int32_t multiplier, int32_t shifts, int32_t divisor,
                             int32_t coarse, int32_t low, int32_t high)
{
    const int32_t scales[3] = {multiplier, coarse ? shifts : divisor, divisor};
    for (int32_t i0 = 0; i0 < d0; i0++) {
        for (int32_t i1 = 0; i1 < d1; i1++) {
            for (int32_t i2 = 0; i2 < d2; i2++) {
                for (int32_t i3 = 0; i3 < d3; i3++) {
                    const int8_t *pa = a + i0 * a0 + i1 * a1 + i2 * a2 + i3 * a3;
                    const int8_t *pb = b + i0 * b0 + i1 * b1 + i2 * b2 + i3 * b3;
                    for (int32_t left = n; left > 0; left--) {
                        const int32_t doubled = 2 * (*pa - a_zero) * (*pb - b_zero);
                        const int32_t x = mw_requantize_s8_scales(doubled, scales, y_zero, coarse);
                        *y++ = (int8_t)(low > -128 || high < 127 ? mw_clamp_i32(x, low, high) : x);
                        pa += a_step;
                        pb += b_step;
                    }
                }
            }
        }
    }
}

#endif
