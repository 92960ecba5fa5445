/* SPDX-License-Identifier: MIT */
/* int16 mean over any axes, requantised. */
#ifndef MW_MEAN_S16_H
#define MW_MEAN_S16_H

#include "mw_requantize.h"

/* y[k0, k1, k2] is the mean of x over r0 x r1 x r2; each of the six runs over x with the stride
 * that follows it, in elements. start is -x_zero times the number of elements of a mean. */
MW_INLINE void mw_mean_s16(const int16_t *x, int16_t *y, int32_t k0, int32_t k0_step, int32_t k1,
                          int32_t k1_step, int32_t k2, int32_t k2_step, int32_t r0,
                          int32_t r0_step, int32_t r1, int32_t r1_step, int32_t r2,
                          int32_t r2_step, int32_t start, int32_t multiplier, int32_t shift,
                          int32_t y_zero, int32_t y_min, int32_t y_max)
{
    for (int32_t a = 0; a < k0; a++) {
        for (int32_t b = 0; b < k1; b++) {
            for (int32_t c = 0; c < k2; c++) {
                const int16_t *kept = x + a * k0_step + b * k1_step + c * k2_step;
                int32_t sum = start;
                for (int32_t i = 0; i < r0; i++) {
                    for (int32_t j = 0; j < r1; j++) {
                        const int16_t *run = kept + i * r0_step + j * r1_step;
                        for (int32_t k = 0; k < r2; k++) {
                            sum = mw_wrapping_add(sum, run[k * r2_step]);
                        }
                    }
                }
                const int32_t scaled = mw_requantize(sum, multiplier, shift);
                *y++ = (int16_t)mw_offset_clamp(scaled, y_zero, y_min, y_max);
            }
        }
    }
}

#endif
