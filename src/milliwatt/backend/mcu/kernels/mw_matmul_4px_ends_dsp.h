/* SPDX-License-Identifier: MIT */
/* How the assembly of mw_matmul_s8_4px_dsp.h begins two channels' sums of four pixels, and how it
 * makes outputs of them, for each form of mw_pair_scales_dsp.h.
 *
 * Registers: even channel's sums in r6-r9, odd channel's (or mixed) in r10-r12 and lr, weights in
 * r1; at the end scales in r0, y - 1 in r4, zero in r5. The scales' address is at sp, y - 1 and zero
 * behind it. Instructions for eight outputs: 26 where they are rounded once, 46 twice, 57 coarse;
 * brief scales cost 10 more. The including file undefines what is defined here. */
#ifndef MW_MATMUL_4PX_ENDS_DSP_H
#define MW_MATMUL_4PX_ENDS_DSP_H

#define MW_4PX_PLAIN_ODD "sxtb16 r2, r2, ror #8\n"

/* The first pair: `even(sum, input)` begins an even channel's sum, lr the others. */
#define MW_4PX_FIRST(odd, even)                                                                \
    "ldr.w r2, [r1], #4\n"                                                                     \
    "ldrd r4, r5, [r0], #8\n"                                                                  \
    "sxtb16 r3, r2\n" odd                                                                      \
    even("r6", "r4") even("r7", "r5")                                                          \
    "smlad r10, r4, r2, lr\n"                                                                  \
    "smlad r11, r5, r2, lr\n"                                                                  \
    "ldrd r4, r5, [r0], #8\n"                                                                  \
    even("r8", "r4") even("r9", "r5")                                                          \
    "smlad r12, r4, r2, lr\n"                                                                  \
    "smlad lr, r5, r2, lr\n"
/* int8 output from `sum`, which `twice` doubles: zero in r5. */
#define MW_4PX_REQUANTIZE(twice, sum, multiplier, divisor)                                     \
    twice(sum)                                                                                 \
    "smmulr " sum ", " sum ", " multiplier "\n" MW_4PX_DIVIDE(sum, divisor)
#define MW_4PX_DIVIDE(sum, divisor)                                                            \
    "add.w " sum ", " sum ", " sum ", asr #31\n"                                               \
    "smmlsr " sum ", " sum ", " divisor ", r5\n"                                               \
    "ssat " sum ", #8, " sum "\n"

#define MW_4PX_DOUBLE(sum) "lsl.w " sum ", " sum ", #1\n"
#define MW_4PX_HALVE_256(sum) "asr.w " sum ", " sum ", #7\n"

/* int8 output from 256 times the sum, `bits` below a unit of it: offset in r5. */
#define MW_4PX_REQUANTIZE_ONCE(bits, sum, multiplier)                                          \
    "smmla " sum ", " sum ", " multiplier ", r5\n"                                             \
    "ssat " sum ", #8, " sum ", asr #" bits "\n"

/* Packed words serve as they stand; the even channel's sums are then taken out of the mixed. */
#define MW_4PX_SPLIT                                                                           \
    "sub.w r10, r10, r6\n"                                                                     \
    "sub.w r11, r11, r7\n"                                                                     \
    "sub.w r12, r12, r8\n"                                                                     \
    "sub.w lr, lr, r9\n"

/* Even channel and odd (or mixed) start with their biases, and are rescaled one after the other. */
#define MW_4PX_BEGIN(sum, input) "smlad " sum ", " input ", r3, r9\n"
#define MW_4PX_START "ldrd r9, lr, [r1], #8\n" MW_4PX_FIRST(MW_4PX_PLAIN_ODD, MW_4PX_BEGIN)
#define MW_4PX_FOUR(rescale, twice, a, b, c, d, multiplier, divisor)                           \
    rescale(twice, a, multiplier, divisor) rescale(twice, b, multiplier, divisor)              \
    rescale(twice, c, multiplier, divisor) rescale(twice, d, multiplier, divisor)
#define MW_4PX_EVEN(twice, multiplier, divisor)                                                \
    MW_4PX_FOUR(MW_4PX_REQUANTIZE, twice, "r6", "r7", "r8", "r9", multiplier, divisor)
#define MW_4PX_ODD(twice, multiplier, divisor)                                                 \
    MW_4PX_FOUR(MW_4PX_REQUANTIZE, twice, "r10", "r11", "r12", "lr", multiplier, divisor)
#define MW_4PX_FINISH(split, odd_twice)                                                        \
    "ldrd r2, r3, [r0], #8\n" split MW_4PX_EVEN(MW_4PX_DOUBLE, "r2", "r3")                     \
    "ldrd r2, r3, [r0], #8\n" MW_4PX_ODD(odd_twice, "r2", "r3")

/* Four sums of a coarse channel: shifted left by the low byte of r4 and once more, multiplied,
 * shifted by what r4 has above. */
#define MW_4PX_SHIFT(sum) "lsl.w " sum ", " sum ", r4\n"
#define MW_4PX_MULTIPLY(sum) MW_4PX_SHIFT(sum) "smmulr " sum ", " sum ", r2\n"
#define MW_4PX_COARSE(a, b, c, d)                                                              \
    "ldrd r2, r4, [r0], #8\n"                                                                  \
    "ldr.w r3, [r0], #4\n"                                                                     \
    "adds r4, #1\n"                                                                            \
    MW_4PX_MULTIPLY(a) MW_4PX_MULTIPLY(b) MW_4PX_MULTIPLY(c) MW_4PX_MULTIPLY(d)                \
    "lsrs r4, r4, #8\n"                                                                        \
    MW_4PX_SHIFT(a) MW_4PX_DIVIDE(a, "r3") MW_4PX_SHIFT(b) MW_4PX_DIVIDE(b, "r3")              \
    MW_4PX_SHIFT(c) MW_4PX_DIVIDE(c, "r3") MW_4PX_SHIFT(d) MW_4PX_DIVIDE(d, "r3")
