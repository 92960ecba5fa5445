/* SPDX-License-Identifier: MIT */
/* Fully connected layer of int8 with int4 or int2 weights: inputs are widened once, weights are
 * read once.
 *
 * Registers and instructions per multiplication: mw_subbyte_1px_dsp.h. Scratch memory: 4 bytes per
 * pair of inputs. */
#ifndef MW_FULLY_CONNECTED_SUBBYTE_DSP_H
#define MW_FULLY_CONNECTED_SUBBYTE_DSP_H

#include "mw_subbyte_1px_dsp.h"
#include "mw_widen_s8_dsp.h"

MW_INLINE void mw_fully_connected_subbyte_dsp(const int8_t *x, int8_t *y, void *scratch,
                                              const int32_t *weights, const int32_t *scales,
                                              int32_t rows, int32_t depth, int32_t channels,
                                              int32_t words, int32_t zero, int32_t low,
                                              int32_t high, int32_t bits, int32_t coarse,
                                              int32_t per_channel)
{
    int32_t *const pairs = scratch;
    mw_subbyte_fill(pairs, (depth + 1) >> 1, mw_subbyte_pairs(bits) * words, 1);
    for (int32_t r = 0; r < rows; r++) {
        mw_widen_s8(x + r * depth, depth, pairs);
        mw_matmul_subbyte_1px(pairs, weights, scales, y + r * channels, words, channels, zero,
                              per_channel ? mw_scale_words(coarse) : 0, bits, coarse);
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, rows * channels, low, high);
    }
}

#endif
