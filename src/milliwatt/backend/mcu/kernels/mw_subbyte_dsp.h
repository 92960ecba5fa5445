/* SPDX-License-Identifier: MIT */
/* int4 and int2 weights of two output channels in one word, and how to take a pair out of it.
 *
 * For a pair of inputs each half of a register must hold a weight. With `a` the odd channel's and
 * `b` the even channel's, what is stored is the signed number 16 * b + a + 8 (int4, a byte) or
 * 4 * b + a + 2 (int2, four bits): one SXTB16 gives `mixed`, and clearing the low bits leaves the
 * even channel's factor, so that each channel costs one instruction. The sums then are
 *   even = S * sum(x * b), S = 16 or 64,
 *   mixed = even + sum(x * a) * S / 16 + sum(x) * S / 2 (int4: 8 of sum(x); int2: 32),
 * and sum(x), the same for all channels, is taken away at the start. All of it is exact modulo
 * 2**32; lowering/dsp/subbyte_layout.py proves that the two results fit. int4: bytes 0 and 2 of a word
 * are the first pair, bytes 1 and 3 the second. int2: the high halves of bytes 0 and 2, their low
 * halves, the high halves of bytes 1 and 3, their low halves. */
#ifndef MW_SUBBYTE_DSP_H
#define MW_SUBBYTE_DSP_H

#include "mw_requantize_dsp.h"

/* A pair with the low 4, or 6, bits of its halves cleared. */
#if MW_HAS_DSP
MW_INLINE int32_t mw_clear_4(int32_t pair)
{
    int32_t cleared;
    __asm__("bic %0, %1, #0x000F000F" : "=r"(cleared) : "r"(pair));
    return cleared;
}

MW_INLINE int32_t mw_clear_6(int32_t pair)
{
    int32_t cleared;
    __asm__("bic %0, %1, #0x003F003F" : "=r"(cleared) : "r"(pair));
    return cleared;
}
#else
MW_INLINE int32_t mw_clear_4(int32_t pair) { return pair & ~0x000F000F; }

MW_INLINE int32_t mw_clear_6(int32_t pair) { return pair & ~0x003F003F; }
#endif

/* Pairs of inputs in one word of weights. */
MW_INLINE int32_t mw_subbyte_pairs(int32_t bits) { return bits == 4 ? 2 : 4; }

/* Both channels' weights for pair `j` of `word`. */
MW_INLINE int32_t mw_subbyte_mixed(int32_t word, int32_t j, int32_t bits)
{
    if (bits == 4) {
        return j == 0 ? mw_even_bytes(word) : mw_odd_bytes(word);
    }
    const int32_t high = j % 2 == 0 ? word : (int32_t)((uint32_t)word << 4);
    return mw_clear_4(j < 2 ? mw_even_bytes(high) : mw_odd_bytes(high));
}

/* The even channel's of `mixed`. */
MW_INLINE int32_t mw_subbyte_even(int32_t mixed, int32_t bits)
{
    return bits == 4 ? mw_clear_4(mixed) : mw_clear_6(mixed);
}

/* Twice the even channel's sum, and twice the odd channel's. */
MW_INLINE int32_t mw_subbyte_doubled_even(int32_t even, int32_t bits)
{
    return even >> (bits == 4 ? 3 : 5);
}

MW_INLINE int32_t mw_subbyte_doubled_odd(int32_t mixed, int32_t even, int32_t bits)
{
    const int32_t odd = (int32_t)((uint32_t)mixed - (uint32_t)even);
    return bits == 4 ? 2 * odd : odd >> 3;
}

/* What the offset of the odd channel's weights adds to `mixed`, negated, of inputs of that sum. */
MW_INLINE int32_t mw_subbyte_correction(int32_t sum, int32_t bits)
{
    return (int32_t)(0u - (uint32_t)sum * (bits == 4 ? 8u : 32u));
}

#endif
