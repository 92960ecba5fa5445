/* SPDX-License-Identifier: MIT */
/* Depthwise convolution without padding, four channels of a pixel at a time: a word of inputs and
 * a word of weights make four products, none of them gathered.
 *
 * Registers: 4 sums, 2 pairs of inputs, 2 of weights, 2 pointers, their step, a counter. For four
 * products 2 loads, 4 extensions, 4 multiplications and 4 instructions for the loop: 3.5 a product
 * and about 18 an output. mw_depthwise_conv2d_s8_dsp.h needs fewer a product, but gathers and
 * widens every input first: this one wins where inputs meet few products. */
#ifndef MW_DEPTHWISE_WORDS_S8_DSP_H
#define MW_DEPTHWISE_WORDS_S8_DSP_H

#include "mw_depthwise_channel_s8_dsp.h"

/* The taps of a window: `outer` runs of `inner`, `step` bytes apart, then `skip` more. */
typedef struct {
    int32_t outer, inner, step, skip;
} mw_taps_s8;

MW_INLINE int8_t mw_depthwise_word_output_s8(int32_t sum, int32_t bias, const int32_t *scales,
                                             int32_t zero, int32_t form)
{
    const mw_depthwise_channel_s8 channel = mw_depthwise_channel(bias, scales, form);
    return mw_depthwise_output_s8(channel.bias + sum * mw_depthwise_weight_scale(form), &channel,
                                  zero, form);
}

/* Four outputs, `channels` bytes between the weights of neighbouring taps. */
MW_INLINE void mw_depthwise_word_s8(const int8_t *x, const mw_taps_s8 *taps, const int8_t *weights,
                                    int32_t channels, const int32_t *bias, const int32_t *scales,
                                    int32_t zero, int32_t form, int8_t *y)
{
    const int32_t step = mw_depthwise_scale_words(form);
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (int32_t outer = taps->outer; outer > 0; outer--) {
        for (int32_t inner = taps->inner; inner > 0; inner--) {
            const int32_t word = mw_load_i32(x), factors = mw_load_i32(weights);
            const int32_t even = mw_even_bytes(word), odd = mw_odd_bytes(word);
            const int32_t even_factors = mw_even_bytes(factors);
            const int32_t odd_factors = mw_odd_bytes(factors);
            a = mw_mac_low_low(even, even_factors, a);
            b = mw_mac_low_low(odd, odd_factors, b);
            c = mw_mac_high_high(even, even_factors, c);
            d = mw_mac_high_high(odd, odd_factors, d);
            x += taps->step;
            weights += channels;
        }
        x += outer > 1 ? taps->skip : 0;
    }
    y[0] = mw_depthwise_word_output_s8(a, bias[0], scales, zero, form);
    y[1] = mw_depthwise_word_output_s8(b, bias[1], scales + step, zero, form);
    y[2] = mw_depthwise_word_output_s8(c, bias[2], scales + 2 * step, zero, form);
    y[3] = mw_depthwise_word_output_s8(d, bias[3], scales + 3 * step, zero, form);
}

/* The sum of one output's products. */
MW_INLINE int32_t mw_depthwise_sum_s8(const int8_t *x, const mw_taps_s8 *taps,
                                      const int8_t *weights, int32_t channels)
{
    int32_t sum = 0;
    for (int32_t outer = taps->outer; outer > 0; outer--) {
        for (int32_t inner = taps->inner; inner > 0; inner--) {
            sum += *x * *weights;
            x += taps->step;
            weights += channels;
        }
        x += outer > 1 ? taps->skip : 0;
    }
    return sum;
}

/* weights: tap after tap, all channels of each. bias, scales, form: mw_depthwise_channel_s8_dsp.h.
 * A window's taps: mw_taps_s8. */
MW_INLINE void mw_depthwise_words_s8_dsp(const int8_t *x, int8_t *y, const int8_t *weights,
                                         const int32_t *bias, const int32_t *scales,
                                         int32_t channels, int32_t width, int32_t out_height,
                                         int32_t out_width, int32_t stride_h, int32_t stride_w,
                                         int32_t outer, int32_t inner, int32_t step, int32_t skip,
                                         int32_t y_zero, int32_t low, int32_t high, int32_t form)
{
    const mw_taps_s8 taps = {outer, inner, step, skip};
    const int32_t scale_words = mw_depthwise_scale_words(form);
    int8_t *const first = y;
    for (int32_t oy = 0; oy < out_height; oy++) {
        for (int32_t ox = 0; ox < out_width; ox++) {
            const int8_t *corner = x + (oy * stride_h * width + ox * stride_w) * channels;
            const int8_t *factors = weights;
            const int32_t *start = bias, *scale = scales;
            int32_t left = channels;
            for (; left >= 4; left -= 4) {
                mw_depthwise_word_s8(corner, &taps, factors, channels, start, scale, y_zero, form,
                                     y);
                corner += 4;
                factors += 4;
                start += 4;
                scale += 4 * scale_words;
                y += 4;
            }
            for (; left > 0; left--) {
                const int32_t sum = mw_depthwise_sum_s8(corner++, &taps, factors++, channels);
                *y++ = mw_depthwise_word_output_s8(sum, *start++, scale, y_zero, form);
                scale += scale_words;
            }
        }
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(first, out_height * out_width * channels, low, high);
    }
}

#endif
