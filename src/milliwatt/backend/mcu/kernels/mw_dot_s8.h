/* SPDX-License-Identifier: MIT */
/* Products of int8 activations with int8 or packed int4 or int2 weights. */
#ifndef MW_DOT_S8_H
#define MW_DOT_S8_H

#include "mw_common.h"

/* int4 values are packed two to a byte, int2 values four, the first in the low bits. */
MW_INLINE int32_t mw_low_nibble(int8_t packed) { return (int32_t)((uint32_t)packed << 28) >> 28; }

MW_INLINE int32_t mw_high_nibble(int8_t packed) { return (int32_t)packed >> 4; }

/* Element i, 0 to 3, of four int2 values in a byte. */
MW_INLINE int32_t mw_crumb(int8_t packed, int32_t i)
{
    return (int32_t)((uint32_t)packed << (30 - 2 * i)) >> 30;
}

/* Bytes that `count` weights take: a run of sub-byte weights begins at a whole byte. */
MW_INLINE int32_t mw_weight_bytes(int32_t count, int32_t weight_bits)
{
    return (count * weight_bits + 7) / 8;
}

/* Weight i less the zero point. */
MW_INLINE int32_t mw_weight_at(const int8_t *MW_RESTRICT w, int32_t i, int32_t w_zero,
                               int32_t weight_bits)
{
    if (weight_bits == 4) {
        const int8_t pair = w[i / 2];
        return ((i & 1) ? mw_high_nibble(pair) : mw_low_nibble(pair)) - w_zero;
    }
    if (weight_bits == 2) {
        return mw_crumb(w[i / 4], i & 3) - w_zero;
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
    if (weight_bits == 2) {
        for (int32_t i = 0; i < count; i++) {
            sum += x[i] * mw_weight_at(w, i, w_zero, 2);
        }
        return sum;
    }
    for (int32_t i = 0; i < count; i++) {
        sum += x[i] * (w[i] - w_zero);
    }
    return sum;
}

/* Adds to *acc0 and *acc1 the products of x with two filters; each x is loaded once. */
MW_INLINE void mw_dot_pair_s8(const int8_t *x, const int8_t *MW_RESTRICT w0,
                              const int8_t *MW_RESTRICT w1, int32_t count, int32_t w_zero,
                              int32_t weight_bits, int32_t *acc0, int32_t *acc1)
{
    int32_t sum0 = 0;
    int32_t sum1 = 0;
    int32_t i = 0;
    if (weight_bits == 4) {
        for (; i + 1 < count; i += 2) {
            const int8_t pair0 = w0[i / 2];
            const int8_t pair1 = w1[i / 2];
            const int32_t even = x[i];
            const int32_t odd = x[i + 1];
            sum0 += even * (mw_low_nibble(pair0) - w_zero);
            sum1 += even * (mw_low_nibble(pair1) - w_zero);
            sum0 += odd * (mw_high_nibble(pair0) - w_zero);
            sum1 += odd * (mw_high_nibble(pair1) - w_zero);
        }
    } else if (weight_bits == 2) {
        for (; i + 1 < count; i++) {
            sum0 += x[i] * mw_weight_at(w0, i, w_zero, 2);
            sum1 += x[i] * mw_weight_at(w1, i, w_zero, 2);
        }
    } else {
        for (; i + 1 < count; i += 2) {
            const int32_t even = x[i];
            const int32_t odd = x[i + 1];
            sum0 += even * (w0[i] - w_zero);
            sum1 += even * (w1[i] - w_zero);
            sum0 += odd * (w0[i + 1] - w_zero);
            sum1 += odd * (w1[i + 1] - w_zero);
        }
    }
    if (i < count) {
        sum0 += x[i] * mw_weight_at(w0, i, w_zero, weight_bits);
        sum1 += x[i] * mw_weight_at(w1, i, w_zero, weight_bits);
    }
    *acc0 = mw_wrapping_add(*acc0, sum0);
    *acc1 = mw_wrapping_add(*acc1, sum1);
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
