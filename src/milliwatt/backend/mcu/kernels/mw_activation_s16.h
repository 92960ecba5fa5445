/* SPDX-License-Identifier: MIT */
/* Logistic, tanh, leaky ReLU and softmax of int16. */
#ifndef MW_ACTIVATION_S16_H
#define MW_ACTIVATION_S16_H

#include "mw_fixed_point.h"
#include "mw_table_s16.h"

MW_INLINE void mw_logistic_s16(const int16_t *x, int16_t *y, const uint16_t *MW_RESTRICT table,
                               int32_t count, int32_t multiplier, int32_t shift)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = (int16_t)mw_logistic_q15(x[i], multiplier, shift, table);
    }
}

MW_INLINE void mw_tanh_s16(const int16_t *x, int16_t *y, const uint16_t *MW_RESTRICT table,
                           int32_t count, int32_t multiplier, int32_t shift)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = (int16_t)mw_tanh_q15(x[i], multiplier, shift, table);
    }
}

/* The second factor is for values below zero. */
MW_INLINE void mw_leaky_relu_s16(const int16_t *x, int16_t *y, int32_t count, int32_t multiplier,
                                 int32_t shift, int32_t negative_multiplier,
                                 int32_t negative_shift)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t scaled = x[i] >= 0
                                   ? mw_requantize(x[i], multiplier, shift)
                                   : mw_requantize(x[i], negative_multiplier, negative_shift);
        y[i] = (int16_t)mw_clamp_i32(scaled, -32768, 32767);
    }
}

/* exp of an element `below` its row's largest, in Q0.15. */
MW_INLINE int32_t mw_exponential_q15(int32_t below, int32_t multiplier, int32_t shift,
                                     const int16_t *MW_RESTRICT exp_table)
{
    const int32_t scaled = mw_requantize(-below, multiplier, shift);
    return mw_look_up_s16(mw_max_i32(scaled, -65535) + 32767, exp_table);
}

/* Both tables have 513 entries: of exp over [-10, 0] and of 1 / (1 + x) over [0, 1]. */
MW_INLINE void mw_softmax_s16(const int16_t *x, int16_t *y, const int16_t *MW_RESTRICT exp_table,
                              const int16_t *MW_RESTRICT inverse_table, int32_t rows,
                              int32_t count, int32_t multiplier, int32_t shift)
{
    for (int32_t row = 0; row < rows; row++) {
        int32_t largest = x[0];
        for (int32_t i = 1; i < count; i++) {
            largest = mw_max_i32(largest, x[i]);
        }
        int32_t total = 0;
        for (int32_t i = 0; i < count; i++) {
            total += mw_exponential_q15(largest - x[i], multiplier, shift, exp_table);
        }
        const int32_t headroom = mw_leading_zeros(total);
        const int32_t mantissa =
            (int32_t)((((uint32_t)total << (headroom - 1)) + (1u << 13)) >> 14);
        const int32_t centred = mw_clamp_i32(mantissa - ((1 << 15) + (1 << 16)), -32768, 32767);
        const int32_t inverse = mw_look_up_s16(centred, inverse_table);
        const int32_t out_shift = 31 - headroom;
        for (int32_t i = 0; i < count; i++) {
            const int32_t value =
                mw_exponential_q15(largest - x[i], multiplier, shift, exp_table);
            const int32_t product = value * inverse + (int32_t)(1u << (out_shift - 1));
            y[i] = (int16_t)mw_clamp_i32(product >> out_shift, 0, 32767);
        }
        x += count;
        y += count;
    }
}

#endif
