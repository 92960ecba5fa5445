/* SPDX-License-Identifier: MIT */
/* The window of a convolution as pairs of int16 (mw_widen_s8_dsp.h), one run a window row.
 *
 * Taps outside the image hold the input's zero point: together with the bias, which has the zero
 * point folded in, they add nothing. */
#ifndef MW_WINDOW_S8_DSP_H
#define MW_WINDOW_S8_DSP_H

#include "mw_widen_s8_dsp.h"

typedef struct {
    int32_t height, width, depth; /* of the image */
    int32_t kh, kw;               /* of the window */
    int32_t fill;                 /* value outside the image */
    int8_t *row;                  /* scratch memory for kw * depth elements */
} mw_window_s8;

/* One window row that reaches over an end of its image row: columns left.. of `image_row`. */
static MW_NOINLINE __attribute__((unused)) void mw_clipped_row_s8(const int8_t *image_row,
                                                                  const mw_window_s8 *window,
                                                                  int32_t left)
{
    MW_BARRIER();
    const int32_t count = window->kw * window->depth;
    const int32_t begin = mw_clamp_i32(-left * window->depth, 0, count);
    const int32_t end = mw_clamp_i32((window->width - left) * window->depth, begin, count);
    const int8_t *from = image_row + (left > 0 ? left * window->depth : 0);
    int8_t *to = window->row;
    for (int32_t i = begin; i > 0; i--) {
        *to++ = (int8_t)window->fill;
    }
    for (int32_t i = end - begin; i > 0; i--) {
        *to++ = *from++;
    }
    for (int32_t i = count - end; i > 0; i--) {
        *to++ = (int8_t)window->fill;
    }
}

/* The window whose first tap is at (top, left), its pairs `step` words apart. */
MW_INLINE void mw_widen_window_s8(const int8_t *x, const mw_window_s8 *window, int32_t top,
                                  int32_t left, int32_t *pairs, int32_t step)
{
    const int32_t run = window->kw * window->depth;
    const int32_t row_bytes = window->width * window->depth;
    const int32_t inside = left >= 0 && left + window->kw <= window->width;
    for (int32_t y = top; y < top + window->kh; y++) {
        if (y < 0 || y >= window->height) {
            for (int32_t i = (run + 1) >> 1; i > 0; i--) {
                *pairs = mw_pair(window->fill, window->fill);
                pairs += step;
            }
        } else if (inside) {
            pairs = mw_widen_s8_step(x + y * row_bytes + left * window->depth, run, pairs, step);
        } else {
            mw_clipped_row_s8(x + y * row_bytes, window, left);
            pairs = mw_widen_s8_step(window->row, run, pairs, step);
        }
    }
}

/* The same for a pixel of a block of four, and for a pixel by itself. */
static MW_NOINLINE __attribute__((unused)) void mw_widen_window_s8_of_4(const int8_t *x,
                                                                        const mw_window_s8 *window,
                                                                        int32_t top, int32_t left,
                                                                        int32_t *pairs)
{
    mw_widen_window_s8(x, window, top, left, pairs, 4);
}

static MW_NOINLINE __attribute__((unused)) void mw_widen_window_s8_of_1(const int8_t *x,
                                                                        const mw_window_s8 *window,
                                                                        int32_t top, int32_t left,
                                                                        int32_t *pairs)
{
    mw_widen_window_s8(x, window, top, left, pairs, 1);
}

/* The same for windows whose rows are a word, at least one byte of which lies in the image: bytes
 * outside are shifted out, and filled in. The image's rows have four bytes or more. */
static MW_NOINLINE __attribute__((unused)) void mw_widen_word_window_s8(const int8_t *x,
                                                                        const mw_window_s8 *window,
                                                                        int32_t top, int32_t left,
                                                                        int32_t *pairs,
                                                                        int32_t step)
{
    MW_BARRIER();
    const int32_t row_bytes = window->width * window->depth, begin = left * window->depth;
    const int32_t first = mw_clamp_i32(begin, 0, row_bytes - 4);
    const int32_t up = 8 * mw_max_i32(-begin, 0), down = 8 * mw_max_i32(begin - first, 0);
    const int32_t fills = mw_pair(window->fill, window->fill);
    const uint32_t bytes = 0x01010101u * (uint8_t)window->fill;
    const uint32_t outside = bytes & ~(~(uint32_t)0 << up >> down);
    const int32_t begin_row = mw_clamp_i32(-top, 0, window->kh);
    const int32_t end_row = mw_clamp_i32(window->height - top, begin_row, window->kh);
    const int8_t *from = x + (top + begin_row) * row_bytes + first;
    for (int32_t i = begin_row; i > 0; i--) {
        pairs[0] = fills;
        pairs[step] = fills;
        pairs += 2 * step;
    }
    for (int32_t i = end_row - begin_row; i > 0; i--) {
        const int32_t word = (int32_t)(((uint32_t)mw_load_i32(from) << up >> down) | outside);
        pairs[0] = mw_even_bytes(word);
        pairs[step] = mw_odd_bytes(word);
        from += row_bytes;
        pairs += 2 * step;
    }
    for (int32_t i = window->kh - end_row; i > 0; i--) {
        pairs[0] = fills;
        pairs[step] = fills;
        pairs += 2 * step;
    }
}

/* The same for windows whose rows have `short_run` elements, at most MW_SHORT_RUN and known when
 * this is compiled: where such a window lies inside the image, each row is straight-line code. */
#define MW_SHORT_RUN 12

MW_INLINE void mw_widen_short_window_s8_of_4(const int8_t *x, const mw_window_s8 *window,
                                             int32_t top, int32_t left, int32_t *pairs,
                                             int32_t short_run)
{
    if (top < 0 || left < 0 || top + window->kh > window->height ||
        left + window->kw > window->width) {
        mw_widen_window_s8_of_4(x, window, top, left, pairs);
        return;
    }
    const int32_t row_bytes = window->width * window->depth;
    const int8_t *from = x + top * row_bytes + left * window->depth;
    for (int32_t rows = window->kh; rows > 0; rows--) {
        if (short_run >= 4) {
            mw_widen_word_s8(from, pairs, 4);
            pairs += 8;
        }
        if (short_run >= 8) {
            mw_widen_word_s8(from + 4, pairs, 4);
            pairs += 8;
        }
        if (short_run >= 12) {
            mw_widen_word_s8(from + 8, pairs, 4);
            pairs += 8;
        }
        pairs = mw_widen_rest_s8(from + (short_run & ~3), short_run, pairs, 4);
        from += row_bytes;
    }
}

#endif
