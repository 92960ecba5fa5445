/* SPDX-License-Identifier: MIT */
/* One line of outputs of one channel, filter of one line and at most MW_FEW_PAIRS pairs of taps,
 * stride 1: mw_depthwise_conv2d_s8_dsp.h says how the pairs lie.
 *
 * Four outputs are in flight. Registers: 4 sums, 2 words of the line, 2 of the filter, line,
 * filter, output, its step, the pairs' bytes, the blocks' end: all 14. A pair takes 6 instructions
 * for 8 multiplications; the four outputs 34 more, 26 where sums are rounded once. Pairs are taken
 * from the last to the first: the last one's code is jumped to, and no pointer moves. */
#ifndef MW_DEPTHWISE_TAPS_S8_DSP_H
#define MW_DEPTHWISE_TAPS_S8_DSP_H

#include "mw_depthwise_channel_s8_dsp.h"

/* None where code counts most: the loop for any filter will do. */
#ifdef __OPTIMIZE_SIZE__
#define MW_FEW_PAIRS 0
#else
#define MW_FEW_PAIRS 8
#endif

/* What the line needs besides, in the order in which the assembly reads it. */
typedef struct {
    int32_t bias, multiplier, divisor; /* rounded once: no divisor */
    int32_t zero, step;                /* zero point (rounded once: offset); output's step, bytes */
    int32_t count, pairs;              /* outputs; pairs of taps */
} mw_taps_line_s8;

#if MW_HAS_DSP

/* Pair number `x` / 4: word `x` of the line beside the one after it, which is in `after`. */
#define MW_TAPS_PAIR(x, filter, word, after)                                                   \
    "ldr.w " word ", [r0, #" x "]\n"                                                           \
    "ldrd r10, r11, [r1, #" filter "]\n"                                                       \
    "smlad r4, " word ", r10, r4\n"                                                            \
    "smlad r5, " word ", r11, r5\n"                                                            \
    "smlad r6, " after ", r10, r6\n"                                                           \
    "smlad r7, " after ", r11, r7\n"

#define MW_TAPS_REQUANTIZE(sum)                                                                \
    "smmulr " sum ", " sum ", r8\n"                                                            \
    "add.w " sum ", " sum ", " sum ", asr #31\n"                                               \
    "smmlsr " sum ", " sum ", r9, r10\n"                                                       \
    "ssat " sum ", #8, " sum "\n"

#define MW_TAPS_REQUANTIZE_ONCE(sum)                                                           \
    "smmla " sum ", " sum ", r8, r10\n"                                                        \
    "ssat " sum ", #8, " sum ", asr #10\n"

#define MW_TAPS_REQUANTIZE_LARGE(sum)                                                          \
    "smmla " sum ", " sum ", r8, r10\n"                                                        \
    "ssat " sum ", #8, " sum ", asr #5\n"

