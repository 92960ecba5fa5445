/* SPDX-License-Identifier: MIT */
/* Depthwise convolution of any filter, stride 1 or 2 along the lines, channel by channel.
 *
 * Taps are taken two at a time. For stride 1 the filter's taps are kept as pairs twice: aligned
 * with even elements (w0 w1) (w2 0), and one further, for odd outputs, (0 w0) (w1 w2). So each
 * word of a line serves two neighbouring outputs. Four outputs are in flight. Registers: 4 sums,
 * 2 words of the line, 2 of the filter, line, filter, end. Per 2 taps of 4 outputs: 1 load of the
 * line, 1 double load of the filter, 4 SMLAD, 2 for the loop = 8 instructions for 8
 * multiplications. */
#ifndef MW_DEPTHWISE_CONV2D_S8_DSP_H
#define MW_DEPTHWISE_CONV2D_S8_DSP_H

#include "mw_depthwise_channel_s8_dsp.h"
#include "mw_depthwise_lines_s8_dsp.h"
#include "mw_depthwise_taps_s8_dsp.h"

/* The filter and the outputs, along and across the lines. */
typedef struct {
    int32_t taps_along, taps_across;
    int32_t out_along, out_step_along; /* outputs of a line, bytes between them */
    int32_t line_words;                /* distance of lines in the ring */
    int32_t filter_line_words;         /* length of a filter line's pairs */
} mw_depthwise_s8;

/* Pairs of taps of one filter line, for even and odd outputs; their weights are times `scale`, 2 or
 * 256, which the requantisation wants of the sum. Returns the end. */
MW_INLINE mw_word *mw_depthwise_taps_s8(const int8_t *weights, int32_t taps, int32_t stride,
                                        int32_t scale, mw_word *to)
{
    int32_t before = 0;
    for (int32_t twos = taps >> 1; twos > 0; twos--) {
        const int32_t low = scale * weights[0], high = scale * weights[1];
        *to++ = mw_pair(low, high);
        if (stride == 1) {
            *to++ = mw_pair(before, low);
            before = high;
        }
        weights += 2;
    }
    const int32_t last = taps & 1 ? scale * *weights : 0;
    if (taps & 1 || stride == 1) {
        *to++ = mw_pair(last, 0);
    }
    if (stride == 1) {
        *to++ = mw_pair(before, last);
    }
    return to;
}

/* The filter's lines, once more where the ring can begin with any of them. */
MW_INLINE void mw_depthwise_filter_s8(const int8_t *weights, const mw_depthwise_s8 *shape,
                                      int32_t stride, int32_t scale, mw_word *to)
{
    mw_word *const first = to;
    for (int32_t k = 0; k < shape->taps_across; k++) {
        to = mw_depthwise_taps_s8(weights, shape->taps_along, stride, scale, to);
        weights += shape->taps_along;
    }
    const int32_t words = shape->taps_across > 1 ? (int32_t)(to - first) : 0;
    for (int32_t i = 0; i < words; i++) {
        to[i] = first[i];
    }
}

/* Sums of four neighbouring outputs. */
typedef struct {
    int32_t a, b, c, d;
} mw_sums4;

