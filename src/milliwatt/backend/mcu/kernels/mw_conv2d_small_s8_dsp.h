/* SPDX-License-Identifier: MIT */
/* Convolutions in little code: mw_conv2d_1x1_s8_dsp.h and mw_conv2d_s8_dsp.h without code for the
 * pixels that are left over. The last block begins four pixels before the end: some are computed
 * twice, so no input may have been overwritten where their number is not a multiple of four. Of
 * fewer than four pixels each is taken four times, and its outputs are written to one place. The
 * loop over pairs is unrolled twice, not eight times: 1 instruction more for 32 multiplications.
 * Brief scales are read here alone. */
#ifndef MW_CONV2D_SMALL_S8_DSP_H
#define MW_CONV2D_SMALL_S8_DSP_H

#include "mw_matmul_s8_4px_dsp.h"
#include "mw_window_s8_dsp.h"

/* `whole`: depth is a multiple of four. */
MW_INLINE void mw_conv2d_1x1_small_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                          const int32_t *weights, const int32_t *scales,
                                          int32_t pixels, int32_t depth, int32_t channels,
                                          int32_t zero, int32_t low, int32_t high, int32_t packed,
                                          int32_t form, int32_t whole)
{
    int32_t *const pairs = scratch;
    mw_matmul_4px layer = mw_layer_4px_small(weights, scales, (depth + 1) >> 1, channels, zero,
                                             packed, form);
    const int32_t count = whole ? depth & ~3 : depth;
    const int32_t taken = pixels < 4 ? 1 : 4;
    const int32_t step = taken >> 2; /* from one of the four to the next */
    layer.distance = step * channels;
    for (int32_t first = 0; first < pixels; first += taken) {
        const int32_t block = mw_min_i32(first, pixels - taken);
        const int8_t *from = x + block * depth;
        for (int32_t p = 0; p < 4; p++) {
            mw_widen_s8_of_4(from, count, pairs + p);
            from += step * depth;
        }
        mw_matmul_s8_4px_small(pairs, &layer, y + block * channels, packed, form);
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, pixels * channels, low, high);
    }
}

/* The window whose first tap is at (top, left) as pairs four words apart: mw_widen_window_s8_of_4 in
 * little code, element by element. */
static MW_NOINLINE __attribute__((unused)) void mw_copy_window_s8_of_4(const int8_t *x,
                                                                       const mw_window_s8 *window,
                                                                       int32_t top, int32_t left,
                                                                       int32_t *pairs)
{
    MW_BARRIER();
    for (int32_t row = top; row < top + window->kh; row++) {
        int8_t *to = window->row;
        for (int32_t column = left; column < left + window->kw; column++) {
            const int32_t inside = (uint32_t)row < (uint32_t)window->height &&
                                   (uint32_t)column < (uint32_t)window->width;
            const int32_t first = (row * window->width + column) * window->depth;
            for (int32_t i = 0; i < window->depth; i++) {
                *to++ = inside ? x[first + i] : (int8_t)window->fill;
            }
        }
        pairs = mw_widen_s8_of_4(window->row, window->kw * window->depth, pairs);
    }
}

MW_INLINE void mw_conv2d_small_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                      const int32_t *weights, const int32_t *scales,
                                      int32_t height, int32_t width, int32_t depth,
                                      int32_t out_height, int32_t out_width, int32_t channels,
                                      int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w,
                                      int32_t pad_top, int32_t pad_left, int32_t pair_count,
                                      int32_t x_zero, int32_t y_zero, int32_t low, int32_t high,
                                      int32_t packed, int32_t form)
{
    int32_t *const pairs = scratch;
    const int32_t pixels = out_height * out_width;
    mw_matmul_4px layer =
        mw_layer_4px_small(weights, scales, pair_count, channels, y_zero, packed, form);
    const mw_window_s8 window = {height, width,  depth, kh, kw,
                                 x_zero, (int8_t *)(pairs + 4 * pair_count)};
    const int32_t taken = pixels < 4 ? 1 : 4;
    const int32_t step = taken >> 2; /* from one of the four to the next */
    layer.distance = step * channels;
    for (int32_t first = 0; first < pixels; first += taken) {
        const int32_t block = mw_min_i32(first, pixels - taken);
        for (int32_t p = 0; p < 4; p++) {
            const int32_t pixel = block + p * step, row = pixel / out_width;
            const int32_t column = pixel - row * out_width;
            mw_copy_window_s8_of_4(x, &window, row * stride_h - pad_top,
                                   column * stride_w - pad_left, pairs + p);
        }
        mw_matmul_s8_4px_small(pairs, &layer, y + block * channels, packed, form);
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, pixels * channels, low, high);
    }
}

#endif
