/* SPDX-License-Identifier: MIT */
/* Depthwise convolution of any filter, stride 1 or 2 along the lines, channel by channel.
 *
 * Taps are taken two at a time. For stride 1 the filter's taps are kept as pairs twice: aligned
 * with even elements (w0 w1) (w2 0), and one further, for odd outputs, (0 w0) (w1 w2). So each
 * word of a line serves two neighbouring outputs. Four outputs are in flight. Registers: 4 sums,
 * 2 words of the line, 2 of the filter, line, filter, end. Per 2 taps of 4 outputs: 1 load of the
 * line, 1 double load of the filter, 4 SMLAD. */
#ifndef MW_DEPTHWISE_CONV2D_S8_DSP_H
#define MW_DEPTHWISE_CONV2D_S8_DSP_H

#include "mw_depthwise_lines_s8_dsp.h"
#include "mw_requantize_dsp.h"

/* The filter and the outputs, along and across the lines. */
typedef struct {
    int32_t taps_along, taps_across;
    int32_t out_along, out_step_along; /* outputs of a line, bytes between them */
    int32_t line_words;                /* distance of lines in the ring */
} mw_depthwise_s8;

/* Pairs of taps of one filter line, for even and odd outputs; their weights are doubled, which the
 * requantisation wants of the sum. Returns the end. */
MW_INLINE mw_word *mw_depthwise_taps_s8(const int8_t *weights, int32_t taps, int32_t stride,
                                        mw_word *to)
{
    const int32_t pairs = stride == 1 ? (taps >> 1) + 1 : (taps + 1) >> 1;
    int32_t before = 0;
    for (int32_t j = 0; j < pairs; j++) {
        const int32_t low = 2 * j < taps ? 2 * weights[2 * j] : 0;
        const int32_t high = 2 * j + 1 < taps ? 2 * weights[2 * j + 1] : 0;
        *to++ = mw_pair(low, high);
        if (stride == 1) {
            *to++ = mw_pair(before, low);
            before = high;
        }
    }
    return to;
}

/* The filter's lines in the order of the ring's places, from any of them: its lines twice. */
MW_INLINE void mw_depthwise_filter_s8(const int8_t *weights, const mw_depthwise_s8 *shape,
                                      int32_t stride, mw_word *to)
{
    mw_word *const first = to;
    for (int32_t k = 0; k < shape->taps_across; k++) {
        to = mw_depthwise_taps_s8(weights, shape->taps_along, stride, to);
        weights += shape->taps_along;
    }
    const int32_t words = (int32_t)(to - first);
    for (int32_t i = 0; i < words; i++) {
        to[i] = first[i];
    }
}

/* Sums a..d of four neighbouring outputs of stride 1 gain one filter line's products. */
MW_INLINE void mw_depthwise_sums_stride_1(const mw_word *x, const mw_word *filter, int32_t pairs,
                                          int32_t *sums)
{
    int32_t p = x[0];
    for (int32_t j = 1; j <= pairs; j++) {
        const int32_t q = x[j], even = filter[0], odd = filter[1];
        sums[0] = mw_dot_pairs(p, even, sums[0]);
        sums[1] = mw_dot_pairs(p, odd, sums[1]);
        sums[2] = mw_dot_pairs(q, even, sums[2]);
        sums[3] = mw_dot_pairs(q, odd, sums[3]);
        p = q;
        filter += 2;
    }
}

/* The same for stride 2: neighbouring outputs are one word apart. */
MW_INLINE void mw_depthwise_sums_stride_2(const mw_word *x, const mw_word *filter, int32_t pairs,
                                          int32_t *sums)
{
    int32_t p = x[0], q = x[1], r = x[2];
    for (int32_t j = 0; j < pairs; j++) {
        const int32_t s = x[j + 3], w = filter[j];
        sums[0] = mw_dot_pairs(p, w, sums[0]);
        sums[1] = mw_dot_pairs(q, w, sums[1]);
        sums[2] = mw_dot_pairs(r, w, sums[2]);
        sums[3] = mw_dot_pairs(s, w, sums[3]);
        p = q;
        q = r;
        r = s;
    }
}

