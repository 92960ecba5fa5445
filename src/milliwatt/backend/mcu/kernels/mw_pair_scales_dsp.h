/* SPDX-License-Identifier: MIT */
/* What begins the sums of two channels (mw_channel_pair_dsp.h) and rescales them.
 *
 * `weights` stands for what lies before the pair's words; where sums are rounded once
 * (mw_requantize_dsp.h) biases are times 256. The forms:
 *   TWICE        weights: both sums' starting values; scales: multiplier, divisor of each channel
 *   ONCE         weights: the odd bias; scales: the even bias and multiplier, the odd multiplier
 *   ONCE_LARGE   the same for factors of up to 4
 *   ONCE_FINE    the same for factors below 2**-9
 *   COARSE       as TWICE, for plain words, with left shifts (mw_scale_words)
 *   TWICE_BRIEF  scales: both biases times 32, plus the divisor's exponent; both multipliers
 *   ONCE_BRIEF   scales: both biases times 8, plus a shift; three bytes of each multiplier, which
 *                it shifts left: 14 bytes in all, and one more behind the last
 * Brief channels take 8 and 7 bytes instead of 12 and 8. */
#ifndef MW_PAIR_SCALES_DSP_H
#define MW_PAIR_SCALES_DSP_H

#include "mw_channel_pair_dsp.h"

enum {
    MW_PAIR_TWICE,
    MW_PAIR_ONCE,
    MW_PAIR_ONCE_DEEP, /* in a longer loop */
    MW_PAIR_ONCE_LARGE,
    MW_PAIR_COARSE,
    MW_PAIR_TWICE_BRIEF,
    MW_PAIR_ONCE_BRIEF,
    MW_PAIR_ONCE_FINE
}; /* `form` */

/* Whether the odd channel's bias alone begins the mixed sum. */
MW_INLINE int32_t mw_pair_is_once(int32_t form)
{
    return form == MW_PAIR_ONCE || form == MW_PAIR_ONCE_DEEP || form == MW_PAIR_ONCE_LARGE ||
           form == MW_PAIR_ONCE_FINE;
}

MW_INLINE int32_t mw_pair_is_brief(int32_t form)
{
    return form == MW_PAIR_TWICE_BRIEF || form == MW_PAIR_ONCE_BRIEF;
}

/* Words before the pair's words of weights. */
MW_INLINE int32_t mw_pair_words_before(int32_t form)
{
    return mw_pair_is_brief(form) ? 0 : mw_pair_is_once(form) ? 1 : 2;
}

/* The next pair's scales. */
MW_INLINE const int32_t *mw_next_pair_scales(const int32_t *scales, int32_t form)
{
    if (form == MW_PAIR_ONCE_BRIEF) {
        return (const int32_t *)(const void *)((const int8_t *)(const void *)scales + 14);
    }
    return scales + (form == MW_PAIR_COARSE ? 6 : mw_pair_is_once(form) ? 3 : 4);
}

/* The sums of two channels, the odd or mixed one. */
typedef struct {
    int32_t even, odd;
} mw_pair_sums;

/* What they start with. */
MW_INLINE mw_pair_sums mw_pair_start(const int32_t *weights, const int32_t *scales, int32_t form)
{
    mw_pair_sums sums = {0, 0};
    if (form == MW_PAIR_ONCE_BRIEF) {
        sums.odd = mw_load_i32(scales + 1) >> 3;
    } else if (form == MW_PAIR_TWICE_BRIEF) {
        sums.even = scales[0] >> 5;
        sums.odd = mw_wrapping_add(sums.even, (int32_t)((uint32_t)(scales[1] >> 5) << 8));
    } else if (mw_pair_is_once(form)) {
        sums.odd = weights[0];
    } else {
        sums.even = weights[0];
        sums.odd = weights[1];
    }
    return sums;
}

/* int8 output of 256 times a sum, rounded once as `form` says. */
MW_INLINE int8_t mw_pair_output_once(uint32_t sum, int32_t multiplier, int32_t offset, int32_t form)
{
    const int32_t scaled = (int32_t)sum;
    return (int8_t)(form == MW_PAIR_ONCE_LARGE
                        ? mw_requantize_s8_once_large(scaled, multiplier, offset)
                    : form == MW_PAIR_ONCE_FINE
                        ? mw_requantize_s8_once_fine(scaled, multiplier, offset)
                        : mw_requantize_s8_once(scaled, multiplier, offset));
}

/* Three bytes of a multiplier, shifted by the lowest bits of `bias`. */
MW_INLINE int32_t mw_brief_multiplier(const int8_t *bytes, int32_t bias)
{
    return (int32_t)(((uint32_t)mw_load_i32(bytes) & 0xFFFFFFu) << ((uint32_t)bias & 7u));
}

/* One or two outputs, as `count` says, of sums that are rounded once. `zero` is the offset. */
MW_INLINE void mw_store_pair_once(int8_t *y, mw_pair_sums sums, const int32_t *scales, int32_t zero,
                                  int32_t count, int32_t form)
{
    const int32_t is_brief = form == MW_PAIR_ONCE_BRIEF;
    const int8_t *const bytes = (const int8_t *)(const void *)scales + 8;
    const int32_t start = is_brief ? mw_load_i32(scales) : scales[0];
    const int32_t bias = is_brief ? start >> 3 : start;
    const int32_t factor = is_brief ? mw_brief_multiplier(bytes, start) : scales[1];
    y[0] = mw_pair_output_once(((uint32_t)sums.even << 8) + (uint32_t)bias, factor, zero, form);
    if (count > 1) {
        const int32_t odd_factor =
            is_brief ? mw_brief_multiplier(bytes + 3, mw_load_i32(scales + 1)) : scales[2];
        y[1] = mw_pair_output_once((uint32_t)sums.odd - (uint32_t)sums.even, odd_factor, zero, form);
    }
}

/* The scales, multiplier and divisor, of a TWICE_BRIEF channel of the pair. */
MW_INLINE int8_t mw_requantize_s8_brief(int32_t doubled, const int32_t *scales, int32_t channel,
                                        int32_t zero)
{
    const int32_t divisor = (int32_t)(0u - ((uint32_t)1 << ((uint32_t)scales[channel] & 31u)));
    return (int8_t)mw_requantize_s8_dsp(doubled, scales[2 + channel], divisor, zero);
}

/* One or two outputs, as `count` says; `zero` is the zero point, or the offset where sums are
 * rounded once. */
MW_INLINE void mw_store_pair(int8_t *y, mw_pair_sums sums, const int32_t *scales, int32_t zero,
                             int32_t count, int32_t packed, int32_t form)
{
    if (mw_pair_is_once(form) || form == MW_PAIR_ONCE_BRIEF) {
        mw_store_pair_once(y, sums, scales, zero, count, form);
        return;
    }
    const int32_t even = 2 * sums.even, odd = mw_doubled_odd(sums.odd, sums.even, packed);
    const int32_t is_coarse = form == MW_PAIR_COARSE, is_brief = form == MW_PAIR_TWICE_BRIEF;
    y[0] = is_brief ? mw_requantize_s8_brief(even, scales, 0, zero)
                    : mw_requantize_s8_scales(even, scales, zero, is_coarse);
    if (count > 1) {
        y[1] = is_brief ? mw_requantize_s8_brief(odd, scales, 1, zero)
                        : mw_requantize_s8_scales(odd, scales + mw_scale_words(is_coarse), zero,
                                                  is_coarse);
    }
}

#endif
