/* SPDX-License-Identifier: MIT */
/* Fixed-point scaling with gemmlowp's roundings, as quant/arith.py defines it. */
#ifndef MW_REQUANTIZE_H
#define MW_REQUANTIZE_H

#include "mw_common.h"

/* High 32 bits of 2 * a * b, to nearest, ties upward; b in [0, 2**31). Equal to
 * saturating_rounding_doubling_high_mul, whose ties away from zero, followed by division towards
 * zero, come to the same. */
MW_INLINE int32_t mw_doubling_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* The same for any signs: only -2**31 times itself saturates. */
MW_INLINE int32_t mw_saturating_doubling_high_mul(int32_t a, int32_t b)
{
    return a == INT32_MIN && b == INT32_MIN ? INT32_MAX : mw_doubling_high_mul(a, b);
}

/* x / 2**exponent to nearest, ties away from zero; exponent in 0..31. */
MW_INLINE int32_t mw_rounding_divide_by_pot(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1);
    const int32_t remainder = x & mask;
    const int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + (remainder > threshold);
}

/* acc * multiplier * 2**(shift - 31), rounded twice; multiplier in [0, 2**31), shift -31..30.
 * Equal to multiply_by_quantized_multiplier. */
MW_INLINE int32_t mw_requantize(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    const int32_t shifted = (int32_t)((uint32_t)acc << left);
    return mw_rounding_divide_by_pot(mw_doubling_high_mul(shifted, multiplier), right);
}

/* The same for a shift known not to be positive. */
MW_INLINE int32_t mw_requantize_down(int32_t acc, int32_t multiplier, int32_t shift)
{
    return mw_rounding_divide_by_pot(mw_doubling_high_mul(acc, multiplier), -shift);
}

/* A 64-bit accumulator times a 16-bit multiplier, over 2**total_shift, ties upward, modulo 2**32.
 * Equal to multiply_by_quantized_multiplier_64 for multiplier reduced to 16 bits and total_shift
 * 15 - shift, which the lowering works out. */
MW_INLINE int32_t mw_requantize_wide(int64_t acc, int32_t multiplier, int32_t total_shift)
{
    const int64_t round = (int64_t)1 << (total_shift - 1);
    return (int32_t)((acc * multiplier + round) >> total_shift);
}

#endif
