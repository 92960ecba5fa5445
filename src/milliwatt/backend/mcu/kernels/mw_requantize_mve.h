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
 * Kernels have four forms. MW_MVE_RELU is without that step, MW_MVE_PLAIN with it; in both rescaled
 * sums are proved to fit 16 bits with their zero point, and outputs are clamped to what int8 holds,
 * as saturation does it; MW_MVE_RELU_CLAMPED clamps further. MW_MVE_ANY takes any layer. There some
 * channel's factor may be 1/2 or more, which gemmlowp rounds once, after a shift to the left: the
 * sum is shifted first, and taking one from negative numbers, itself a shift by 31 of their sign,
 * becomes a shift by 32, which leaves nothing. */
#ifndef MW_REQUANTIZE_MVE_H
#define MW_REQUANTIZE_MVE_H

#include "mw_mve.h"
#include "mw_requantize.h"

#define MW_MVE_PLAIN 0
#define MW_MVE_RELU 1
#define MW_MVE_RELU_CLAMPED 2
#define MW_MVE_ANY 3

/* Calls the function of that form. */
#define MW_MVE_CALL(name, form, layer)                                                         \
    do {                                                                                       \
        if ((form) == MW_MVE_RELU) {                                                           \
            name##_relu(layer);                                                                \
        } else if ((form) == MW_MVE_PLAIN) {                                                   \
            name##_plain(layer);                                                               \
        } else if ((form) == MW_MVE_RELU_CLAMPED) {                                            \
            name##_relu_clamped(layer);                                                        \
        } else {                                                                               \
            name##_any(layer);                                                                 \
        }                                                                                      \
    } while (0)

/* Assembly: makes the number in vector register `x` one less where it is negative. */
#define MW_MVE_AWAY(x, spare)                                                                  \
    "vshr.s32 " spare ", " x ", #31\n"                                                         \
    "vadd.i32 " x ", " x ", " spare "\n"
#define MW_MVE_AWAY_RELU(x, spare) ""

/* The same where the channel has a right shift: `places` are -31 there, elsewhere -32. */
#define MW_MVE_AWAY_ANY(x, places, spare)                                                   \
    "vshl.u32 " spare ", " x ", " places "\n"                                                  \
    "vsub.i32 " x ", " x ", " spare "\n"

/* Rescaled sums in q0 and q1 as eight outputs in 16 bits each, to q0: q0's are the even ones. q5 to
 * q7 hold the zero point, the least and the largest output eight times. */
#define MW_MVE_SATURATE                                                                        \
    "vmovnt.i32 q0, q1\n"                                                                      \
    "vqadd.s16 q0, q0, q5\n"                                                                   \
    "vqmovnb.s16 q0, q0\n"
#define MW_MVE_CLAMP                                                                           \
    "vmovnt.i32 q0, q1\n"                                                                      \
    "vqadd.s16 q0, q0, q5\n"                                                                   \
    "vmax.s16 q0, q0, q6\n"                                                                    \
    "vmin.s16 q0, q0, q7\n"
#define MW_MVE_CLAMP_ANY                                                                       \
    "vqmovnb.s32 q0, q0\n"                                                                     \
    "vqmovnt.s32 q0, q1\n"                                                                     \
    "vqadd.s16 q0, q0, q5\n"                                                                   \
    "vmax.s16 q0, q0, q6\n"                                                                    \
    "vmin.s16 q0, q0, q7\n"

/* q0 and q1, sums of the same four channels, as outputs: `scales` points to multipliers, then
 * shifts; in the form for any layer to left shifts, multipliers, places and right shifts. Uses q2
 * to q4. */
#define MW_MVE_OUTPUTS(scales, away, clamp)                                                    \
    "vldrw.32 q2, [" scales "], #16\n"                                                         \
    "vqrdmulh.s32 q0, q0, q2\n"                                                                \
    "vldrw.32 q3, [" scales "], #16\n"                                                         \
    "vqrdmulh.s32 q1, q1, q2\n"                                                                \
    away("q0", "q2") away("q1", "q4")                                                          \
    "vrshl.s32 q0, q0, q3\n"                                                                   \
    "vrshl.s32 q1, q1, q3\n" clamp
#define MW_MVE_OUTPUTS_PLAIN(scales) MW_MVE_OUTPUTS(scales, MW_MVE_AWAY, MW_MVE_SATURATE)
#define MW_MVE_OUTPUTS_RELU(scales) MW_MVE_OUTPUTS(scales, MW_MVE_AWAY_RELU, MW_MVE_SATURATE)
#define MW_MVE_OUTPUTS_RELU_CLAMPED(scales)                                                    \
    MW_MVE_OUTPUTS(scales, MW_MVE_AWAY_RELU, MW_MVE_CLAMP)
#define MW_MVE_OUTPUTS_ANY(scales)                                                             \
    "vldrw.32 q3, [" scales "], #16\n"                                                         \
    "vshl.s32 q0, q0, q3\n"                                                                    \
    "vldrw.32 q2, [" scales "], #16\n"                                                         \
    "vshl.s32 q1, q1, q3\n"                                                                    \
    "vqrdmulh.s32 q0, q0, q2\n"                                                                \
    "vldrw.32 q3, [" scales "], #16\n"                                                         \
    "vqrdmulh.s32 q1, q1, q2\n"                                                                \
    "vldrw.32 q2, [" scales "], #16\n"                                                         \
    MW_MVE_AWAY_ANY("q0", "q3", "q4") MW_MVE_AWAY_ANY("q1", "q3", "q4")                        \
    "vrshl.s32 q0, q0, q2\n"                                                                   \
    "vrshl.s32 q1, q1, q2\n" MW_MVE_CLAMP_ANY

/* The int8 output of one sum: the twin of the assembly. */
MW_INLINE int8_t mw_requantize_s8_mve(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero,
                                      int32_t low, int32_t high)
{
    const int32_t scaled = mw_requantize_down(acc, multiplier, shift);
    return (int8_t)mw_clamp_i32(scaled + zero, low, high);
}

/* Words of scales for each channel. */
MW_INLINE int32_t mw_scale_words_mve(int32_t form) { return form == MW_MVE_ANY ? 4 : 2; }

/* The same, its numbers `step` words apart from `scales` on. */
MW_INLINE int8_t mw_rescale_s8_mve(int32_t acc, const int32_t *scales, int32_t step, int32_t zero,
                                   int32_t low, int32_t high, int32_t form)
{
    if (form != MW_MVE_ANY) {
        return mw_requantize_s8_mve(acc, scales[0], scales[step], zero, low, high);
    }
    const int32_t shift = scales[0] > 0 ? scales[0] : scales[3 * step];
    return (int8_t)mw_offset_clamp(mw_requantize(acc, scales[step], shift), zero, low, high);
}

#endif
