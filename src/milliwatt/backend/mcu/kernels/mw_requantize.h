/* SPDX-License-Identifier: MIT */
/* Fixed-point scaling with gemmlowp's roundings, as quant/arith.py defines it. */
#ifndef MW_REQUANTIZE_H
#define MW_REQUANTIZE_H

#include "mw_common.h"

/* High 32 bits of 2 * a * b, to nearest, ties upward; b in [0, 2**31). Equal to
 * saturating_rounding_doubling_high_mul, whose ties away from zero, followed by division towards
 * zero, come to the same. */
MW_INLINE int32_t mw_doubling_high_mul_64(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* The same from four products of halves, for cores that multiply to 32 bits only. */
MW_INLINE int32_t mw_doubling_high_mul_32(int32_t a, int32_t b)
{
    const uint32_t a_low = (uint32_t)a & 0xFFFFu;
    const uint32_t b_low = (uint32_t)b & 0xFFFFu;
    const int32_t a_high = a >> 16;
    const int32_t b_high = b >> 16;
    const uint32_t low = a_low * b_low;
    const uint32_t cross = a_low * (uint32_t)b_high;
    const uint32_t other = (uint32_t)a_high * b_low;
    const uint32_t middle = (low >> 16) + (cross & 0xFFFFu) + (other & 0xFFFFu);
    const uint32_t high = (uint32_t)(a_high * b_high) + (uint32_t)((int32_t)cross >> 16) +
                          (uint32_t)((int32_t)other >> 16) + (middle >> 16);
    const uint32_t rest = (middle << 16) | (low & 0xFFFFu);
    return (int32_t)(2u * high + (((rest >> 1) + (1u << 29)) >> 30));
}

MW_INLINE int32_t mw_doubling_high_mul(int32_t a, int32_t b)
{
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
    return mw_doubling_high_mul_32(a, b);
#else
    return mw_doubling_high_mul_64(a, b);
#endif
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

/* The same for x above -2**31 and below 2**31 - 1, and exponent in 1..31. */
MW_INLINE int32_t mw_rounding_shift_right(int32_t x, int32_t exponent)
{
    return (((x + (x >> 31)) >> (exponent - 1)) + 1) >> 1;
}

/* acc * multiplier * 2**(shift - 31), rounded twice; multiplier in [0, 2**31), shift -31..30.
 * Equal to multiply_by_quantized_multiplier. */
MW_INLINE int32_t mw_requantize(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift < 0 ? 0 : shift;
    const int32_t high = mw_doubling_high_mul((int32_t)((uint32_t)acc << left), multiplier);
    return shift < 0 ? mw_rounding_shift_right(high, -shift) : high;
}

/* The same for a shift known not to be positive. */
MW_INLINE int32_t mw_requantize_down(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t high = mw_doubling_high_mul(acc, multiplier);
    return shift < 0 ? mw_rounding_shift_right(high, -shift) : high;
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