/* On the stack: bias, twice; multiplier, divisor, zero, where the pairs begin, outputs modulo 4. */
#define MW_TAPS_LINE(requantize)                                                               \
    ".syntax unified\n"                                                                        \
    "push {r4-r11, lr}\n"                                                                      \
    "ldmia.w r3, {r5-r11}\n"                                                                   \
    "mov r4, r5\n"                                                                             \
    "mov r3, r9\n"                                                                             \
    "adr.w r9, 2f\n"                                                                           \
    "adds r9, r9, #1\n"                                                                        \
    "movs.w r12, #24\n"                                                                        \
    "mls r9, r11, r12, r9\n"                                                                   \
    "lsl.w r12, r11, #2\n"                                                                     \
    "asr.w lr, r10, #2\n"                                                                      \
    "add.w lr, r0, lr, lsl #3\n"                                                               \
    "and r10, r10, #3\n"                                                                       \
    "push {r4-r10}\n"                                                                          \
                                                                                               \
    "1:\n"                                                                                     \
    "ldr.w r8, [r0, r12]\n"                                                                    \
    "ldrd r4, r5, [sp]\n"                                                                      \
    "ldrd r6, r7, [sp]\n"                                                                      \
    "mov r9, r8\n"                                                                             \
    "ldr.w pc, [sp, #20]\n"                                                                    \
    ".p2align 2\n"                                                                             \
    MW_TAPS_PAIR("28", "56", "r8", "r9")                                                       \
    MW_TAPS_PAIR("24", "48", "r9", "r8")                                                       \
    MW_TAPS_PAIR("20", "40", "r8", "r9")                                                       \
    MW_TAPS_PAIR("16", "32", "r9", "r8")                                                       \
    MW_TAPS_PAIR("12", "24", "r8", "r9")                                                       \
    MW_TAPS_PAIR("8", "16", "r9", "r8")                                                        \
    MW_TAPS_PAIR("4", "8", "r8", "r9")                                                         \
    MW_TAPS_PAIR("0", "0", "r9", "r8")                                                         \
    "2:\n"                                                                                     \
    "ldrd r8, r9, [sp, #8]\n"                                                                  \
    "ldr.w r10, [sp, #16]\n"                                                                   \
    "adds r0, r0, #8\n"                                                                        \
    requantize("r4") requantize("r5") requantize("r6") requantize("r7")                        \
    "cmp r0, lr\n"                                                                             \
    "strb r4, [r2]\n"                                                                          \
    "bhi 3f\n"                                                                                 \
    "strb r5, [r2, r3]\n"                                                                      \
    "add.w r2, r2, r3, lsl #1\n"                                                               \
    "strb r6, [r2]\n"                                                                          \
    "strb r7, [r2, r3]\n"                                                                      \
    "add.w r2, r2, r3, lsl #1\n"                                                               \
    "blo.w 1b\n"                                                                               \
    "ldr r4, [sp, #24]\n"                                                                      \
    "cmp r4, #0\n"                                                                             \
    "bne.w 1b\n"                                                                               \
    "b 4f\n"                                                                                   \
                                                                                               \
    "3:\n"                                                                                     \
    "ldr r4, [sp, #24]\n"                                                                      \
    "cmp r4, #2\n"                                                                             \
    "blt 4f\n"                                                                                 \
    "strb r5, [r2, r3]\n"                                                                      \
    "beq 4f\n"                                                                                 \
    "add.w r2, r2, r3, lsl #1\n"                                                               \
    "strb r6, [r2]\n"                                                                          \
                                                                                               \
    "4:\n"                                                                                     \
    "add sp, sp, #28\n"                                                                        \
    "pop {r4-r11, pc}\n"

#define MW_TAPS_FUNCTION(name, requantize)                                                     \
    MW_ASSEMBLY static void name(                                                              \
        const mw_word *line __attribute__((unused)), const mw_word *filter                     \
        __attribute__((unused)), int8_t *y __attribute__((unused)),                            \
        const mw_taps_line_s8 *values __attribute__((unused)))                                 \
    {                                                                                          \
        __asm__ volatile(MW_TAPS_LINE(requantize));                                            \
    }

MW_TAPS_FUNCTION(mw_depthwise_taps_line, MW_TAPS_REQUANTIZE)
MW_TAPS_FUNCTION(mw_depthwise_taps_line_once, MW_TAPS_REQUANTIZE_ONCE)
MW_TAPS_FUNCTION(mw_depthwise_taps_line_large, MW_TAPS_REQUANTIZE_LARGE)

#undef MW_TAPS_PAIR
#undef MW_TAPS_REQUANTIZE
#undef MW_TAPS_REQUANTIZE_ONCE
#undef MW_TAPS_REQUANTIZE_LARGE
#undef MW_TAPS_LINE
#undef MW_TAPS_FUNCTION

#else

MW_INLINE void mw_depthwise_taps_any(const mw_word *line, const mw_word *filter, int8_t *y,
                                     const mw_taps_line_s8 *values, int32_t once)
{
    for (int32_t i = 0; i < values->count; i++) {
        int32_t sum = values->bias;
        for (int32_t k = 0; k < values->pairs; k++) {
            sum = mw_dot_pairs(line[(i >> 1) + k], filter[2 * k + (i & 1)], sum);
        }
        y[i * values->step] = mw_depthwise_rescale_s8(sum, values->multiplier, values->divisor,
                                                      values->zero, once);
    }
}

#define MW_TAPS_FUNCTION(name, once)                                                           \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const mw_word *line, const mw_word *filter, int8_t *y, const mw_taps_line_s8 *values)  \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        mw_depthwise_taps_any(line, filter, y, values, once);                                  \
    }

MW_TAPS_FUNCTION(mw_depthwise_taps_line, 0)
MW_TAPS_FUNCTION(mw_depthwise_taps_line_once, 1)
MW_TAPS_FUNCTION(mw_depthwise_taps_line_large, 2)

#undef MW_TAPS_FUNCTION

#endif

#endif
