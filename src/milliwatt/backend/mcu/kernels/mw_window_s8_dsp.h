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
    const int32_t begin = -left * window->depth;
    const int32_t end = (window->width - left) * window->depth;
    const int32_t count = window->kw * window->depth;
    for (int32_t i = 0; i < count; i++) {
        window->row[i] = i >= begin && i < end ? image_row[i - begin] : (int8_t)window->fill;
    }
}

/* The window whose first tap is at (top, left), its pairs `step` words apart. */
MW_INLINE void mw_widen_window_s8(const int8_t *x, const mw_window_s8 *window, int32_t top,
                                  int32_t left, int32_t *pairs, int32_t step)
{
    const int32_t run = window->kw * window->depth;
    const int32_t row_bytes = window->width * window->depth;
    const int32_t inside = left >= 0 && left + window->kw <= window->width;
    const int8_t *from = x + top * row_bytes + left * window->depth;
    for (int32_t y = top; y < top + window->kh; y++) {
        if (y < 0 || y >= window->height) {
            for (int32_t i = (run + 1) >> 1; i > 0; i--) {
                *pairs = mw_pair(window->fill, window->fill);
                pairs += step;
            }
        } else if (inside) {
            pairs = mw_widen_s8_step(from, run, pairs, step);
        } else {
            mw_clipped_row_s8(x + y * row_bytes, window, left);
            pairs = mw_widen_s8_step(window->row, run, pairs, step);
        }
        from += row_bytes;
    }
}

/* For a pixel of a block of four, and for a pixel by itself. */
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

#endif
