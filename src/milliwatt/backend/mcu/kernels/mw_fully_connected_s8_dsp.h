/* SPDX-License-Identifier: MIT */
/* Fully connected layer: weights are read once, inputs widened as they are needed, no scratch.
 *
 * Four channels are in flight, then two. Registers: 4 sums, 2 pairs of inputs, 2 words of weights,
 * 2 pointers, end. Per 4 inputs (16 multiplications) with packed weights: 1 load and 2 extensions
 * of inputs, 2 double loads and 4 extensions of weights, 8 SMLAD, and 1 for the loop = 18
 * instructions. Compilers at hand need 21 to 25, hence the assembly for that case. */
#ifndef MW_FULLY_CONNECTED_S8_DSP_H
#define MW_FULLY_CONNECTED_S8_DSP_H

#include "mw_channel_pair_dsp.h"
#include "mw_fully_connected_loop_dsp.h"
#include "mw_requantize_dsp.h"

/* Two pairs of inputs times the 2 * `channel_pairs` channels whose words are at `weights`, into the
 * sums (even, odd or mixed, even, odd or mixed). */
MW_INLINE void mw_fully_connected_two_pairs_s8(int32_t x02, int32_t x13, const int32_t *weights,
                                               int32_t *sums, int32_t channel_pairs,
                                               int32_t packed)
{
    for (int32_t i = 0; i < channel_pairs; i++) {
        const int32_t first = weights[i], second = weights[channel_pairs + i];
        sums[2 * i] = mw_dot_pairs(x02, mw_even_bytes(first), sums[2 * i]);
        sums[2 * i + 1] = mw_dot_odd(x02, first, sums[2 * i + 1], packed);
        sums[2 * i] = mw_dot_pairs(x13, mw_even_bytes(second), sums[2 * i]);
        sums[2 * i + 1] = mw_dot_odd(x13, second, sums[2 * i + 1], packed);
    }
}

/* The same with four inputs as they are. */
MW_INLINE void mw_fully_connected_step_s8(int32_t inputs, const int32_t *weights, int32_t *sums,
                                          int32_t channel_pairs, int32_t packed)
{
    mw_fully_connected_two_pairs_s8(mw_even_bytes(inputs), mw_odd_bytes(inputs), weights, sums,
                                    channel_pairs, packed);
}

#if MW_HAS_DSP
#define MW_FULLY_CONNECTED_LOAD                                                                \
    "ldr %[x02], [%[x]], #4\n"                                                                 \
    "sxtb16 %[x13], %[x02], ror #8\n"                                                          \
    "sxtb16 %[x02], %[x02]\n"

MW_FULLY_CONNECTED_LOOP(mw_fully_connected_packed_s8, int8_t,
                        "1:\n" MW_FULLY_CONNECTED_STEP(MW_FULLY_CONNECTED_LOAD)
                        MW_FULLY_CONNECTED_STEP(MW_FULLY_CONNECTED_LOAD)
                        "cmp %[x], %[end]\n"
                        "bne 1b\n")

#undef MW_FULLY_CONNECTED_LOAD
#endif

/* The sums of the block's channels over all inputs; returns the weights of the next block. */
MW_INLINE const int32_t *mw_fully_connected_sums_s8(const int8_t *x, int32_t depth, int32_t last,
                                                    const int32_t *weights, int32_t *sums,
                                                    int32_t channel_pairs, int32_t packed)
{
    const int8_t *const end = x + (depth & ~3);
    for (int32_t i = 0; i < 2 * channel_pairs; i++) {
        sums[i] = *weights++;
    }
#if MW_HAS_DSP
    if (packed && channel_pairs == 2 && depth >= 8) {
        weights = mw_fully_connected_packed_s8(x, x + (depth & ~7), weights, sums);
        x += depth & ~7;
    }
#endif
    while (x != end) {
        mw_fully_connected_step_s8(mw_load_i32(x), weights, sums, channel_pairs, packed);
        x += 4;
        weights += 2 * channel_pairs;
    }
    if (depth & 3) {
        mw_fully_connected_step_s8(last, weights, sums, channel_pairs, packed);
        weights += 2 * channel_pairs;
    }
    return weights;
}

