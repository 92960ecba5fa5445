/* SPDX-License-Identifier: MIT */
/* Two output channels' weights in one word, one extension for both.
 *
 * A word holds the weights of channels "even" and "odd" for a pair of inputs: bytes 0 and 2, and
 * bytes 1 and 3. Plain words need two extensions, SXTB16 and SXTB16 rotated. In packed words each
 * half is the number 256 * odd + even; multiplied as it stands it gives
 * mixed = 256 * (odd channel's sum) + (even channel's sum), and only the even channel needs its
 * extension: the odd one's sum is (mixed - even) / 256, exactly, as long as it is below 2**23,
 * whatever overflows meanwhile. lowering/dsp/layout.py proves it for each layer, or takes plain
 * words. */
#ifndef MW_CHANNEL_PAIR_DSP_H
#define MW_CHANNEL_PAIR_DSP_H

#include "mw_requantize_dsp.h"

/* `mixed` gains what the odd channel's weights in `word` contribute for the inputs `x`. */
MW_INLINE int32_t mw_dot_odd(int32_t x, int32_t word, int32_t mixed, int32_t packed)
{
    return mw_dot_pairs(x, packed ? word : mw_odd_bytes(word), mixed);
}

/* Twice the odd channel's sum. */
MW_INLINE int32_t mw_doubled_odd(int32_t mixed, int32_t even, int32_t packed)
{
    return packed ? (int32_t)((uint32_t)mixed - (uint32_t)even) >> 7 : 2 * mixed;
}

#endif
