/* SPDX-License-Identifier: MIT */
/* gemmlowp's two roundings, four sums at a time.
 *
 * VQRDMULH rounds 2 * acc * m / 2**32 with ties upward, as the definition does. VRSHL by `shift`,
 * which is not positive, rounds ties upward too, where the definition rounds them away from zero:
 * a negative number is made one less first, which moves its ties and nothing else, as long as the
 * shift is at least 1. Under a clamp at the zero point or above no negative number is seen, and
 * that step is left out; there a shift of 0 is exact too. tests/kernels/test_mve_requantize.py
 * compares it with the definition.
 *
 * Kernels have three forms: MW_MVE_PLAIN; MW_MVE_RELU without that step; and MW_MVE_COARSE, where
 * some channel's factor is 1/2 or more. gemmlowp rounds such a channel once, after a shift to the
 * left: its sum is shifted first, and taking one from negative numbers, itself a shift by 31 of
 * their sign, becomes a shift by 32, which leaves nothing. */
#ifndef MW_REQUANTIZE_MVE_H
#define MW_REQUANTIZE_MVE_H

#include "mw_mve.h"
#include "mw_requantize.h"

#define MW_MVE_PLAIN 0
#define MW_MVE_RELU 1
#define MW_MVE_COARSE 2

/* Assembly: makes the number in vector register `x` one less where it is negative. */
#define MW_MVE_AWAY(x, spare)                                                                  \
    "vshr.s32 " spare ", " x ", #31\n"                                                         \
    "vadd.i32 " x ", " x ", " spare "\n"
#define MW_MVE_AWAY_RELU(x, spare) ""

/* The same where the channel has a right shift: `places` are -31 there, elsewhere -32. */
#define MW_MVE_AWAY_COARSE(x, places, spare)                                                   \
    "vshl.u32 " spare ", " x ", " places "\n"                                                  \
    "vsub.i32 " x ", " x ", " spare "\n"

/* Rescales q0 and q1, sums of the same four channels: `scales` points to their multipliers, then
 * their shifts; in a coarse layer to left shifts, multipliers, places and right shifts. Uses q2 to
 * q4. */
#define MW_MVE_RESCALE(scales, away)                                                           \
    "vldrw.32 q2, [" scales "], #16\n"                                                         \
    "vqrdmulh.s32 q0, q0, q2\n"                                                                \
    "vldrw.32 q3, [" scales "], #16\n"                                                         \
    "vqrdmulh.s32 q1, q1, q2\n"                                                                \
    away("q0", "q2") away("q1", "q4")                                                          \
    "vrshl.s32 q0, q0, q3\n"                                                                   \
    "vrshl.s32 q1, q1, q3\n"
#define MW_MVE_RESCALE_PLAIN(scales) MW_MVE_RESCALE(scales, MW_MVE_AWAY)
#define MW_MVE_RESCALE_RELU(scales) MW_MVE_RESCALE(scales, MW_MVE_AWAY_RELU)
#define MW_MVE_RESCALE_COARSE(scales)                                                          \
    "vldrw.32 q3, [" scales "], #16\n"                                                         \
    "vshl.s32 q0, q0, q3\n"                                                                    \
    "vldrw.32 q2, [" scales "], #16\n"                                                         \
    "vshl.s32 q1, q1, q3\n"                                                                    \
    "vqrdmulh.s32 q0, q0, q2\n"                                                                \
    "vldrw.32 q3, [" scales "], #16\n"                                                         \
    "vqrdmulh.s32 q1, q1, q2\n"                                                                \
    "vldrw.32 q2, [" scales "], #16\n"                                                         \
    MW_MVE_AWAY_COARSE("q0", "q3", "q4") MW_MVE_AWAY_COARSE("q1", "q3", "q4")                  \
    "vrshl.s32 q0, q0, q2\n"                                                                   \
    "vrshl.s32 q1, q1, q2\n"

/* The int8 output of one sum: the twin of the assembly. */
MW_INLINE int8_t mw_requantize_s8_mve(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero,
                                      int32_t low, int32_t high)
{
    const int32_t scaled = mw_requantize_down(acc, multiplier, shift);
    return (int8_t)mw_clamp_i32(scaled + zero, low, high);
}

/* Words of scales for each channel. */
MW_INLINE int32_t mw_scale_words_mve(int32_t form) { return form == MW_MVE_COARSE ? 4 : 2; }

/* The same, its numbers `step` words apart from `scales` on. */
MW_INLINE int8_t mw_rescale_s8_mve(int32_t acc, const int32_t *scales, int32_t step, int32_t zero,
                                   int32_t low, int32_t high, int32_t form)
{
    if (form != MW_MVE_COARSE) {
        return mw_requantize_s8_mve(acc, scales[0], scales[step], zero, low, high);
    }
    const int32_t shift = scales[0] > 0 ? scales[0] : scales[3 * step];
    return (int8_t)mw_offset_clamp(mw_requantize(acc, scales[step], shift), zero, low, high);
}

#endif