/* The sums with one filter line's products, stride 1: 8 instructions for 8 multiplications. */
MW_INLINE mw_sums4 mw_depthwise_stride_1(const mw_word *x, const mw_word *filter, int32_t pairs,
                                         mw_sums4 sums)
{
#if MW_HAS_DSP
    /* Two words of the line take turns; compilers at hand move them instead, and count apart. */
    int32_t p, q, even, odd;
    __asm__ volatile("ldr %[p], [%[x]], #4\n"
                     "1:\n"
                     "ldr %[q], [%[x]], #4\n"
                     "ldrd %[even], %[odd], [%[filter]], #8\n"
                     "subs %[pairs], %[pairs], #1\n"
                     "smlad %[a], %[p], %[even], %[a]\n"
                     "smlad %[b], %[p], %[odd], %[b]\n"
                     "smlad %[c], %[q], %[even], %[c]\n"
                     "smlad %[d], %[q], %[odd], %[d]\n"
                     "beq 2f\n"
                     "ldr %[p], [%[x]], #4\n"
                     "ldrd %[even], %[odd], [%[filter]], #8\n"
                     "subs %[pairs], %[pairs], #1\n"
                     "smlad %[a], %[q], %[even], %[a]\n"
                     "smlad %[b], %[q], %[odd], %[b]\n"
                     "smlad %[c], %[p], %[even], %[c]\n"
                     "smlad %[d], %[p], %[odd], %[d]\n"
                     "bne 1b\n"
                     "2:\n"
                     : [x] "+&r"(x), [filter] "+&r"(filter), [pairs] "+&r"(pairs), [a] "+&r"(sums.a),
                       [b] "+&r"(sums.b), [c] "+&r"(sums.c), [d] "+&r"(sums.d), [p] "=&r"(p),
                       [q] "=&r"(q), [even] "=&r"(even), [odd] "=&r"(odd)
                     :
                     : "cc", "memory");
#else
    int32_t p = *x++;
    for (; pairs > 0; pairs--) {
        const int32_t q = *x++, even = *filter++, odd = *filter++;
        sums.a = mw_dot_pairs(p, even, sums.a);
        sums.b = mw_dot_pairs(p, odd, sums.b);
        sums.c = mw_dot_pairs(q, even, sums.c);
        sums.d = mw_dot_pairs(q, odd, sums.d);
        p = q;
    }
#endif
    return sums;
}

/* The same for stride 2: neighbouring outputs are one word apart. */
MW_INLINE mw_sums4 mw_depthwise_stride_2(const mw_word *x, const mw_word *filter, int32_t pairs,
                                         mw_sums4 sums)
{
    int32_t p = *x++, q = *x++, r = *x++;
    for (; pairs > 0; pairs--) {
        const int32_t s = *x++, w = *filter++;
        sums.a = mw_dot_pairs(p, w, sums.a);
        sums.b = mw_dot_pairs(q, w, sums.b);
        sums.c = mw_dot_pairs(r, w, sums.c);
        sums.d = mw_dot_pairs(s, w, sums.d);
        p = q;
        q = r;
        r = s;
    }
    return sums;
}

/* One line of outputs from the ring; `filter` begins with the taps of its first place. */
MW_INLINE void mw_depthwise_line_s8(const mw_word *ring, const mw_word *filter,
                                    const mw_depthwise_s8 *shape, int32_t stride,
                                    const mw_depthwise_channel_s8 *channel, int32_t zero,
                                    int32_t form, int8_t *y)
{
    const int32_t pairs = stride == 1 ? (shape->taps_along >> 1) + 1 : (shape->taps_along + 1) >> 1;
    const int32_t is_one_line = stride == 1 && shape->taps_across == 1 && form != MW_COARSE;
    if (MW_FEW_PAIRS > 0 && is_one_line && pairs <= MW_FEW_PAIRS) {
        const mw_taps_line_s8 values = {
            channel->bias,         channel->multiplier, channel->divisor, zero,
            shape->out_step_along, shape->out_along,    pairs};
        if (mw_rounds_once(form) == 2) {
            mw_depthwise_taps_line_large(ring, filter, y, &values);
        } else if (mw_rounds_once(form)) {
            mw_depthwise_taps_line_once(ring, filter, y, &values);
        } else {
            mw_depthwise_taps_line(ring, filter, y, &values);
        }
        return;
    }
    for (int32_t rest = shape->out_along; rest > 0; rest -= 4) {
        mw_sums4 sums = {channel->bias, channel->bias, channel->bias, channel->bias};
        const mw_word *line = ring, *taps = filter;
        for (int32_t k = shape->taps_across; k > 0; k--) {
            sums = stride == 1 ? mw_depthwise_stride_1(line, taps, pairs, sums)
                               : mw_depthwise_stride_2(line, taps, pairs, sums);
            line += shape->line_words;
            taps += shape->filter_line_words;
        }
        const int32_t step = shape->out_step_along;
        y[0] = mw_depthwise_output_s8(sums.a, channel, zero, form);
        if (rest > 1) {
            y[step] = mw_depthwise_output_s8(sums.b, channel, zero, form);
        }
        if (rest > 2) {
            y[2 * step] = mw_depthwise_output_s8(sums.c, channel, zero, form);
        }
        if (rest > 3) {
            y[3 * step] = mw_depthwise_output_s8(sums.d, channel, zero, form);
        }
        y += 4 * step;
        ring += 2 * stride;
    }
}

