/* SPDX-License-Identifier: MIT */
/* Convolution of any filter and stride, no dilation: each window, its taps side by side, times all
 * filters, two output pixels at a time.
 *
 * Scratch memory holds two windows, each filled up to whole vectors, which the weights' zeros
 * cancel. A block's windows are copied before its outputs are written. Of an odd number of pixels
 * the last is computed twice at once. */
#ifndef MW_CONV2D_S8_MVE_H
#define MW_CONV2D_S8_MVE_H

#include "mw_matmul_s8_2px_mve.h"

typedef struct {
    int32_t height, width, depth; /* of the image */
    int32_t kh, kw;               /* of the window */
    int32_t fill;                 /* value outside the image */
} mw_window_s8_mve;

/* The window whose first tap is at (top, left). Taps outside the image hold the input's zero
 * point: together with the bias, which has the zero point folded in, they add nothing. */
static MW_NOINLINE __attribute__((unused)) void mw_copy_window_s8_mve(
    const int8_t *x, const mw_window_s8_mve *window, int32_t top, int32_t left, int8_t *to)
{
    const int32_t run = window->kw * window->depth;
    const int32_t row_bytes = window->width * window->depth;
    const int32_t inside = left >= 0 && left + window->kw <= window->width;
    const int32_t before = mw_clamp_i32(-left, 0, window->kw) * window->depth;
    const int32_t end =
        mw_clamp_i32((window->width - left) * window->depth, before, run);
    const int8_t *from = x + top * row_bytes + left * window->depth;
    for (int32_t y = top; y < top + window->kh; y++) {
        if (y < 0 || y >= window->height) {
            mw_fill_mve(to, window->fill, run);
        } else if (inside) {
            mw_copy_mve(to, from, run);
        } else {
            mw_fill_mve(to, window->fill, before);
            mw_copy_mve(to + before, from + before, end - before);
            mw_fill_mve(to + end, window->fill, run - end);
        }
        to += run;
        from += row_bytes;
    }
}

MW_INLINE void mw_conv2d_s8_mve(const int8_t *x, int8_t *y, void *scratch, const int8_t *weights,
                                const int32_t *scales, int32_t height, int32_t width,
                                int32_t depth, int32_t out_height, int32_t out_width,
                                int32_t channels, int32_t kh, int32_t kw, int32_t stride_h,
                                int32_t stride_w, int32_t pad_top, int32_t pad_left,
                                int32_t vectors, int32_t x_zero, int32_t y_zero, int32_t low,
                                int32_t high, int32_t relu)
{
    int8_t *const windows = scratch;
    const mw_window_s8_mve window = {height, width, depth, kh, kw, x_zero};
    mw_matmul_s8_mve layer = {windows, windows, vectors - 1, channels, 0,   weights,
                              scales,  y,       y_zero,      low,      high};
    int32_t top = -pad_top, left = -pad_left;
    const int32_t left_end = out_width * stride_w - pad_left;
    for (int32_t pixels = out_height * out_width; pixels > 0; pixels -= 2) {
        const int32_t second = pixels > 1;
        layer.x1 = windows + second * MW_VECTOR * vectors;
        layer.distance = second * channels;
        for (int32_t p = 0; p <= second; p++) {
            mw_copy_window_s8_mve(x, &window, top, left, windows + p * MW_VECTOR * vectors);
            left += stride_w;
            if (left == left_end) {
                left = -pad_left;
                top += stride_h;
            }
        }
        mw_matmul_s8_2px_mve(&layer, relu);
        layer.y += 2 * channels;
    }
}

#endif
