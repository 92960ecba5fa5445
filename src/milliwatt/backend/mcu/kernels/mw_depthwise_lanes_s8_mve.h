/* SPDX-License-Identifier: MIT */
/* Steps of depthwise convolutions, sixteen channels at a time: products of taps, their sums, and
 * outputs.
 *
 * Products, which VMULL makes 16 bits wide, are added up in q2 and q3 over a group of taps whose
 * sum fits 16 bits whatever the inputs; then they are widened and added to the sums in q4 to q7.
 * Lanes are ordered as VMULL and VMOVL leave the channels: 0 4 8 12, 2 6 10 14, 1 5 9 13, 3 7 11
 * 15. */
#ifndef MW_DEPTHWISE_LANES_S8_MVE_H
#define MW_DEPTHWISE_LANES_S8_MVE_H

#include "mw_requantize_mve.h"

/* The form of layers that round once: mw_depthwise_once_mve. */
#define MW_MVE_ONCE 4

#if MW_HAS_MVE

/* A group's first tap: its products to q2 and q3. */
#define MW_LANES_FIRST(x, weights)                                                             \
    "vldrb.8 q0, " x "\n"                                                                      \
    "vldrb.8 q1, " weights "\n"                                                                \
    "vmullb.s8 q2, q0, q1\n"                                                                   \
    "vmullt.s8 q3, q0, q1\n"

/* Another tap's products added to them, before there are sums. */
#define MW_LANES_NEXT(x, weights)                                                              \
    "vldrb.8 q0, " x "\n"                                                                      \
    "vldrb.8 q1, " weights "\n"                                                                \
    "vmullb.s8 q4, q0, q1\n"                                                                   \
    "vadd.i16 q2, q2, q4\n"                                                                    \
    "vmullt.s8 q5, q0, q1\n"                                                                   \
    "vadd.i16 q3, q3, q5\n"

/* The same once there are: inputs, at register `x`, are loaded twice. */
#define MW_LANES_MORE(x, weights)                                                              \
    "vldrb.8 q0, [" x "]\n"                                                                    \
    "vldrb.8 q1, " weights "\n"                                                                \
    "vmullb.s8 q0, q0, q1\n"                                                                   \
    "vadd.i16 q2, q2, q0\n"                                                                    \
    "vldrb.8 q0, [" x "], #16\n"                                                               \
    "vmullt.s8 q0, q0, q1\n"                                                                   \
    "vadd.i16 q3, q3, q0\n"

/* Even or odd lanes of `from` as 32 bits; in the form that rounds once 1024 times as much. */
#define MW_LANES_WIDE(half, to, from) "vmovl" half ".s16 " to ", " from "\n"
#define MW_LANES_WIDE_ONCE(half, to, from) "vshll" half ".s16 " to ", " from ", #10\n"

/* The first group's sums, with the biases at those four places. */
#define MW_LANES_BEGIN(wide, first, second, third, fourth)                                     \
    "vldrw.32 q0, " first "\n"                                                                 \
    wide("b", "q4", "q2")                                                                      \
    "vldrw.32 q1, " second "\n"                                                                \
    wide("t", "q5", "q2")                                                                      \
    "vadd.i32 q4, q4, q0\n"                                                                    \
    "vldrw.32 q0, " third "\n"                                                                 \
    wide("b", "q6", "q3")                                                                      \
    "vadd.i32 q5, q5, q1\n"                                                                    \
    "vldrw.32 q1, " fourth "\n"                                                                \
    wide("t", "q7", "q3")                                                                      \
    "vadd.i32 q6, q6, q0\n"                                                                    \
    "vadd.i32 q7, q7, q1\n"

/* Another group's added to them. */
#define MW_LANES_ADD(wide)                                                                     \
    wide("b", "q0", "q2")                                                                      \
    "vadd.i32 q4, q4, q0\n"                                                                    \
    wide("t", "q1", "q2")                                                                      \
    "vadd.i32 q5, q5, q1\n"                                                                    \
    wide("b", "q0", "q3")                                                                      \
    "vadd.i32 q6, q6, q0\n"                                                                    \
    wide("t", "q1", "q3")                                                                      \
    "vadd.i32 q7, q7, q1\n"

/* Four sums in `x`, rescaled; `scales` points to the multipliers, 64 bytes further are the
 * shifts. */
#define MW_LANES_SCALE(x, scales, away)                                                        \
    "vldrw.32 q1, [" scales ", #64]\n"                                                         \
    "vldrw.32 q0, [" scales "], #16\n"                                                         \
    "vqrdmulh.s32 " x ", " x ", q0\n" away(x, "q0") "vrshl.s32 " x ", " x ", q1\n"
#define MW_LANES_SCALE_ALL(scales, away)                                                       \
    MW_LANES_SCALE("q4", scales, away)                                                         \
    MW_LANES_SCALE("q5", scales, away)                                                         \
    MW_LANES_SCALE("q6", scales, away)                                                         \
    MW_LANES_SCALE("q7", scales, away)                                                         \
    "add " scales ", " scales ", #64\n"

