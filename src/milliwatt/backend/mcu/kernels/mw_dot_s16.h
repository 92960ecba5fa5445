/* SPDX-License-Identifier: MIT */
/* Products of int16 activations with int8 or packed int4 or int2 weights, and the way out of
 * them. */
#ifndef MW_DOT_S16_H
#define MW_DOT_S16_H

#include "mw_dot_s8.h"
#include "mw_requantize.h"

/* Products that a 32-bit sum takes: 256 of at most 2**15 * 255. */
#define MW_DOT_S16_RUN 256

/* Sum of x[i] * (w[i] - w_zero) over i < count. */
MW_INLINE int64_t mw_dot_s16(const int16_t *x, const int8_t *MW_RESTRICT w, int32_t count,
                             int32_t w_zero, int32_t weight_bits)
{
    int64_t total = 0;
    for (int32_t start = 0; start < count; start += MW_DOT_S16_RUN) {
        const int32_t end = mw_min_i32(start + MW_DOT_S16_RUN, count);
        int32_t sum = 0;
        for (int32_t i = start; i < end; i++) {
            sum += x[i] * mw_weight_at(w, i, w_zero, weight_bits);
        }
        total += sum;
    }
    return total;
}

/* Bias c, stored in one 32-bit word or in two, the low one first. */
MW_INLINE int64_t mw_bias_s16(const int32_t *MW_RESTRICT bias, int32_t c, int32_t words)
{
    if (words == 1) {
        return bias[c];
    }
    return (int64_t)((uint64_t)(uint32_t)bias[2 * c + 1] << 32 | (uint32_t)bias[2 * c]);
}

/* wide: the accumulator has 64 bits, with a 16-bit multiplier and a right shift; else its low 32
 * bits with a full multiplier. */
MW_INLINE int16_t mw_finish_s16(int64_t acc, int32_t multiplier, int32_t shift, int32_t wide,
                                int32_t act_min, int32_t act_max)
{
    const int32_t scaled = wide ? mw_requantize_wide(acc, multiplier, shift)
                                : mw_requantize((int32_t)acc, multiplier, shift);
    return (int16_t)mw_clamp_i32(scaled, act_min, act_max);
}

#endif
