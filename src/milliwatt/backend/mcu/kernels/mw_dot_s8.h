/* SPDX-License-Identifier: MIT */
/* Products of int8 activations with int8 or packed int4 weights. */
#ifndef MW_DOT_S8_H
#define MW_DOT_S8_H

#include "mw_common.h"

/* Element i of int4 values packed two to a byte, the even one in the low half. */
MW_INLINE int32_t mw_low_nibble(int8_t packed) { return (int32_t)((uint32_t)packed << 28) >> 28; }

MW_INLINE int32_t mw_high_nibble(int8_t packed) { return (int32_t)packed >> 4; }

/* Bytes that `count` weights take: a run of int4 weights begins at a whole byte. */
MW_INLINE int32_t mw_weight_bytes(int32_t count, int32_t weight_bits)
{
    return weight_bits == 4 ? (count + 1) / 2 : count;
}

/* Weight i less the zero point. */
MW_INLINE int32_t mw_weight_at(const int8_t *MW_RESTRICT w, int32_t i, int32_t w_zero,
                               int32_t weight_bits)
{
    if (weight_bits == 4) {
        const int8_t pair = w[i / 2];
        return ((i & 1) ? mw_high_nibble(pair) : mw_low_nibble(pair)) - w_zero;
    }
    return w[i] - w_zero;
}

/* Sum of x[i] * (w[i] - w_zero) over i < count. */
MW_INLINE int32_t mw_dot_s8(const int8_t *x, const int8_t *MW_RESTRICT w, int32_t count,
                            int32_t w_zero, int32_t weight_bits)
{
    int32_t sum = 0;
    if (weight_bits == 4) {
        int32_t i = 0;
        for (; i + 1 < count; i += 2) {
            const int8_t pair = w[i / 2];
            sum += x[i] * (mw_low_nibble(pair) - w_zero);
            sum += x[i + 1] * (mw_high_nibble(pair) - w_zero);
        }
        if (i < count) {
            sum += x[i] * (mw_low_nibble(w[i / 2]) - w_zero);
        }
        return sum;
    }
    for (int32_t i = 0; i < count; i++) {
        sum += x[i] * (w[i] - w_zero);
    }
    return sum;
}

/* Sum of w[i] - w_zero over i < count. */
MW_INLINE int32_t mw_sum_weights(const int8_t *MW_RESTRICT w, int32_t count, int32_t w_zero,
                                 int32_t weight_bits)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += mw_weight_at(w, i, w_zero, weight_bits);
    }
    return sum;
}

/* Sum of (x[i] - x_zero) * (w[i] - w_zero) over i < count. */
MW_INLINE int32_t mw_dot_offset_s8(const int8_t *x, const int8_t *MW_RESTRICT w, int32_t count,
                                   int32_t x_zero, int32_t w_zero, int32_t weight_bits)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += (x[i] - x_zero) * mw_weight_at(w, i, w_zero, weight_bits);
    }
    return sum;
}

#endif