/* One line of outputs from the ring; `filter` begins with the taps of its first place. */
MW_INLINE void mw_depthwise_line_s8(const mw_word *ring, const mw_word *filter,
                                    const mw_depthwise_s8 *shape, int32_t stride, int32_t bias,
                                    const int32_t *scale, int32_t zero, int8_t *y)
{
    const int32_t pairs = stride == 1 ? (shape->taps_along >> 1) + 1 : (shape->taps_along + 1) >> 1;
    for (int32_t rest = shape->out_along; rest > 0; rest -= 4) {
        int32_t sums[4] = {bias, bias, bias, bias};
        const mw_word *line = ring, *taps = filter;
        for (int32_t k = shape->taps_across; k > 0; k--) {
            if (stride == 1) {
                mw_depthwise_sums_stride_1(line, taps, pairs, sums);
            } else {
                mw_depthwise_sums_stride_2(line, taps, pairs, sums);
            }
            line += shape->line_words;
            taps += stride == 1 ? 2 * pairs : pairs;
        }
        for (int32_t i = 0; i < 4 && i < rest; i++) {
            *y = (int8_t)mw_requantize_s8_dsp(sums[i], scale[0], scale[1], zero);
            y += shape->out_step_along;
        }
        ring += 2 * stride;
    }
}

/* weights: channel after channel, filter line after filter line. bias: doubled. scales: multiplier
 * and divisor of each channel. Scratch memory: the filter's pairs twice, then the ring. */
MW_INLINE void mw_depthwise_conv2d_s8_dsp(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *bias,
    const int32_t *scales, int32_t channels, int32_t multiplier, int32_t along, int32_t across,
    int32_t step_along, int32_t step_across, int32_t out_along, int32_t out_across,
    int32_t out_step_along, int32_t out_step_across, int32_t taps_along, int32_t taps_across,
    int32_t stride_along, int32_t stride_across, int32_t pad_along, int32_t pad_across,
    int32_t line_words, int32_t filter_words, int32_t x_zero, int32_t y_zero, int32_t low,
    int32_t high)
{
    const mw_lines_s8 lines = {along, across, step_along, step_across, pad_along, x_zero};
    const mw_depthwise_s8 shape = {taps_along, taps_across, out_along, out_step_along, line_words};
    mw_word *const filter = scratch, *const ring = filter + 2 * filter_words;
    mw_word *const ring_end = ring + taps_across * line_words;
    const int32_t filter_line = filter_words / taps_across;
    int8_t *const first = y;
    mw_fill_s16((mw_half *)(void *)ring, 2 * taps_across * line_words, x_zero);
    for (int32_t c = 0; c < channels; c++) {
        mw_depthwise_filter_s8(weights, &shape, stride_along, filter);
        mw_word *place = ring;
        const mw_word *taps = filter;
        int32_t next = -pad_across;
        int8_t *out = y;
        for (int32_t o = 0; o < out_across; o++) {
            const int32_t end = o * stride_across - pad_across + taps_across;
            for (; next < end; next++) {
                mw_load_line_s8(x, &lines, next, place);
                place += line_words;
                if (place == ring_end) {
                    place = ring;
                }
            }
            mw_depthwise_line_s8(ring, taps, &shape, stride_along, *bias, scales, y_zero, out);
            out += out_step_across;
            taps -= stride_across * filter_line;
            if (taps < filter) {
                taps += filter_words;
            }
        }
        weights += taps_along * taps_across;
        bias++;
        scales += 2;
        y++;
        x += multiplier == 1 ? 1 : (c + 1) % multiplier == 0;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(first, out_along * out_across * channels, low, high);
    }
}

#endif
