/* SPDX-License-Identifier: MIT */
/* 1x1 convolution, stride 1, most of whose weights are zero: eight pixels at a time, then
 * four.
 *
 * Registers and instructions per multiplication: mw_sparse_8px_dsp.h. Needs 32 bytes of scratch
 * memory per pair of inputs (mw_expand_s8_dsp.h). A block's inputs are read before its outputs are
 * written. */
#ifndef MW_CONV2D_1X1_SPARSE_S8_DSP_H
#define MW_CONV2D_1X1_SPARSE_S8_DSP_H

#include "mw_expand_s8_dsp.h"
#include "mw_sparse_1px_dsp.h"
#include "mw_sparse_8px_dsp.h"

/* form: which pairs of inputs there are (mw_expand_s8_dsp.h). */
MW_INLINE void mw_conv2d_1x1_sparse_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                           const int32_t *weights, const int32_t *scales,
                                           int32_t pixels, int32_t depth, int32_t channels,
                                           int32_t zero, int32_t low, int32_t high, int32_t relu,
                                           int32_t form)
{
    int32_t *const pairs = scratch;
    int8_t *const first = y;
    const int32_t count = pixels * channels;
    while (pixels >= 4) {
        const int32_t block = pixels >= 8 ? 8 : 4;
        for (int32_t p = 0; p < block; p++) {
            mw_expand_s8(x, depth, pairs + p, block, form);
            x += depth;
        }
        mw_sparse_block(pairs, weights, scales, y, channels, zero, relu, block);
        y += block * channels;
        pixels -= block;
    }
    for (; pixels > 0; pixels--) {
        mw_expand_s8(x, depth, pairs, 1, form);
        mw_sparse_1px(pairs, weights, scales, y, channels, zero);
        x += depth;
        y += channels;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(first, count, low, high);
    }
}

#endif
