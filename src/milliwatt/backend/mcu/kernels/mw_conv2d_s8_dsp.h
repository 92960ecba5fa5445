/* SPDX-License-Identifier: MIT */
/* Convolution of any filter and stride, no dilation: each window, widened, times all filters, four
 * output pixels at a time.
 *
 * Registers and instructions per multiplication: mw_matmul_s8_4px_dsp.h; of pixels that are left
 * over, mw_matmul_s8_1px_dsp.h. Widening: mw_window_s8_dsp.h.
 *
 * `short_run` is the length of a window row where that is at most MW_SHORT_RUN, else 0; it is 4
 * only where mw_widen_word_window_s8 will do.
 * Scratch memory: 16 bytes per pair of a window's taps, and one window row. A block's windows are
 * widened before its outputs are written. */
#ifndef MW_CONV2D_S8_DSP_H
#define MW_CONV2D_S8_DSP_H

#include "mw_matmul_s8_1px_dsp.h"
#include "mw_matmul_s8_4px_dsp.h"
#include "mw_window_s8_dsp.h"

MW_INLINE void mw_conv2d_s8_dsp(const int8_t *x, int8_t *y, void *scratch, const int32_t *weights,
                                const int32_t *scales, int32_t height, int32_t width,
                                int32_t depth, int32_t out_height, int32_t out_width,
                                int32_t channels, int32_t kh, int32_t kw, int32_t stride_h,
                                int32_t stride_w, int32_t pad_top, int32_t pad_left,
                                int32_t pair_count, int32_t block, int32_t x_zero, int32_t y_zero,
                                int32_t low, int32_t high, int32_t packed, int32_t form,
                                int32_t short_run)
{
    int32_t *const pairs = scratch;
    const mw_window_s8 window = {
        height, width, depth, kh, kw, x_zero, (int8_t *)(pairs + block * pair_count)};
    const mw_matmul_4px layer =
        mw_layer_4px(weights, scales, pair_count, channels, y_zero, packed, form);
    const int32_t count = out_height * out_width * channels;
    int8_t *const first = y;
    int32_t top = -pad_top, left = -pad_left;
    const int32_t left_end = out_width * stride_w - pad_left;
    int32_t pixels = out_height * out_width;
    while (pixels > 0) {
        const int32_t taken = pixels >= 4 ? 4 : 1;
        for (int32_t p = 0; p < taken; p++) {
            if (short_run == 4) {
                mw_widen_word_window_s8(x, &window, top, left, pairs + p, taken);
            } else if (taken == 4 && short_run > 0) {
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
            mw_matmul_s8_4px(pairs, &layer, y, packed, form);
        } else {
            mw_matmul_s8_1px(pairs, weights, scales, y, pair_count, channels, y_zero, packed, form);
        }
        y += taken * channels;
        pixels -= taken;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(first, count, low, high);
    }
}

#endif
