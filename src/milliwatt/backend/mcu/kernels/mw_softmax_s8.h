/* SPDX-License-Identifier: MIT */
/* Softmax and log-softmax of int8 rows. */
#ifndef MW_SOFTMAX_S8_H
#define MW_SOFTMAX_S8_H

#include "mw_fixed_point.h"

/* Largest of count elements. */
MW_INLINE int32_t mw_row_max_s8(const int8_t *x, int32_t count)
{
    int32_t largest = x[0];
    for (int32_t i = 1; i < count; i++) {
        largest = mw_max_i32(largest, x[i]);
    }
    return largest;
}

/* Sum in Q12.19 of the exponentials of a row; exponential[d] in Q0.31 is that of an element d
 * below the largest, none from `length` on. */
MW_INLINE int32_t mw_sum_of_exponentials(const int8_t *x, int32_t count, int32_t largest,
                                         const int32_t *MW_RESTRICT exponential, int32_t length)
{
    int32_t total = 0;
    for (int32_t i = 0; i < count; i++) {
        const int32_t below = largest - x[i];
        if (below < length) {
            total += mw_rounding_divide_by_pot(exponential[below], 12);
        }
    }
    return total;
}

/* One element's probability in Q0.bits less half the range. */
MW_INLINE int32_t mw_probability(int32_t exponential, int32_t inverse, int32_t shift, int32_t half)
{
    const int32_t product = mw_doubling_high_mul(exponential, inverse);
    const int32_t scaled = shift > 31 ? 0 : mw_rounding_divide_by_pot(product, shift);
    return mw_clamp_i32(scaled - half, -half, half - 1);
}

MW_INLINE void mw_softmax_s8_s8(const int8_t *x, int8_t *y,
                                const int32_t *MW_RESTRICT exponential, int32_t rows,
                                int32_t count, int32_t length)
{
    for (int32_t row = 0; row < rows; row++) {
        const int32_t largest = mw_row_max_s8(x, count);
        const int32_t total = mw_sum_of_exponentials(x, count, largest, exponential, length);
        int32_t bits;
        const int32_t inverse = mw_reciprocal_q12(total, &bits);
        for (int32_t i = 0; i < count; i++) {
            const int32_t below = largest - x[i];
            const int32_t value = below < length ? exponential[below] : 0;
            y[i] = (int8_t)mw_probability(value, inverse, bits + 31 - 8, 128);
        }
        x += count;
        y += count;
    }
}

MW_INLINE void mw_softmax_s8_s16(const int8_t *x, int16_t *y,
                                 const int32_t *MW_RESTRICT exponential, int32_t rows,
                                 int32_t count, int32_t length)
{
    for (int32_t row = 0; row < rows; row++) {
        const int32_t largest = mw_row_max_s8(x, count);
        const int32_t total = mw_sum_of_exponentials(x, count, largest, exponential, length);
        int32_t bits;
        const int32_t inverse = mw_reciprocal_q12(total, &bits);
        for (int32_t i = 0; i < count; i++) {
            const int32_t below = largest - x[i];
            const int32_t value = below < length ? exponential[below] : 0;
            y[i] = (int16_t)mw_probability(value, inverse, bits + 31 - 16, 32768);
        }
        x += count;
        y += count;
    }
}

/* multiplier and shift bring a difference to Q5.26, up to `radius`; inverse_multiplier and
 * inverse_shift bring it back. */
MW_INLINE void mw_log_softmax_s8(const int8_t *x, int8_t *y,
                                 const int32_t *MW_RESTRICT exponential, int32_t rows,
                                 int32_t count, int32_t length, int32_t multiplier, int32_t shift,
                                 int32_t radius, int32_t inverse_multiplier,
                                 int32_t inverse_shift)
{
    for (int32_t row = 0; row < rows; row++) {
        const int32_t largest = mw_row_max_s8(x, count);
        const int32_t total = mw_sum_of_exponentials(x, count, largest, exponential, length);
        const int32_t log_total = mw_log_q12(total);
        const int32_t deepest =
            mw_requantize(log_total + INT32_MIN, inverse_multiplier, inverse_shift);
        const int32_t limit = mw_max_i32(-radius - 1, deepest);
        for (int32_t i = 0; i < count; i++) {
            const int32_t difference = x[i] - largest;
            int32_t result = -128;
            if (difference > limit) {
                const int32_t within = mw_max_i32(difference, -radius);
                const int32_t scaled = mw_requantize(within, multiplier, shift);
                const int32_t rounded =
                    mw_rounding_divide_by_pot(mw_wrapping_add(scaled, -log_total), 22);
                result = mw_clamp_i32(rounded + 127, -128, 127);
            }
            y[i] = (int8_t)result;
        }
        x += count;
        y += count;
    }
}

#endif
