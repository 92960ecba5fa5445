/* SPDX-License-Identifier: MIT */
/* Convolution of int4 or int2 weights, of any filter and stride, no dilation: as
 * mw_conv2d_s8_mve.h, two output pixels at a time. Registers and instructions per multiplication:
 * mw_matmul_subbyte_2px_mve.h. */
#ifndef MW_CONV2D_SUBBYTE_MVE_H
#define MW_CONV2D_SUBBYTE_MVE_H

#include "mw_conv2d_s8_mve.h"
#include "mw_matmul_subbyte_2px_mve.h"

/* The outputs of both windows. */
MW_INLINE void mw_conv2d_pair_subbyte_mve(mw_matmul_subbyte_mve *some, int32_t vectors,
                                          int32_t channels, int32_t form, int32_t bits,
                                          int32_t full)
{
    if (full) {
        mw_matmul_subbyte_starts_mve(some->layer.x0, vectors, bits, some->starts);
        mw_matmul_subbyte_starts_mve(some->layer.x1, vectors, bits, some->starts + 4);
    }
    mw_matmul_subbyte_2px_mve(some, form, bits, full);
    some->layer.y += 2 * channels;
}

MW_INLINE void mw_conv2d_subbyte_mve(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *scales,
    int32_t height, int32_t width, int32_t depth, int32_t out_height, int32_t out_width,
    int32_t channels, int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t pad_top,
    int32_t pad_left, int32_t vectors, int32_t x_zero, int32_t y_zero, int32_t low, int32_t high,
    int32_t form, int32_t bits, int32_t full)
{
    int8_t *const windows = scratch;
    const int32_t window_bytes = MW_VECTOR * vectors;
    const mw_window_s8_mve window = {height, width, depth, kh, kw, x_zero};
    mw_matmul_subbyte_mve some = {MW_MATMUL_LAYER(windows, windows, vectors, channels, 0, weights,
                                                  scales, y, y_zero, low, high),
                                  {0}};
    const int32_t left_end = out_width * stride_w - pad_left;
    int32_t top = -pad_top, left = -pad_left;
    for (int32_t pixels = out_height * out_width; pixels > 0;) {
        int32_t pairs = mw_windows_inside_mve(&window, top, left, left_end, stride_w) >> 1;
        const int8_t *from = x + (pairs > 0 ? (top * width + left) * depth : 0);
        const int32_t second = pixels > 1;
        pixels -= 2 * mw_max_i32(pairs, 1);
        left += 2 * pairs * stride_w;
        some.layer.x1 = windows + second * window_bytes;
        some.layer.distance = second * channels;
        for (int32_t p = 0; pairs == 0 && p <= second; p++) {
            mw_copy_any_window_s8_mve(x, &window, top, left, windows + p * window_bytes);
            left += stride_w;
            top += left == left_end ? stride_h : 0;
            left = left == left_end ? -pad_left : left;
            if (p == second) {
                mw_conv2d_pair_subbyte_mve(&some, vectors, channels, form, bits, full);
            }
        }
        for (; pairs > 0; pairs--) {
            for (int32_t at = 0; at <= window_bytes; at += window_bytes) {
                mw_copy_rows_mve(from, windows + at, kh, kw * depth, width * depth);
                from += stride_w * depth;
            }
            mw_conv2d_pair_subbyte_mve(&some, vectors, channels, form, bits, full);
        }
        top += left == left_end ? stride_h : 0;
        left = left == left_end ? -pad_left : left;
    }
}

#endif
