/* SPDX-License-Identifier: MIT */
/* int8 activations as pairs of int16, once for all output channels that multiply them.
 *
 * Elements 4j..4j+3 become the pairs (4j, 4j+2), (4j+1, 4j+3), which is what SXTB16 gives; up to
 * three that remain become (a, b), (c, nothing). So n elements take (n + 1) / 2 pairs. Weights are
 * laid out in the same order (lowering/dsp/layout.py).
 *
 * 5 instructions of work for 4 elements: 1.25 / channels for each of the layer's multiplications. */
#ifndef MW_WIDEN_S8_DSP_H
#define MW_WIDEN_S8_DSP_H

#include "mw_dsp.h"

/* Four elements as two pairs, `step` words apart. */
MW_INLINE void mw_widen_word_s8(const int8_t *x, int32_t *pairs, int32_t step)
{
    const int32_t word = mw_load_i32(x);
    pairs[0] = mw_even_bytes(word);
    pairs[step] = mw_odd_bytes(word);
}

/* The last count % 4 elements; returns where the next pair goes. What stands in the high half of
 * an unfinished pair does not matter: its weight is 0. */
MW_INLINE int32_t *mw_widen_rest_s8(const int8_t *x, int32_t count, int32_t *pairs, int32_t step)
{
    if (count & 2) {
        pairs[0] = mw_pair(x[0], x[1]);
        x += 2;
        pairs += step;
    }
    if (count & 1) {
        pairs[0] = x[0];
        pairs += step;
    }
    return pairs;
}

/* Writes pair i of x[0..count) to pairs[i * step]; returns where the next pair goes. */
MW_INLINE int32_t *mw_widen_s8_step(const int8_t *x, int32_t count, int32_t *pairs, int32_t step)
{
    for (int32_t words = count >> 2; words > 0; words--) {
        mw_widen_word_s8(x, pairs, step);
        x += 4;
        pairs += 2 * step;
    }
    return mw_widen_rest_s8(x, count, pairs, step);
}

/* One pixel of a block of four: its pairs lie four words apart. */
static MW_NOINLINE __attribute__((unused)) int32_t *mw_widen_s8_of_4(const int8_t *x, int32_t count,
                                                                     int32_t *pairs)
{
    MW_BARRIER();
    return mw_widen_s8_step(x, count, pairs, 4);
}

/* All four pixels of a block, which follow one another: 20 instructions for 4 elements of each. */
static MW_NOINLINE __attribute__((unused)) void mw_widen_block_s8(const int8_t *x, int32_t count,
                                                                  int32_t *pairs)
{
    MW_BARRIER();
    for (int32_t words = count >> 2; words > 0; words--) {
        const int32_t a = mw_load_i32(x), b = mw_load_i32(x + count);
        const int32_t c = mw_load_i32(x + 2 * count), d = mw_load_i32(x + 3 * count);
        pairs[0] = mw_even_bytes(a);
        pairs[1] = mw_even_bytes(b);
        pairs[2] = mw_even_bytes(c);
        pairs[3] = mw_even_bytes(d);
        pairs[4] = mw_odd_bytes(a);
        pairs[5] = mw_odd_bytes(b);
        pairs[6] = mw_odd_bytes(c);
        pairs[7] = mw_odd_bytes(d);
        x += 4;
        pairs += 8;
    }
    if (count & 3) {
        for (int32_t p = 0; p < 4; p++) {
            mw_widen_rest_s8(x + p * count, count, pairs + p, 4);
        }
    }
}

/* A pixel by itself. */
static MW_NOINLINE __attribute__((unused)) int32_t *mw_widen_s8(const int8_t *x, int32_t count,
                                                                int32_t *pairs)
{
    MW_BARRIER();
    return mw_widen_s8_step(x, count, pairs, 1);
}

#endif
