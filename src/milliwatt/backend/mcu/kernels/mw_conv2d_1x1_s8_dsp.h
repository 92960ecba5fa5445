/* SPDX-License-Identifier: MIT */
/* 1x1 convolution, stride 1: each pixel times all filters, four pixels at a time.
 *
 * Registers and instructions per multiplication: mw_matmul_s8_4px_dsp.h; of pixels that are left
 * over, mw_matmul_s8_1px_dsp.h. Widening: mw_widen_s8_dsp.h.
 *
 * Needs 16 bytes of scratch memory per pair of inputs. A block's inputs are widened to scratch
 * memory before its outputs are written, so outputs may follow the inputs through one buffer. */
#ifndef MW_CONV2D_1X1_S8_DSP_H
#define MW_CONV2D_1X1_S8_DSP_H

#include "mw_matmul_s8_1px_dsp.h"
#include "mw_matmul_s8_4px_dsp.h"
#include "mw_widen_s8_dsp.h"

MW_INLINE void mw_conv2d_1x1_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                    const int32_t *weights, const int32_t *scales, int32_t pixels,
                                    int32_t depth, int32_t channels, int32_t zero, int32_t low,
                                    int32_t high, int32_t packed, int32_t form)
{
    int32_t *const pairs = scratch;
    const int32_t pair_count = (depth + 1) >> 1;
    const mw_matmul_4px layer =
        mw_layer_4px(weights, scales, pair_count, channels, zero, packed, form);
    int8_t *const first = y;
    const int32_t count = pixels * channels;
    for (; pixels >= 4; pixels -= 4) {
        mw_widen_block_s8(x, depth, pairs);
        x += 4 * depth;
        mw_matmul_s8_4px(pairs, &layer, y, packed, form);
        y += 4 * channels;
    }
    for (; pixels > 0; pixels--) {
        mw_widen_s8(x, depth, pairs);
        mw_matmul_s8_1px(pairs, weights, scales, y, pair_count, channels, zero, packed, form);
        x += depth;
        y += channels;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(first, count, low, high);
    }
}

#endif
