/* SPDX-License-Identifier: MIT */
/* Products of float32 numbers. */
#ifndef MW_DOT_F32_H
#define MW_DOT_F32_H

#include "mw_math_f32.h"

/* Sum of x[i] * w[i] over i < count, in order. */
MW_INLINE float mw_dot_f32(const float *x, const float *MW_RESTRICT w, int32_t count)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        sum += x[i] * w[i];
    }
    return sum;
}

#endif
