/* SPDX-License-Identifier: MIT */
/* Fully connected layer: inputs are widened once, into scratch memory, then weights are streamed.
 *
 * Four channels are in flight, then two. Registers: 4 sums, 2 pairs of inputs, 2 words of weights,
 * 2 pointers, end. Per 4 inputs (16 multiplications) with packed weights: 1 double load of inputs,
 * 2 double loads and 4 extensions of weights, 8 SMLAD = 15 instructions, and 1/2 for the loop: 0.97
 * per multiplication. Widening takes 5 for 4 inputs, once. The loop is entered where a multiple of
 * 16 inputs is left, so that any number of them runs in it. Scratch memory: 2 bytes an input. */
#ifndef MW_FULLY_CONNECTED_EXPANDED_S8_DSP_H
#define MW_FULLY_CONNECTED_EXPANDED_S8_DSP_H

#include "mw_fully_connected_loop_dsp.h"
#include "mw_fully_connected_s8_dsp.h"
#include "mw_widen_s8_dsp.h"

#if MW_HAS_DSP
MW_FULLY_CONNECTED_LOOP(mw_fully_connected_expanded_sums, int32_t,
                        MW_FULLY_CONNECTED_TURNS("ldrd %[x02], %[x13], [%[x]], #8\n", "28"))
#endif

/* The sums of the block's channels over all pairs; returns the weights of the next block. */
MW_INLINE const int32_t *mw_fully_connected_pair_sums_s8(const int32_t *pairs, const int32_t *end,
                                                         const int32_t *weights, int32_t *sums,
                                                         int32_t channel_pairs, int32_t packed)
{
    for (int32_t i = 0; i < 2 * channel_pairs; i++) {
        sums[i] = *weights++;
    }
#if MW_HAS_DSP
    if (packed && channel_pairs == 2) {
        return mw_fully_connected_expanded_sums(pairs, end, weights, sums);
    }
#endif
    for (; pairs != end; pairs += 2) {
        mw_fully_connected_two_pairs_s8(pairs[0], pairs[1], weights, sums, channel_pairs, packed);
        weights += 2 * channel_pairs;
    }
    return weights;
}

/* Widens `depth` inputs; returns the end of their pairs, an even number. */
MW_INLINE const int32_t *mw_fully_connected_expand_s8(const int8_t *x, int32_t depth,
                                                      int32_t *pairs)
{
    int32_t *const end = mw_widen_s8(x, depth & ~3, pairs);
    if ((depth & 3) == 0) {
        return end;
    }
    const int32_t last = mw_fully_connected_last_s8(x, depth);
    end[0] = mw_even_bytes(last);
    end[1] = mw_odd_bytes(last);
    return end + 2;
}

/* The arguments are those of mw_fully_connected_s8_dsp; scratch: 2 bytes for each input, of which
 * there are counted as many as make a multiple of 4. A row is read before its outputs are written. */
MW_INLINE void mw_fully_connected_expanded_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                                  const int32_t *weights, const int32_t *scales,
                                                  int32_t rows, int32_t depth, int32_t channels,
                                                  int32_t zero, int32_t low, int32_t high,
                                                  int32_t packed, int32_t per_channel,
                                                  int32_t coarse)
{
    const int32_t scale_step = per_channel ? mw_scale_words(coarse) : 0;
    int32_t *const pairs = scratch;
    for (int32_t r = 0; r < rows; r++) {
        const int32_t *w = weights, *s = scales;
        const int32_t *const end = mw_fully_connected_expand_s8(x + r * depth, depth, pairs);
        int8_t *to = y + r * channels;
        int32_t sums[4] = {0, 0, 0, 0}, left = channels;
        for (; left > 2; left -= 4) {
            w = mw_fully_connected_pair_sums_s8(pairs, end, w, sums, 2, packed);
            mw_fully_connected_outputs_s8(sums, s, to, left, zero, 2, packed, scale_step, coarse);
            s += 4 * scale_step;
            to += 4;
        }
        if (left > 0) {
            mw_fully_connected_pair_sums_s8(pairs, end, w, sums, 1, packed);
            mw_fully_connected_outputs_s8(sums, s, to, left, zero, 1, packed, scale_step, coarse);
        }
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, rows * channels, low, high);
    }
}

#endif
