/* SPDX-License-Identifier: MIT */
/* Fully connected layer most of whose weights are zero: inputs are widened once, then each channel
 * visits those it has weights for.
 *
 * Registers: sum, 2 words, distance, 2 pointers, and the rest of the channel's. Instructions per
 * multiplication: mw_sparse_1px_dsp.h. Needs 4 bytes of scratch memory per pair of inputs. */
#ifndef MW_FULLY_CONNECTED_SPARSE_S8_DSP_H
#define MW_FULLY_CONNECTED_SPARSE_S8_DSP_H

#include "mw_expand_s8_dsp.h"
#include "mw_sparse_1px_dsp.h"

MW_INLINE void mw_fully_connected_sparse_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                                const int32_t *weights, const int32_t *scales,
                                                int32_t rows, int32_t depth, int32_t channels,
                                                int32_t zero, int32_t low, int32_t high,
                                                int32_t form)
{
    int32_t *const pairs = scratch;
    for (int32_t r = 0; r < rows; r++) {
        mw_expand_s8(x + r * depth, depth, pairs, 1, form);
        mw_sparse_1px(pairs, weights, scales, y + r * channels, channels, zero);
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, rows * channels, low, high);
    }
}

#endif