/* The same in the form for any layer: left shifts, multipliers, places, right shifts. */
#define MW_LANES_SCALE_FOUR(x, scales)                                                         \
    "vldrw.32 q1, [" scales ", #64]\n"                                                         \
    "vldrw.32 q0, [" scales "], #16\n"                                                         \
    "vshl.s32 " x ", " x ", q0\n"                                                              \
    "vldrw.32 q0, [" scales ", #112]\n"                                                        \
    "vqrdmulh.s32 " x ", " x ", q1\n"                                                          \
    "vldrw.32 q2, [" scales ", #176]\n" MW_MVE_AWAY_ANY(x, "q0", "q1")                         \
    "vrshl.s32 " x ", " x ", q2\n"
#define MW_LANES_SCALE_ANY(scales)                                                             \
    MW_LANES_SCALE_FOUR("q4", scales)                                                          \
    MW_LANES_SCALE_FOUR("q5", scales)                                                          \
    MW_LANES_SCALE_FOUR("q6", scales)                                                          \
    MW_LANES_SCALE_FOUR("q7", scales)                                                          \
    "add " scales ", " scales ", #192\n"

/* Rescaled sums as 16 outputs in q4; `zero`, `low` and `high` load r12. */
#define MW_LANES_NARROWED                                                                      \
    "vmovnt.i32 q4, q5\n"                                                                      \
    "vmovnt.i32 q6, q7\n"
#define MW_LANES_SATURATED                                                                     \
    "vqmovnb.s32 q4, q4\n"                                                                     \
    "vqmovnt.s32 q4, q5\n"                                                                     \
    "vqmovnb.s32 q6, q6\n"                                                                     \
    "vqmovnt.s32 q6, q7\n"
#define MW_LANES_BYTES(zero)                                                                   \
    zero                                                                                       \
    "vqadd.s16 q4, q4, r12\n"                                                                  \
    "vqadd.s16 q6, q6, r12\n"                                                                  \
    "vqmovnb.s16 q4, q4\n"                                                                     \
    "vqmovnt.s16 q4, q6\n"
#define MW_LANES_CLAMP(low, high)                                                              \
    low "vdup.8 q0, r12\n" high "vdup.8 q1, r12\n"                                             \
    "vmax.s8 q4, q4, q0\n"                                                                     \
    "vmin.s8 q4, q4, q1\n"

/* The sums as 16 outputs in q4. */
#define MW_LANES_PLAIN(scales, zero, low, high)                                                \
    MW_LANES_SCALE_ALL(scales, MW_MVE_AWAY) MW_LANES_NARROWED MW_LANES_BYTES(zero)
#define MW_LANES_RELU(scales, zero, low, high)                                                 \
    MW_LANES_SCALE_ALL(scales, MW_MVE_AWAY_RELU) MW_LANES_NARROWED MW_LANES_BYTES(zero)
#define MW_LANES_RELU_CLAMPED(scales, zero, low, high)                                         \
    MW_LANES_RELU(scales, zero, low, high) MW_LANES_CLAMP(low, high)
#define MW_LANES_ANY(scales, zero, low, high)                                                  \
    MW_LANES_SCALE_ANY(scales)                                                                 \
    MW_LANES_SATURATED MW_LANES_BYTES(zero) MW_LANES_CLAMP(low, high)

/* Once: 13 bits below a unit of the output, of which 6 are dropped on the way to 16 bits. VQSHRN is
 * in numbers, since GNU as, up to 2.40 at least, assembles it as VQRSHRN. */
#define MW_LANES_ONCE(scales, zero, low, high)                                                 \
    "vldrw.32 q0, [" scales "], #16\n"                                                         \
    "vldrw.32 q1, [" scales "], #16\n"                                                         \
    "vqdmulh.s32 q4, q4, q0\n"                                                                 \
    "vldrw.32 q2, [" scales "], #16\n"                                                         \
    "vqdmulh.s32 q5, q5, q1\n"                                                                 \
    "vldrw.32 q3, [" scales "], #16\n"                                                         \
    "vqdmulh.s32 q6, q6, q2\n"                                                                 \
    ".inst.w 0xee9a8f48\n" /* vqshrnb.s32 q4, q4, #6 */                                        \
    "vqdmulh.s32 q7, q7, q3\n"                                                                 \
    ".inst.w 0xee9a9f4a\n" /* vqshrnt.s32 q4, q5, #6 */                                        \
    ".inst.w 0xee9acf4c\n" /* vqshrnb.s32 q6, q6, #6 */                                        \
    ".inst.w 0xee9adf4e\n" /* vqshrnt.s32 q6, q7, #6 */                                        \
    "vqrshrnb.s16 q4, q4, #7\n"                                                                \
    "vqrshrnt.s16 q4, q6, #7\n"

#endif

/* Where in a block the bias and the scales of channel `c` are. */
MW_INLINE int32_t mw_lane_mve(int32_t c) { return 8 * (c & 1) + 2 * (c & 2) + ((c >> 2) & 3); }

/* The int8 output of 1024 times a sum, with its bias and zero point, that rounds once: the twin of
 * MW_LANES_ONCE. */
MW_INLINE int8_t mw_depthwise_once_mve(int32_t acc, int32_t multiplier)
{
    const int32_t high = (int32_t)(((int64_t)acc * multiplier) >> 31) >> 6;
    const int32_t half = mw_clamp_i32(high, -32768, 32767);
    return (int8_t)mw_clamp_i32((half + 64) >> 7, -128, 127);
}

#endif