#define MW_4PX_FINISH_COARSE                                                                   \
    MW_4PX_COARSE("r6", "r7", "r8", "r9")                                                      \
    MW_4PX_COARSE("r10", "r11", "r12", "lr")                                                   \
    "ldr r4, [sp, #4]\n"

/* The mixed sums start with the odd channel's bias; the even channel's is added at the end. */
#define MW_4PX_BEGIN_ONCE(sum, input) "smuad " sum ", " input ", r3\n"
#define MW_4PX_START_ONCE "ldr.w lr, [r1], #4\n" MW_4PX_FIRST("", MW_4PX_BEGIN_ONCE)
#define MW_4PX_ADD_BIAS                                                                        \
    "add.w r6, r2, r6, lsl #8\n"                                                               \
    "add.w r7, r2, r7, lsl #8\n"                                                               \
    "add.w r8, r2, r8, lsl #8\n"                                                               \
    "add.w r9, r2, r9, lsl #8\n"
#define MW_4PX_EIGHT_ONCE(bits, even, odd)                                                     \
    MW_4PX_REQUANTIZE_ONCE(bits, "r6", even) MW_4PX_REQUANTIZE_ONCE(bits, "r7", even)          \
    MW_4PX_REQUANTIZE_ONCE(bits, "r8", even) MW_4PX_REQUANTIZE_ONCE(bits, "r9", even)          \
    MW_4PX_REQUANTIZE_ONCE(bits, "r10", odd) MW_4PX_REQUANTIZE_ONCE(bits, "r11", odd)          \
    MW_4PX_REQUANTIZE_ONCE(bits, "r12", odd) MW_4PX_REQUANTIZE_ONCE(bits, "lr", odd)
#define MW_4PX_FINISH_ONCE(bits)                                                               \
    "ldrd r2, r3, [r0], #8\n" MW_4PX_SPLIT MW_4PX_ADD_BIAS                                     \
    "ldr.w r2, [r0], #4\n" MW_4PX_EIGHT_ONCE(bits, "r3", "r2")

/* All pairs are the loop's. */
#define MW_4PX_COPY                                                                            \
    "mov r6, r9\n"                                                                             \
    "mov r7, r9\n"                                                                             \
    "mov r8, r9\n"                                                                             \
    "mov r10, lr\n"                                                                            \
    "mov r11, lr\n"                                                                            \
    "mov r12, lr\n"
#define MW_4PX_START_LOOP "ldrd r9, lr, [r1], #8\n" MW_4PX_COPY
#define MW_4PX_START_LOOP_ONCE "ldr.w lr, [r1], #4\nmov.w r9, #0\n" MW_4PX_COPY

/* Brief scales: biases stand before the multipliers. */
#define MW_4PX_START_TWICE_BRIEF                                                               \
    "ldr.w r9, [sp]\n"                                                                         \
    "ldrd r9, lr, [r9]\n"                                                                      \
    "asr.w r9, r9, #5\n"                                                                       \
    "asr.w lr, lr, #5\n"                                                                       \
    "add.w lr, r9, lr, lsl #8\n" MW_4PX_COPY
#define MW_4PX_FINISH_TWICE_BRIEF                                                              \
    "ldrd r2, r3, [r0], #8\n"                                                                  \
    "and r2, r2, #31\n"                                                                        \
    "and r3, r3, #31\n"                                                                        \
    "mov.w r4, #-1\n"                                                                          \
    "lsl.w r2, r4, r2\n"                                                                       \
    "lsl.w r3, r4, r3\n"                                                                       \
    "ldr.w r4, [r0], #4\n" MW_4PX_SPLIT MW_4PX_EVEN(MW_4PX_DOUBLE, "r4", "r2")                 \
    "ldr.w r4, [r0], #4\n" MW_4PX_ODD(MW_4PX_HALVE_256, "r4", "r3")                            \
    "ldr r4, [sp, #4]\n"
#define MW_4PX_START_ONCE_BRIEF                                                                \
    "ldr.w lr, [sp]\n"                                                                         \
    "ldr.w lr, [lr, #4]\n"                                                                     \
    "asr.w lr, lr, #3\n"                                                                       \
    "mov.w r9, #0\n" MW_4PX_COPY
/* `to` gets the next multiplier, which the lowest bits of `bias` shift. */
#define MW_4PX_BRIEF_MULTIPLIER(to, bias)                                                      \
    "ldr.w " to ", [r0], #3\n"                                                                 \
    "and r5, " bias ", #7\n"                                                                   \
    "ubfx " to ", " to ", #0, #24\n"                                                           \
    "lsl.w " to ", " to ", r5\n"
#define MW_4PX_FINISH_ONCE_BRIEF                                                               \
    "ldr.w r2, [r0], #4\n"                                                                     \
    "ldr.w r4, [r0], #4\n" MW_4PX_BRIEF_MULTIPLIER("r3", "r2")                                 \
    "asr.w r2, r2, #3\n" MW_4PX_SPLIT MW_4PX_ADD_BIAS MW_4PX_BRIEF_MULTIPLIER("r2", "r4")      \
    "ldrd r4, r5, [sp, #4]\n" MW_4PX_EIGHT_ONCE("10", "r3", "r2")
#define MW_4PX_FINISH_PACKED MW_4PX_FINISH(MW_4PX_SPLIT, MW_4PX_HALVE_256)

#endif
