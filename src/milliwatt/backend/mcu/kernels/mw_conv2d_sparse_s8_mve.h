/* SPDX-License-Identifier: MIT */
/* Convolutions most of whose vectors of 16 weights are zeros, on Helium: eight output pixels at a
 * time.
 *
 * Registers and instructions per multiplication: mw_sparse_8px_mve.h.
 *
 * Scratch memory holds eight windows (or pixels), vector by vector, each filled up to whole
 * vectors, which the weights' zeros cancel. A block's windows are copied before its outputs are
 * written. Of the last block, where pixels are missing, the last one is computed several times at
 * once. */
#ifndef MW_CONV2D_SPARSE_S8_MVE_H
#define MW_CONV2D_SPARSE_S8_MVE_H

#include "mw_conv2d_s8_mve.h"
#include "mw_sparse_8px_mve.h"

/* Where the outputs of `pixels` pixels go, the last one's for those that are missing. */
MW_INLINE void mw_sparse_places_mve(uint16_t *places, int32_t pixels, int32_t channels)
{
    for (int32_t p = 0; p < MW_SPARSE_PIXELS; p++) {
        places[2 * (p & 3) + (p >> 2)] = (uint16_t)(mw_min_i32(p, pixels - 1) * channels);
    }
}

MW_INLINE void mw_conv2d_1x1_sparse_s8_mve(const int8_t *x, int8_t *y, void *scratch,
                                           const int8_t *weights, const int32_t *scales,
                                           int32_t pixels, int32_t depth, int32_t channels,
                                           int32_t zero, int32_t low, int32_t high, int32_t form)
{
    int8_t *const block = scratch;
    mw_sparse_s8_mve layer = {block, y, weights, scales, channels, zero, low, high, {0}};
    for (; pixels > 0; pixels -= MW_SPARSE_PIXELS) {
        const int32_t last = mw_min_i32(pixels, MW_SPARSE_PIXELS) - 1;
        mw_sparse_places_mve(layer.places, last + 1, channels);
        for (int32_t p = 0; p < MW_SPARSE_PIXELS; p++) {
            mw_spread_mve(block + MW_VECTOR * p, x + mw_min_i32(p, last) * depth, depth);
        }
        mw_sparse_8px_mve(&layer, form);
        layer.y += MW_SPARSE_PIXELS * channels;
        x += MW_SPARSE_PIXELS * depth;
    }
}

/* The same for any filter; a window lies behind the eight first. */
MW_INLINE void mw_conv2d_sparse_s8_mve(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *scales,
    int32_t height, int32_t width, int32_t depth, int32_t out_height, int32_t out_width,
    int32_t channels, int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t pad_top,
    int32_t pad_left, int32_t vectors, int32_t x_zero, int32_t y_zero, int32_t low, int32_t high,
    int32_t form)
{
    int8_t *const block = scratch;
    int8_t *const one = block + MW_SPARSE_PIXELS * MW_VECTOR * vectors;
    const mw_window_s8_mve window = {height, width, depth, kh, kw, x_zero};
    mw_sparse_s8_mve layer = {block, y, weights, scales, channels, y_zero, low, high, {0}};
    int32_t top = -pad_top, left = -pad_left;
    const int32_t left_end = out_width * stride_w - pad_left;
    for (int32_t pixels = out_height * out_width; pixels > 0; pixels -= MW_SPARSE_PIXELS) {
        mw_sparse_places_mve(layer.places, mw_min_i32(pixels, MW_SPARSE_PIXELS), channels);
        for (int32_t p = 0; p < MW_SPARSE_PIXELS; p++) {
            if (p < pixels) {
                mw_copy_window_s8_mve(x, &window, top, left, one);
                left += stride_w;
                if (left == left_end) {
                    left = -pad_left;
                    top += stride_h;
                }
            }
            mw_spread_mve(block + MW_VECTOR * p, one, kh * kw * depth);
        }
        mw_sparse_8px_mve(&layer, form);
        layer.y += MW_SPARSE_PIXELS * channels;
    }
}

#endif
