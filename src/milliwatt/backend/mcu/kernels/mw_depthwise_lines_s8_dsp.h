/* SPDX-License-Identifier: MIT */
/* One channel's lines for depthwise convolution: gathered from NHWC, widened to int16, padded.
 *
 * A line is a row or a column of the image. A ring of as many lines as the filter has holds what
 * the next output line needs, each element having been gathered once; so outputs may be written
 * over the inputs. 2.5 instructions an element. */
#ifndef MW_DEPTHWISE_LINES_S8_DSP_H
#define MW_DEPTHWISE_LINES_S8_DSP_H

#include "mw_dsp.h"

/* The image along and across the lines. */
typedef struct {
    int32_t along, across;           /* elements of a line, lines */
    int32_t step_along, step_across; /* bytes between elements, between lines */
    int32_t pad_along;               /* padding before a line's first element */
    int32_t fill;                    /* value of the padding */
} mw_lines_s8;

/* Bytes between neighbours along and across the lines of an image of that many `channels`: lines
 * are its rows or its columns. */
typedef struct {
    int32_t along, across;
} mw_steps_s8;

MW_INLINE mw_steps_s8 mw_steps_of_lines(int32_t along, int32_t across, int32_t channels,
                                        int32_t by_rows)
{
    const mw_steps_s8 rows = {channels, along * channels};
    const mw_steps_s8 columns = {across * channels, channels};
    return by_rows ? rows : columns;
}

/* Copies `count` int8, `step` bytes apart, to int16 at `line`, which starts within a word where
 * `odd` is not 0. */
MW_INLINE void mw_gather_line_s8(const int8_t *x, int32_t step, int32_t count, mw_half *line,
                                 int32_t odd)
{
    if (odd && count > 0) {
        *line++ = (mw_half)*x;
        x += step;
        count--;
    }
    for (; count >= 4; count -= 4) {
        const int32_t a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
        ((mw_word *)(void *)line)[0] = mw_pair(a, b);
        ((mw_word *)(void *)line)[1] = mw_pair(c, d);
        x += 4 * step;
        line += 4;
    }
    for (; count > 0; count--) {
        *line++ = (mw_half)*x;
        x += step;
    }
}

MW_INLINE void mw_fill_s16(mw_half *to, int32_t count, int32_t value)
{
    for (; count > 0; count--) {
        *to++ = (mw_half)value;
    }
}

MW_INLINE void mw_fill_pairs(mw_word *to, int32_t count, int32_t value)
{
    const int32_t pair = mw_pair(value, value);
    for (; count > 0; count--) {
        *to++ = pair;
    }
}

/* Puts line `index` of the channel at `x` into its place `line`, whose padding is there already. */
static MW_NOINLINE __attribute__((unused)) void mw_load_line_s8(const int8_t *x,
                                                                const mw_lines_s8 *shape,
                                                                int32_t index, mw_word *line)
{
    mw_half *const inside = (mw_half *)(void *)line + shape->pad_along;
    if (index < 0 || index >= shape->across) {
        mw_fill_s16(inside, shape->along, shape->fill);
    } else {
        mw_gather_line_s8(x + index * shape->step_across, shape->step_along, shape->along, inside,
                          shape->pad_along & 1);
    }
}

/* Four channels' elements, `count` pixels `step` bytes apart, to four lines `plane` words apart,
 * which start within a word where `odd` is not 0: 2.25 instructions an element. */
MW_INLINE void mw_gather_lines_s8_of_4(const int8_t *x, int32_t step, int32_t count, mw_word *line,
                                       int32_t plane, int32_t odd)
{
    if (odd) {
        for (int32_t c = 0; c < 4; c++) {
            ((mw_half *)(void *)(line + c * plane))[1] = (mw_half)x[c];
        }
        x += step;
        line++;
        count--;
    }
    /* gcc 12 for Cortex-M55, -Os, loses a test of `count` that shares flags with the loop's. */
    const int32_t last = count & 1;
    for (; count >= 2; count -= 2) {
        const int32_t a = mw_load_i32(x), b = mw_load_i32(x + step);
        const int32_t a_even = mw_even_bytes(a), b_even = mw_even_bytes(b);
        const int32_t a_odd = mw_odd_bytes(a), b_odd = mw_odd_bytes(b);
        line[0] = mw_pair(a_even, b_even);
        line[plane] = mw_pair(a_odd, b_odd);
        line[2 * plane] = mw_pair_of_highs(a_even, b_even);
        line[3 * plane] = mw_pair_of_highs(a_odd, b_odd);
        x += 2 * step;
        line++;
    }
    if (last) {
        for (int32_t c = 0; c < 4; c++) {
            ((mw_half *)(void *)(line + c * plane))[0] = (mw_half)x[c];
        }
    }
}

/* mw_load_line_s8 for four channels, whose lines lie `plane` words apart. */
static MW_NOINLINE __attribute__((unused)) void mw_load_lines_s8_of_4(const int8_t *x,
                                                                      const mw_lines_s8 *shape,
                                                                      int32_t index,
                                                                      mw_word *line, int32_t plane)
{
    if (index < 0 || index >= shape->across) {
        for (int32_t c = 0; c < 4; c++) {
            mw_fill_s16((mw_half *)(void *)(line + c * plane) + shape->pad_along, shape->along,
                        shape->fill);
        }
        return;
    }
    mw_gather_lines_s8_of_4(x + index * shape->step_across, shape->step_along, shape->along,
                            line + (shape->pad_along >> 1), plane, shape->pad_along & 1);
}

#endif
