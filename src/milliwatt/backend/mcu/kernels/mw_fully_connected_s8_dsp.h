/* SPDX-License-Identifier: MIT */
/* Fully connected layer: weights are read once, inputs widened as they are needed, no scratch.
 *
 * Four channels are in flight, then two. Registers: 4 sums, 2 pairs of inputs, 2 words of weights,
 * 1 extended, 2 pointers, end. Per 4 inputs (16 multiplications) with packed weights: 1 load and 2
 * extensions of inputs, 2 double loads and 4 extensions of weights, 8 SMLAD = 17 instructions. */
#ifndef MW_FULLY_CONNECTED_S8_DSP_H
#define MW_FULLY_CONNECTED_S8_DSP_H

#include "mw_channel_pair_dsp.h"
#include "mw_requantize_dsp.h"

/* Four inputs times the 2 * `channel_pairs` channels whose words are at `weights`, into the sums
 * (even, odd or mixed, even, odd or mixed). */
MW_INLINE void mw_fully_connected_step_s8(int32_t inputs, const int32_t *weights, int32_t *sums,
                                          int32_t channel_pairs, int32_t packed)
{
    const int32_t x02 = mw_even_bytes(inputs), x13 = mw_odd_bytes(inputs);
    for (int32_t i = 0; i < channel_pairs; i++) {
        const int32_t first = weights[i], second = weights[channel_pairs + i];
        sums[2 * i] = mw_dot_pairs(x02, mw_even_bytes(first), sums[2 * i]);
        sums[2 * i + 1] = mw_dot_odd(x02, first, sums[2 * i + 1], packed);
        sums[2 * i] = mw_dot_pairs(x13, mw_even_bytes(second), sums[2 * i]);
        sums[2 * i + 1] = mw_dot_odd(x13, second, sums[2 * i + 1], packed);
    }
}

/* The block's `channels` outputs; returns the weights of the next block. */
MW_INLINE const int32_t *mw_fully_connected_block_s8(const int8_t *x, int32_t depth, int32_t last,
                                                     const int32_t *weights, const int32_t *scales,
                                                     int8_t *y, int32_t channels, int32_t zero,
                                                     int32_t channel_pairs, int32_t packed)
{
    int32_t sums[4];
    for (int32_t i = 0; i < 2 * channel_pairs; i++) {
        sums[i] = *weights++;
    }
    const int8_t *const end = x + (depth & ~3);
    while (x != end) {
        mw_fully_connected_step_s8(mw_load_i32(x), weights, sums, channel_pairs, packed);
        x += 4;
        weights += 2 * channel_pairs;
    }
    if (depth & 3) {
        mw_fully_connected_step_s8(last, weights, sums, channel_pairs, packed);
        weights += 2 * channel_pairs;
    }
    for (int32_t i = 0; i < channel_pairs; i++) {
        const int32_t doubled[2] = {2 * sums[2 * i],
                                    mw_doubled_odd(sums[2 * i + 1], sums[2 * i], packed)};
        for (int32_t j = 0; j < 2 && 2 * i + j < channels; j++) {
            *y++ = (int8_t)mw_requantize_s8_dsp(doubled[j], scales[0], scales[1], zero);
            scales += 2;
        }
    }
    return weights;
}

/* weights: for every four channels, at the end for two, their biases; then for every four inputs
 * the channel pairs' words of inputs 0 and 2, and those of inputs 1 and 3. */
MW_INLINE void mw_fully_connected_s8_dsp(const int8_t *x, int8_t *y, const int32_t *weights,
                                         const int32_t *scales, int32_t rows, int32_t depth,
                                         int32_t channels, int32_t zero, int32_t low, int32_t high,
                                         int32_t packed)
{
    for (int32_t r = 0; r < rows; r++) {
        const int32_t *w = weights, *s = scales;
        int8_t *to = y + r * channels;
        int32_t last = 0, left = channels;
        for (int32_t i = depth - 1; i >= (depth & ~3); i--) {
            last = (int32_t)((uint32_t)last << 8) | (uint8_t)x[i];
        }
        for (; left > 2; left -= 4) {
            w = mw_fully_connected_block_s8(x, depth, last, w, s, to, left, zero, 2, packed);
            s += 8;
            to += 4;
        }
        if (left > 0) {
            mw_fully_connected_block_s8(x, depth, last, w, s, to, left, zero, 1, packed);
        }
        x += depth;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, rows * channels, low, high);
    }
}

#endif