/* All lines of one channel's outputs through the ring, `ring_words` long. */
MW_INLINE void mw_depthwise_lines_s8(const int8_t *x, const mw_lines_s8 *lines, mw_word *ring,
                                     const mw_word *filter, const mw_depthwise_s8 *shape,
                                     int32_t stride_along, int32_t stride_across,
                                     int32_t pad_across, int32_t out_across,
                                     int32_t out_step_across,
                                     const mw_depthwise_channel_s8 *channel, int32_t zero,
                                     int32_t form, int8_t *y)
{
    const int32_t ring_words = shape->taps_across * shape->line_words;
    const int32_t filter_words = shape->taps_across * shape->filter_line_words;
    int32_t next = -pad_across, place = 0, taps = 0;
    for (int32_t o = 0; o < out_across; o++) {
        const int32_t end = o * stride_across - pad_across + shape->taps_across;
        for (; next < end; next++) {
            mw_load_line_s8(x, lines, next, ring + place);
            place += shape->line_words;
            place = place == ring_words ? 0 : place;
        }
        mw_depthwise_line_s8(ring, filter + taps, shape, stride_along, channel, zero,
                             form, y);
        y += out_step_across;
        taps -= stride_across * shape->filter_line_words;
        taps = taps < 0 ? taps + filter_words : taps;
    }
}

/* weights: channel after channel, filter line after filter line. bias, scales, form:
 * mw_depthwise_channel_s8_dsp.h.
 * `together` is 4 where channels are gathered four at a time: there
 * is one line of outputs then, and `multiplier` is 1. Scratch memory: the filter's pairs, twice if
 * it has several lines; then a ring for each channel gathered at a time. */
MW_INLINE void mw_depthwise_conv2d_s8_dsp(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *bias,
    const int32_t *scales, int32_t channels, int32_t multiplier, int32_t along, int32_t across,
    int32_t out_along, int32_t out_across, int32_t by_rows, int32_t taps_along, int32_t taps_across,
    int32_t stride_along, int32_t stride_across, int32_t pad_along, int32_t pad_across,
    int32_t line_words, int32_t filter_words, int32_t together, int32_t x_zero, int32_t y_zero,
    int32_t low, int32_t high, int32_t form)
{
    const mw_steps_s8 steps = mw_steps_of_lines(along, across, channels / multiplier, by_rows);
    const mw_steps_s8 out = mw_steps_of_lines(out_along, out_across, channels, by_rows);
    const mw_lines_s8 lines = {along, across, steps.along, steps.across, pad_along, x_zero};
    const mw_depthwise_s8 shape = {taps_along,     taps_across, out_along,
                                   out.along,      line_words,  filter_words / taps_across};
    mw_word *const filter = scratch;
    mw_word *const ring = filter + (taps_across > 1 ? 2 : 1) * filter_words;
    const int32_t ring_words = taps_across * line_words;
    int32_t gathered = 0;
    mw_fill_s16((mw_half *)(void *)ring, 2 * together * ring_words, x_zero);
    scales = mw_first_scale(bias, scales, channels, form);
    for (int32_t c = 0; c < channels; c++) {
        const mw_depthwise_channel_s8 channel = mw_depthwise_channel(bias[c], scales, form);
        scales = mw_next_scale(scales, form);
        mw_depthwise_filter_s8(weights, &shape, stride_along, mw_depthwise_weight_scale(form),
                               filter);
        weights += taps_along * taps_across;
        if (gathered == 0 && together == 4 && channels - c >= 4) {
            for (int32_t k = 0; k < taps_across; k++) {
                mw_load_lines_s8_of_4(x + c, &lines, k - pad_across, ring + k * line_words,
                                      ring_words);
            }
            gathered = 4;
        }
        if (gathered > 0) {
            mw_depthwise_line_s8(ring + (4 - gathered) * ring_words, filter, &shape, stride_along,
                                 &channel, y_zero, form, y + c);
            gathered--;
        } else {
            mw_depthwise_lines_s8(x + (multiplier == 1 ? c : c / multiplier), &lines, ring, filter,
                                  &shape, stride_along, stride_across, pad_across, out_across,
                                  out.across, &channel, y_zero, form, y + c);
        }
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, out_along * out_across * channels, low, high);
    }
}

#endif
