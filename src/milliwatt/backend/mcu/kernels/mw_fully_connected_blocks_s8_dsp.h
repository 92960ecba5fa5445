/* SPDX-License-Identifier: MIT */
/* Fully connected layer most of whose blocks of 4 channels and 4 inputs are zero: only the others
 * are stored, and skipped to.
 *
 * Four channels are in flight. Registers: 4 sums, 2 pairs of inputs, 2 words of weights, 1 pair of
 * weights, 3 pointers, blocks left. Per stored block (16 multiplications) 24 instructions, 1.5 per
 * multiplication, where mw_fully_connected_s8_dsp takes 1.1 for every one. No scratch memory. */
#ifndef MW_FULLY_CONNECTED_BLOCKS_S8_DSP_H
#define MW_FULLY_CONNECTED_BLOCKS_S8_DSP_H

#include "mw_fully_connected_s8_dsp.h"

/* Four channels' sums over `count` stored blocks; `skips` says how many blocks of inputs each lies
 * beyond the one before. */
static MW_NOINLINE __attribute__((unused)) const int32_t *mw_fully_connected_stored_blocks(
    const int8_t *x, const int32_t *weights, const uint8_t *skips, int32_t count, int32_t *sums)
{
    MW_BARRIER();
    int32_t even0 = sums[0], mixed0 = sums[1], even1 = sums[2], mixed1 = sums[3];
    for (; count > 0; count--) {
        x += 4 * *skips++;
        const int32_t inputs = mw_load_i32(x);
        const int32_t x02 = mw_even_bytes(inputs), x13 = mw_odd_bytes(inputs);
        mixed0 = mw_dot_pairs(x02, weights[0], mixed0);
        even0 = mw_dot_pairs(x02, mw_even_bytes(weights[0]), even0);
        mixed1 = mw_dot_pairs(x02, weights[1], mixed1);
        even1 = mw_dot_pairs(x02, mw_even_bytes(weights[1]), even1);
        mixed0 = mw_dot_pairs(x13, weights[2], mixed0);
        even0 = mw_dot_pairs(x13, mw_even_bytes(weights[2]), even0);
        mixed1 = mw_dot_pairs(x13, weights[3], mixed1);
        even1 = mw_dot_pairs(x13, mw_even_bytes(weights[3]), even1);
        weights += 4;
    }
    sums[0] = even0;
    sums[1] = mixed0;
    sums[2] = even1;
    sums[3] = mixed1;
    return weights;
}

/* weights: for every four channels how many blocks are stored, four starting values, and the packed
 * words (mw_channel_pair_dsp.h) of inputs 0 and 2, then 1 and 3, of each block. scales: multiplier
 * and divisor of each channel. depth and channels are multiples of 4. */
MW_INLINE void mw_fully_connected_blocks_s8_dsp(const int8_t *x, int8_t *y, const int32_t *weights,
                                                const uint8_t *skips, const int32_t *scales,
                                                int32_t rows, int32_t depth, int32_t channels,
                                                int32_t zero, int32_t low, int32_t high)
{
    for (int32_t r = 0; r < rows; r++) {
        const int32_t *w = weights, *s = scales;
        const uint8_t *skip = skips;
        int8_t *to = y + r * channels;
        for (const int8_t *const end = to + channels; to != end; to += 4) {
            int32_t sums[4] = {w[1], w[2], w[3], w[4]};
            const int32_t count = w[0];
            w = mw_fully_connected_stored_blocks(x, w + 5, skip, count, sums);
            skip += count;
            for (int32_t i = 0; i < 4; i++) {
                const int32_t doubled =
                    i % 2 == 0 ? 2 * sums[i] : mw_doubled_odd(sums[i], sums[i - 1], 1);
                to[i] = (int8_t)mw_requantize_s8_dsp(doubled, s[0], s[1], zero);
                s += 2;
            }
        }
        x += depth;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, rows * channels, low, high);
    }
}

#endif
