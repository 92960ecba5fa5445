/* SPDX-License-Identifier: MIT */
/* gemmlowp's two roundings in three instructions, and one rounding in their stead in one.
 *
 * The first rounding, of acc * m / 2**31, is (2 * acc * m + 2**31) >> 32, ties upward: SMMULR of
 * 2 * acc, which must fit 32 bits (so |acc| < 2**30). The second divides t by 2**r, r = -shift
 * >= 1, ties away from zero: that is ties upward for t >= 0, and for t - 1 where t < 0. So it is
 * SMMLSR of t + (t >> 31) by -2**(32 - r), which adds the zero point on the way. r = 1 fits
 * because the factor is negative. tests/kernels/test_dsp_requantize.py compares it with the
 * definition.
 *
 * Where lowering/dsp/one_rounding.py proves for every sum that a layer can reach that nothing differs,
 * 256 times the sum is multiplied once instead: SMMLA, whose high word has 10 bits below a unit of
 * the output, which SSAT shifts out. The bias then has 8 bits below a unit of the sum. For factors of
 * up to 4 the high word has 5 bits below a unit of the output; for factors below 2**-9, whose
 * multipliers would have too few bits, 16.
 *
 * With a factor of 1/2 or more the definition rounds once: SMMULR of the sum shifted left, whose
 * result, doubled, the division by 2 does not change. "Coarse" layers, in which some channel has
 * such a factor, say for each channel by how much both are shifted. */
#ifndef MW_REQUANTIZE_DSP_H
#define MW_REQUANTIZE_DSP_H

#include "mw_dsp.h"

/* int8 output of an accumulator given doubled; `divisor` is -2**(32 + shift), shift <= -1. */
MW_INLINE int32_t mw_requantize_s8_dsp(int32_t doubled, int32_t multiplier, int32_t divisor,
                                       int32_t zero)
{
    const int32_t scaled = mw_high_mul_round(doubled, multiplier);
    return mw_saturate_s8(mw_high_mul_sub_round(scaled + (scaled >> 31), divisor, zero));
}

/* The same from 256 times the sum, rounded once; `offset` is the zero point and a half, times
 * 2**10. */
MW_INLINE int32_t mw_requantize_s8_once(int32_t sum, int32_t multiplier, int32_t offset)
{
    return mw_saturate_s8_q10(mw_high_mul_add(sum, multiplier, offset));
}

/* The same with factors of up to 4: `offset` is times 2**5. */
MW_INLINE int32_t mw_requantize_s8_once_large(int32_t sum, int32_t multiplier, int32_t offset)
{
    return mw_saturate_s8_q5(mw_high_mul_add(sum, multiplier, offset));
}

/* The same with factors below 2**-9: `offset` is times 2**16. */
MW_INLINE int32_t mw_requantize_s8_once_fine(int32_t sum, int32_t multiplier, int32_t offset)
{
    return mw_saturate_s8_q16(mw_high_mul_add(sum, multiplier, offset));
}

/* Words of scales of a channel: multiplier and divisor, of coarse layers two left shifts between
 * them, the second 8 bits up. */
MW_INLINE int32_t mw_scale_words(int32_t coarse) { return coarse ? 3 : 2; }

/* int8 output of a sum given doubled, by a channel's scales. */
MW_INLINE int8_t mw_requantize_s8_scales(int32_t doubled, const int32_t *scales, int32_t zero,
                                         int32_t coarse)
{
    if (!coarse) {
        return (int8_t)mw_requantize_s8_dsp(doubled, scales[0], scales[1], zero);
    }
    const uint32_t first = (uint32_t)scales[1] & 0xFFu, second = (uint32_t)scales[1] >> 8;
    const int32_t once = mw_high_mul_round((int32_t)((uint32_t)doubled << first), scales[0]);
    const int32_t scaled = (int32_t)((uint32_t)once << second);
    return (int8_t)mw_saturate_s8(mw_high_mul_sub_round(scaled + (scaled >> 31), scales[2], zero));
}

/* Limits `count` int8 at `y` to low..high, for layers whose clamp is narrower than int8. */
static MW_NOINLINE __attribute__((unused)) void mw_clamp_s8(int8_t *y, int32_t count, int32_t low,
                                                            int32_t high)
{
    MW_BARRIER();
    for (int32_t i = 0; i < count; i++) {
        y[i] = (int8_t)mw_clamp_i32(y[i], low, high);
    }
}

#endif
