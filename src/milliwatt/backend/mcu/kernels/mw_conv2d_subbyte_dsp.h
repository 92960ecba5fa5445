/* SPDX-License-Identifier: MIT */
/* Convolution of any filter and stride, no dilation, of int8 with int4 or int2 weights, four output
 * pixels at a time.
 *
 * Registers and instructions per multiplication: mw_subbyte_4px_dsp.h. Scratch memory: 16 bytes per
 * pair of a window's taps, 16 more, and one window row. A block's windows are widened before its
 * outputs are written. */
#ifndef MW_CONV2D_SUBBYTE_DSP_H
#define MW_CONV2D_SUBBYTE_DSP_H

#include "mw_subbyte_1px_dsp.h"
#include "mw_subbyte_4px_dsp.h"
#include "mw_window_s8_dsp.h"

MW_INLINE void mw_conv2d_subbyte_dsp(
    const int8_t *x, int8_t *y, void *scratch, const int32_t *weights, const int32_t *scales,
    int32_t height, int32_t width, int32_t depth, int32_t out_height, int32_t out_width,
    int32_t channels, int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t pad_top,
    int32_t pad_left, int32_t used, int32_t words, int32_t row_offset_bytes, int32_t x_zero,
    int32_t y_zero, int32_t low, int32_t high, int32_t relu, int32_t short_run,
    int32_t bits, int32_t coarse)
{
    int32_t *const pairs = scratch;
    const mw_window_s8 window = {
        height, width, depth, kh, kw, x_zero, (int8_t *)scratch + row_offset_bytes};
    const int32_t all = mw_subbyte_pairs(bits) * words;
    const int32_t count = out_height * out_width * channels;
    int8_t *const first = y;
    int32_t top = -pad_top, left = -pad_left;
    const int32_t left_end = out_width * stride_w - pad_left;
    int32_t pixels = out_height * out_width;
    mw_subbyte_fill(pairs, used, all, pixels >= 4 ? 4 : 1);
    while (pixels > 0) {
        const int32_t taken = pixels >= 4 ? 4 : 1;
        for (int32_t p = 0; p < taken; p++) {
            if (taken == 4 && short_run > 0) {
                mw_widen_short_window_s8_of_4(x, &window, top, left, pairs + p, short_run);
            } else if (taken == 4) {
                mw_widen_window_s8_of_4(x, &window, top, left, pairs + p);
            } else {
                mw_widen_window_s8_of_1(x, &window, top, left, pairs);
            }
            left += stride_w;
            if (left == left_end) {
                left = -pad_left;
                top += stride_h;
            }
        }
        if (taken == 4) {
            mw_matmul_subbyte_4px(pairs, weights, scales, y, words, channels, y_zero, relu, bits,
                                  coarse);
        } else {
            mw_subbyte_fill(pairs, used, all, 1);
            mw_matmul_subbyte_1px(pairs, weights, scales, y, words, channels, y_zero,
                                  mw_scale_words(coarse), bits, coarse);
        }
        y += taken * channels;
        pixels -= taken;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(first, count, low, high);
    }
}

#endif
