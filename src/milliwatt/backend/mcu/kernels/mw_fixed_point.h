/* SPDX-License-Identifier: MIT */
/* Fixed-point functions as quant/fixed_point.py defines them: a Qm.n number (m + n = 31) of raw
 * value r stands for r / 2**n. */
#ifndef MW_FIXED_POINT_H
#define MW_FIXED_POINT_H

#include "mw_requantize.h"

/* Zero bits above the highest set bit of x > 0. */
MW_INLINE int32_t mw_leading_zeros(int32_t x) { return (int32_t)__builtin_clz((uint32_t)x); }

/* x * 2**exponent, saturated. */
MW_INLINE int32_t mw_saturating_shift_left(int32_t x, int32_t exponent)
{
    const int32_t limit = INT32_MAX >> exponent;
    if (x > limit) {
        return INT32_MAX;
    }
    return x < -limit - 1 ? INT32_MIN : (int32_t)((uint32_t)x << exponent);
}

/* 1 / (1 + x) in Q0.31, for x in [0, 1] in Q0.31. */
MW_INLINE int32_t mw_one_over_one_plus_x(int32_t x)
{
    const int32_t one_q2 = 1 << 29;
    const int32_t half_sum = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1);
    int32_t estimate = 1515870810 + mw_doubling_high_mul(half_sum, -1010580540);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = one_q2 - mw_doubling_high_mul(half_sum, estimate);
        estimate += mw_saturating_shift_left(mw_doubling_high_mul(estimate, error), 2);
    }
    return mw_saturating_shift_left(estimate, 1);
}

/* 1 / x for x > 0 in Q12.19: the result r in Q0.31, 1 / x ~ r / 2**31 * 2**-bits_over_unit. */
MW_INLINE int32_t mw_reciprocal_q12(int32_t x, int32_t *bits_over_unit)
{
    const int32_t headroom = mw_leading_zeros(x);
    *bits_over_unit = 12 - headroom;
    return mw_one_over_one_plus_x((int32_t)(((uint32_t)x << headroom) - 0x80000000u));
}

/* Natural logarithm in Q5.26, for x >= 1 in Q12.19. */
MW_INLINE int32_t mw_log_q12(int32_t x)
{
    const int32_t unit = 25;
    const int32_t quarter = 1 << (unit - 2);
    const int32_t root_of_half = 1518500250;
    const int32_t root_4_of_half = 1805811301;
    const int32_t headroom = mw_leading_zeros(x) - 1;
    const int64_t above = (int64_t)mw_doubling_high_mul(x << headroom, root_of_half) * 2;
    const int32_t power_above = (12 - 1 - headroom) * (1 << unit) + quarter;
    const int32_t headroom_below = mw_leading_zeros(mw_doubling_high_mul(x, root_of_half)) - 1;
    const int64_t below = (int64_t)x << headroom_below;
    const int32_t power_below = (12 - headroom_below) * (1 << unit) - quarter;
    const int64_t least = above < below ? above : below;
    const int32_t r = least > INT32_MAX ? INT32_MAX : (int32_t)least;
    const int32_t power = mw_max_i32(power_above, power_below);
    const int32_t half_sum = (int32_t)(((int64_t)r + root_4_of_half + 1) >> 1);
    const int32_t q = 2 * (r - root_4_of_half);
    const int32_t square = mw_doubling_high_mul(q, q);
    const int32_t numerator = mw_doubling_high_mul(q, r) +
                              mw_doubling_high_mul(mw_doubling_high_mul(q, square), 117049297);
    const int32_t inner = 1057819769 + q + mw_doubling_high_mul(square, 127690142);
    const int32_t denominator =
        mw_doubling_high_mul(half_sum, inner) + mw_doubling_high_mul(q, 638450708);
    const int32_t of_r = mw_doubling_high_mul(mw_rounding_divide_by_pot(numerator, 6),
                                              mw_one_over_one_plus_x(denominator));
    return mw_saturating_shift_left(mw_doubling_high_mul(power, 1488522236) + of_r, 1);
}

#endif
