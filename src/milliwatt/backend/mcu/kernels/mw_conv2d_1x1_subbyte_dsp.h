/* SPDX-License-Identifier: MIT */
/* 1x1 convolution, stride 1, of int8 with int4 or int2 weights, four pixels at a time.
 *
 * Registers and instructions per multiplication: mw_subbyte_4px_dsp.h. Scratch memory: 16 bytes per
 * pair of inputs and 16 more. A block's inputs are widened before its outputs are written. */
#ifndef MW_CONV2D_1X1_SUBBYTE_DSP_H
#define MW_CONV2D_1X1_SUBBYTE_DSP_H

#include "mw_subbyte_1px_dsp.h"
#include "mw_subbyte_4px_dsp.h"
#include "mw_widen_s8_dsp.h"

MW_INLINE void mw_conv2d_1x1_subbyte_dsp(const int8_t *x, int8_t *y, void *scratch,
                                         const int32_t *weights, const int32_t *scales,
                                         int32_t pixels, int32_t depth, int32_t channels,
                                         int32_t words, int32_t zero, int32_t low, int32_t high,
                                         int32_t relu, int32_t bits, int32_t coarse)
{
    int32_t *const pairs = scratch;
    const int32_t used = (depth + 1) >> 1, all = mw_subbyte_pairs(bits) * words;
    int8_t *const first = y;
    const int32_t count = pixels * channels;
    if (pixels >= 4) {
        mw_subbyte_fill(pairs, used, all, 4);
    }
    for (; pixels >= 4; pixels -= 4) {
        for (int32_t p = 0; p < 4; p++) {
            mw_widen_s8_of_4(x, depth, pairs + p);
            x += depth;
        }
        mw_matmul_subbyte_4px(pairs, weights, scales, y, words, channels, zero, relu, bits, coarse);
        y += 4 * channels;
    }
    mw_subbyte_fill(pairs, used, all, 1);
    for (; pixels > 0; pixels--) {
        mw_widen_s8(x, depth, pairs);
        mw_matmul_subbyte_1px(pairs, weights, scales, y, words, channels, zero,
                              mw_scale_words(coarse), bits, coarse);
        x += depth;
        y += channels;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(first, count, low, high);
    }
}

#endif
