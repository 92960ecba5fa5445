/* SPDX-License-Identifier: MIT */
/* float32 mean over any axes. */
#ifndef MW_MEAN_F32_H
#define MW_MEAN_F32_H

#include "mw_common.h"

/* y[k0, k1, k2] is the mean of x over r0 x r1 x r2; each of the six runs over x with the stride
 * that follows it, in elements. count is how many elements a mean has. */
MW_INLINE void mw_mean_f32(const float *x, float *y, int32_t k0, int32_t k0_step, int32_t k1,
                          int32_t k1_step, int32_t k2, int32_t k2_step, int32_t r0,
                          int32_t r0_step, int32_t r1, int32_t r1_step, int32_t r2,
                          int32_t r2_step, float count)
{
    for (int32_t a = 0; a < k0; a++) {
        for (int32_t b = 0; b < k1; b++) {
            for (int32_t c = 0; c < k2; c++) {
                const float *kept = x + a * k0_step + b * k1_step + c * k2_step;
                float sum = 0.0f;
                for (int32_t i = 0; i < r0; i++) {
                    for (int32_t j = 0; j < r1; j++) {
                        const float *run = kept + i * r0_step + j * r1_step;
                        for (int32_t k = 0; k < r2; k++) {
                            sum += run[k * r2_step];
                        }
                    }
                }
                *y++ = sum / count;
            }
        }
    }
}

#endif
