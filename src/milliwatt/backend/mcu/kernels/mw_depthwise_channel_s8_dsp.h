/* SPDX-License-Identifier: MIT */
/* What the outputs of one channel of a depthwise convolution are computed with.
 *
 * Two words a channel: a bias and a multiplier. For layers that round once (mw_requantize_dsp.h)
 * that is all, and weights and bias are times 256; MW_ONCE_LARGE is for factors of up to 4. Where
 * they round twice weights and bias are doubled, and the bias' lowest five bits are the divisor's
 * exponent; a bias that leaves no room for them has a word more behind the multiplier.
 * Coarse layers (MW_COARSE) have three words of scales; mw_requantize_s8_scales reads them.
 * MW_ONCE_SHORT has multipliers of three bytes, which the bias' lowest three bits shift left, and
 * which follow the biases. */
#ifndef MW_DEPTHWISE_CHANNEL_S8_DSP_H
#define MW_DEPTHWISE_CHANNEL_S8_DSP_H

#include "mw_requantize_dsp.h"

enum { MW_TWICE, MW_ONCE, MW_TWICE_WIDE, MW_ONCE_SHORT, MW_ONCE_LARGE, MW_COARSE }; /* `form` */

typedef struct {
    int32_t bias, multiplier, divisor;
    const int32_t *scales; /* coarse: in place of the two */
} mw_depthwise_channel_s8;

/* 0: sums are rounded twice; 1: once; 2: once, with large factors. */
MW_INLINE int32_t mw_rounds_once(int32_t form)
{
    return form == MW_ONCE_LARGE ? 2 : form == MW_ONCE || form == MW_ONCE_SHORT;
}

/* Words of `scales` a channel, but for MW_ONCE_SHORT. */
MW_INLINE int32_t mw_depthwise_scale_words(int32_t form)
{
    return form == MW_COARSE ? mw_scale_words(1) : form == MW_TWICE_WIDE ? mw_scale_words(0) : 1;
}

/* The first channel's scales. */
MW_INLINE const int32_t *mw_first_scale(const int32_t *bias, const int32_t *scales,
                                        int32_t channels, int32_t form)
{
    return form == MW_ONCE_SHORT ? bias + channels : scales;
}

/* The next channel's scales. */
MW_INLINE const int32_t *mw_next_scale(const int32_t *scales, int32_t form)
{
    const int32_t bytes = form == MW_ONCE_SHORT ? 3 : 4 * mw_depthwise_scale_words(form);
    return (const int32_t *)(const void *)((const int8_t *)(const void *)scales + bytes);
}

/* What the weights are multiplied with. */
MW_INLINE int32_t mw_depthwise_weight_scale(int32_t form) { return mw_rounds_once(form) ? 256 : 2; }

MW_INLINE mw_depthwise_channel_s8 mw_depthwise_channel(int32_t bias, const int32_t *scales,
                                                       int32_t form)
{
    mw_depthwise_channel_s8 channel = {bias, form == MW_ONCE_SHORT ? 0 : scales[0], 0, scales};
    if (form == MW_ONCE_SHORT) {
        const uint32_t mantissa = (uint32_t)mw_load_i32(scales) & 0xFFFFFFu;
        channel.bias = bias >> 3;
        channel.multiplier = (int32_t)(mantissa << (bias & 7));
    } else if (form == MW_TWICE) {
        channel.bias = bias >> 5;
        channel.divisor = (int32_t)(0u - ((uint32_t)1 << (bias & 31)));
    } else if (form == MW_TWICE_WIDE) {
        channel.divisor = scales[1];
    }
    return channel;
}

/* One output, rounded as `once` says. */
MW_INLINE int8_t mw_depthwise_rescale_s8(int32_t sum, int32_t multiplier, int32_t divisor,
                                         int32_t zero, int32_t once)
{
    return (int8_t)(once == 2   ? mw_requantize_s8_once_large(sum, multiplier, zero)
                    : once == 1 ? mw_requantize_s8_once(sum, multiplier, zero)
                                : mw_requantize_s8_dsp(sum, multiplier, divisor, zero));
}

/* One output; `zero` is the zero point, or the offset where it is rounded once. */
MW_INLINE int8_t mw_depthwise_output_s8(int32_t sum, const mw_depthwise_channel_s8 *channel,
                                        int32_t zero, int32_t form)
{
    if (form == MW_COARSE) {
        return mw_requantize_s8_scales(sum, channel->scales, zero, 1);
    }
    return mw_depthwise_rescale_s8(sum, channel->multiplier, channel->divisor, zero,
                                   mw_rounds_once(form));
}

#endif
