/* SPDX-License-Identifier: MIT */
/* int8 a * b with broadcasting. */
#ifndef MW_MUL_S8_H
#define MW_MUL_S8_H

#include "mw_requantize.h"

/* y[d0, d1, d2, d3, n] in order; each operand's step along a dimension is 0 where it is
 * repeated. */
MW_INLINE void mw_mul_s8(const int8_t *a, const int8_t *b, int8_t *y, int32_t d0, int32_t d1,
                         int32_t d2, int32_t d3, int32_t n, int32_t a0, int32_t a1, int32_t a2,
                         int32_t a3, int32_t a_step, int32_t b0, int32_t b1, int32_t b2,
                         int32_t b3, int32_t b_step, int32_t a_zero, int32_t b_zero,
                         int32_t y_zero, int32_t multiplier, int32_t shift, int32_t act_min,
                         int32_t act_max)
{
    for (int32_t i0 = 0; i0 < d0; i0++) {
        for (int32_t i1 = 0; i1 < d1; i1++) {
            for (int32_t i2 = 0; i2 < d2; i2++) {
                for (int32_t i3 = 0; i3 < d3; i3++) {
                    const int8_t *pa = a + i0 * a0 + i1 * a1 + i2 * a2 + i3 * a3;
                    const int8_t *pb = b + i0 * b0 + i1 * b1 + i2 * b2 + i3 * b3;
                    for (int32_t i = 0; i < n; i++) {
                        const int32_t va = pa[i * a_step] - a_zero;
                        const int32_t vb = pb[i * b_step] - b_zero;
                        const int32_t scaled = mw_requantize(va * vb, multiplier, shift);
                        *y++ = (int8_t)mw_offset_clamp(scaled, y_zero, act_min, act_max);
                    }
                }
            }
        }
    }
}

#endif
