/* SPDX-License-Identifier: MIT */
/* float32 a + b, a - b and a * b with broadcasting. */
#ifndef MW_BINARY_F32_H
#define MW_BINARY_F32_H

#include "mw_math_f32.h"

/* y[d0, d1, d2, d3, n] in order; each operand's step along a dimension is 0 where it is repeated.
 * operation: 0 sum, 1 difference, 2 product. */
MW_INLINE void mw_binary_f32(const float *a, const float *b, float *y, int32_t d0, int32_t d1,
                             int32_t d2, int32_t d3, int32_t n, int32_t a0, int32_t a1,
                             int32_t a2, int32_t a3, int32_t a_step, int32_t b0, int32_t b1,
                             int32_t b2, int32_t b3, int32_t b_step, int32_t operation,
                             int32_t activation)
{
    for (int32_t i0 = 0; i0 < d0; i0++) {
        for (int32_t i1 = 0; i1 < d1; i1++) {
            for (int32_t i2 = 0; i2 < d2; i2++) {
                for (int32_t i3 = 0; i3 < d3; i3++) {
                    const float *pa = a + i0 * a0 + i1 * a1 + i2 * a2 + i3 * a3;
                    const float *pb = b + i0 * b0 + i1 * b1 + i2 * b2 + i3 * b3;
                    for (int32_t i = 0; i < n; i++) {
                        const float va = pa[i * a_step];
                        const float vb = pb[i * b_step];
                        const float result =
                            operation == 2 ? va * vb : (operation == 1 ? va - vb : va + vb);
                        *y++ = mw_activate_f32(result, activation);
                    }
                }
            }
        }
    }
}

#endif
