/* SPDX-License-Identifier: MIT */
/* Convolution of any filter and stride, no dilation, most of whose weights are zero: the windows of
 * eight output pixels at a time.
 *
 * Registers and instructions per multiplication: mw_sparse_8px_dsp.h. Scratch memory: 32 bytes per
 * pair of a window's taps, and one window row. A block's windows are read before its outputs are
 * written. */
#ifndef MW_CONV2D_SPARSE_S8_DSP_H
#define MW_CONV2D_SPARSE_S8_DSP_H

#include "mw_expand_s8_dsp.h"
#include "mw_sparse_1px_dsp.h"
#include "mw_sparse_8px_dsp.h"
#include "mw_window_s8_dsp.h"

/* The window whose first tap is at (top, left), each of its rows a run of pairs. */
MW_INLINE void mw_expand_window_s8(const int8_t *x, const mw_window_s8 *window, int32_t top,
                                   int32_t left, int32_t *pairs, int32_t step, int32_t form)
{
    const int32_t run = window->kw * window->depth;
    const int32_t row_bytes = window->width * window->depth;
    for (int32_t y = top; y < top + window->kh; y++) {
        const int8_t *from = window->row;
        if (y < 0 || y >= window->height) {
            mw_clipped_row_s8(x, window, -window->kw);
        } else if (left < 0 || left + window->kw > window->width) {
            mw_clipped_row_s8(x + y * row_bytes, window, left);
        } else {
            from = x + y * row_bytes + left * window->depth;
        }
        pairs = mw_expand_s8(from, run, pairs, step, form);
    }
}

MW_INLINE void mw_conv2d_sparse_s8_dsp(
    const int8_t *x, int8_t *y, void *scratch, const int32_t *weights, const int32_t *scales,
    int32_t height, int32_t width, int32_t depth, int32_t out_height, int32_t out_width,
    int32_t channels, int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t pad_top,
    int32_t pad_left, int32_t pair_bytes, int32_t x_zero, int32_t y_zero, int32_t low,
    int32_t high, int32_t relu, int32_t form)
{
    int32_t *const pairs = scratch;
    const mw_window_s8 window = {height, width, depth, kh, kw, x_zero, (int8_t *)scratch + pair_bytes};
    const int32_t count = out_height * out_width * channels;
    int8_t *const first = y;
    int32_t top = -pad_top, left = -pad_left;
    const int32_t left_end = out_width * stride_w - pad_left;
    for (int32_t pixels = out_height * out_width, taken; pixels > 0; pixels -= taken) {
        taken = pixels >= 8 ? 8 : pixels >= 4 ? 4 : 1;
        for (int32_t p = 0; p < taken; p++) {
            mw_expand_window_s8(x, &window, top, left, pairs + p, taken, form);
            left += stride_w;
            if (left == left_end) {
                left = -pad_left;
                top += stride_h;
            }
        }
        if (taken > 1) {
            mw_sparse_block(pairs, weights, scales, y, channels, y_zero, relu, taken);
        } else {
            mw_sparse_1px(pairs, weights, scales, y, channels, y_zero);
        }
        y += taken * channels;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(first, count, low, high);
    }
}

#endif