/* The block's `channels` outputs, at most 2 * `channel_pairs`, from their sums; a channel's scales are
 * `scale_step` words. */
MW_INLINE void mw_fully_connected_outputs_s8(const int32_t *sums, const int32_t *scales, int8_t *y,
                                             int32_t channels, int32_t zero, int32_t channel_pairs,
                                             int32_t packed, int32_t scale_step, int32_t coarse)
{
    const int32_t odd0 = mw_doubled_odd(sums[1], sums[0], packed);
    const int32_t odd1 = mw_doubled_odd(sums[3], sums[2], packed);
    y[0] = mw_requantize_s8_scales(2 * sums[0], scales, zero, coarse);
    if (channels > 1) {
        y[1] = mw_requantize_s8_scales(odd0, scales + scale_step, zero, coarse);
    }
    if (channel_pairs == 2) {
        y[2] = mw_requantize_s8_scales(2 * sums[2], scales + 2 * scale_step, zero, coarse);
        if (channels > 3) {
            y[3] = mw_requantize_s8_scales(odd1, scales + 3 * scale_step, zero, coarse);
        }
    }
}

/* Sums and outputs of a block; returns the next block's weights. */
MW_INLINE const int32_t *mw_fully_connected_block_s8(const int8_t *x, int32_t depth, int32_t last,
                                                     const int32_t *weights, const int32_t *scales,
                                                     int8_t *y, int32_t channels, int32_t zero,
                                                     int32_t channel_pairs, int32_t packed,
                                                     int32_t scale_step, int32_t coarse)
{
    int32_t sums[4] = {0, 0, 0, 0};
    weights = mw_fully_connected_sums_s8(x, depth, last, weights, sums, channel_pairs, packed);
    mw_fully_connected_outputs_s8(sums, scales, y, channels, zero, channel_pairs, packed,
                                  scale_step, coarse);
    return weights;
}

/* The last depth % 4 inputs in a word, zeros behind them. */
MW_INLINE int32_t mw_fully_connected_last_s8(const int8_t *x, int32_t depth)
{
    int32_t last = 0;
    for (int32_t i = depth - 1; i >= (depth & ~3); i--) {
        last = (int32_t)((uint32_t)last << 8) | (uint8_t)x[i];
    }
    return last;
}

/* weights: for every four channels, at the end for two, their biases; then for every four inputs
 * the channel pairs' words of inputs 0 and 2, and those of inputs 1 and 3. scales: those of each
 * channel (mw_requantize_s8_scales) where `per_channel` is 1, else those of all. */
MW_INLINE void mw_fully_connected_s8_dsp(const int8_t *x, int8_t *y, const int32_t *weights,
                                         const int32_t *scales, int32_t rows, int32_t depth,
                                         int32_t channels, int32_t zero, int32_t low, int32_t high,
                                         int32_t packed, int32_t per_channel, int32_t coarse)
{
    const int32_t scale_step = per_channel ? mw_scale_words(coarse) : 0;
    for (int32_t r = 0; r < rows; r++) {
        const int32_t *w = weights, *s = scales;
        int8_t *to = y + r * channels;
        const int32_t last = mw_fully_connected_last_s8(x, depth);
        int32_t left = channels;
        for (; left > 2; left -= 4) {
            w = mw_fully_connected_block_s8(x, depth, last, w, s, to, left, zero, 2, packed,
                                            scale_step, coarse);
            s += 4 * scale_step;
            to += 4;
        }
        if (left > 0) {
            mw_fully_connected_block_s8(x, depth, last, w, s, to, left, zero, 1, packed, scale_step,
                                        coarse);
        }
        x += depth;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, rows * channels, low, high);
    }
}

#endif
