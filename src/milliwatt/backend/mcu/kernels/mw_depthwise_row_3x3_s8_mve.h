/* SPDX-License-Identifier: MIT */
/* One row of a depthwise convolution of nine taps: sixteen channels of a pixel at a time.
 *
 * Registers: r0 to r8 point to the taps, r9 weights, r10 outputs, r11 scales, lr counts channels,
 * r12 is spare or counts pixels; q0 and q1 what is multiplied, q2 and q3 a group's sums, q4 to q7
 * all sums. The taps are in groups of 2, 2, 2, 2 and 1, of 3, 2, 2 and 2, of 3, 3 and 3, or of 9,
 * as their weights allow: 91, 85, 80 or 64 instructions for 144 multiplications, 0.63 to 0.44 each.
 * Per 16 outputs: 19 where sums are rounded once, elsewhere 29, 6 more where saturation is not
 * clamp enough, 8 where negative numbers can be seen, and 28 in the form for any layer. Per pixel 7
 * to 19. */
#ifndef MW_DEPTHWISE_ROW_3X3_S8_MVE_H
#define MW_DEPTHWISE_ROW_3X3_S8_MVE_H

#include "mw_depthwise_lanes_s8_mve.h"

#if MW_HAS_MVE

/* Sums of a block of channels. r9 points 16 bytes before the block's biases, whose 64 bytes come
 * before the weights; the first group's weights are read before them. */
#define MW_NINE_START(wide, second)                                                            \
    MW_LANES_FIRST("[r0], #16", "[r9, #80]")                                                   \
    MW_LANES_NEXT("[r1], #16", "[r9, #96]")                                                    \
    second                                                                                     \
    MW_LANES_BEGIN(wide, "[r9, #16]!", "[r9, #16]!", "[r9, #16]!", "[r9, #16]!")
#define MW_NINE_TWO(wide, first, second)                                                       \
    MW_LANES_FIRST("[" first "], #16", "[r9, #16]!")                                           \
    MW_LANES_MORE(second, "[r9, #16]!")                                                        \
    MW_LANES_ADD(wide)
#define MW_NINE_THREE(wide, first, second, third)                                              \
    MW_LANES_FIRST("[" first "], #16", "[r9, #16]!")                                           \
    MW_LANES_MORE(second, "[r9, #16]!")                                                        \
    MW_LANES_MORE(third, "[r9, #16]!")                                                         \
    MW_LANES_ADD(wide)
#define MW_NINE_THIRD MW_LANES_NEXT("[r2], #16", "[r9, #112]")

#define MW_NINE_TWOS(wide)                                                                     \
    MW_NINE_START(wide, "")                                                                    \
    MW_LANES_FIRST("[r2], #16", "[r9, #48]!")                                                  \
    MW_LANES_MORE("r3", "[r9, #16]!")                                                          \
    MW_LANES_ADD(wide)                                                                         \
    MW_NINE_TWO(wide, "r4", "r5")                                                              \
    MW_NINE_TWO(wide, "r6", "r7")                                                              \
    MW_LANES_FIRST("[r8], #16", "[r9, #16]!")                                                  \
    MW_LANES_ADD(wide)
#define MW_NINE_THREE_TWOS(wide)                                                               \
    MW_NINE_START(wide, MW_NINE_THIRD)                                                         \
    MW_LANES_FIRST("[r3], #16", "[r9, #64]!")                                                  \
    MW_LANES_MORE("r4", "[r9, #16]!")                                                          \
    MW_LANES_ADD(wide)                                                                         \
    MW_NINE_TWO(wide, "r5", "r6")                                                              \
    MW_NINE_TWO(wide, "r7", "r8")
#define MW_NINE_THREES(wide)                                                                   \
    MW_NINE_START(wide, MW_NINE_THIRD)                                                         \
    MW_LANES_FIRST("[r3], #16", "[r9, #64]!")                                                  \
    MW_LANES_MORE("r4", "[r9, #16]!")                                                          \
    MW_LANES_MORE("r5", "[r9, #16]!")                                                          \
    MW_LANES_ADD(wide)                                                                         \
    MW_NINE_THREE(wide, "r6", "r7", "r8")
#define MW_NINE_ALL(wide)                                                                      \
    MW_LANES_FIRST("[r0], #16", "[r9, #80]!")                                                  \
    MW_LANES_NEXT("[r1], #16", "[r9, #16]!")                                                   \
    MW_LANES_NEXT("[r2], #16", "[r9, #16]!")                                                   \
    MW_LANES_NEXT("[r3], #16", "[r9, #16]!")                                                   \
    MW_LANES_NEXT("[r4], #16", "[r9, #16]!")                                                   \
    MW_LANES_NEXT("[r5], #16", "[r9, #16]!")                                                   \
    MW_LANES_NEXT("[r6], #16", "[r9, #16]!")                                                   \
    MW_LANES_NEXT("[r7], #16", "[r9, #16]!")                                                   \
    MW_LANES_NEXT("[r8], #16", "[r9, #16]!")                                                   \
    MW_LANES_BEGIN(wide, "[r9, #-192]", "[r9, #-176]", "[r9, #-160]", "[r9, #-144]")

/* Adds `distance` to the pointers to nine taps. */
#define MW_NINE_MOVE(distance)                                                                 \
    "add r0, r0, " distance "\n"                                                               \
    "add r1, r1, " distance "\n"                                                               \
    "add r2, r2, " distance "\n"                                                               \
    "add r3, r3, " distance "\n"                                                               \
    "add r4, r4, " distance "\n"                                                               \
    "add r5, r5, " distance "\n"                                                               \
    "add r6, r6, " distance "\n"                                                               \
    "add r7, r7, " distance "\n"                                                               \
    "add r8, r8, " distance "\n"

/* Pixels left, counted where outputs need r12 and where they do not. */
#define MW_NINE_LAST                                                                           \
    "ldr r12, [sp, #28]\n"                                                                     \
    "subs r12, r12, #1\n"                                                                      \
    "str r12, [sp, #28]\n"
#define MW_NINE_LAST_ONCE "subs r12, r12, #1\n"

/* On the stack: weights, scales, channels, bytes from a pixel's last block to the next pixel's
 * first, zero, low, high, pixels left. */
#define MW_NINE_ROW(sums, wide, outputs, last)                                                 \
    __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                     "vpush {d8-d15}\n"                                                        \
                     "sub sp, sp, #36\n"                                                       \
                     "mov r12, r0\n"                                                           \
                     "ldrd r3, r4, [r12, #8]\n"                                                \
                     "ldrd r1, r2, [r12, #16]\n"                                               \
                     "ldrd r10, r8, [r12, #24]\n"                                              \
                     "ldrd r5, r6, [r12, #32]\n"                                               \
                     "ldr r7, [r12, #40]\n"                                                    \
                     "subs r1, r1, #16\n"                                                      \
                     "add r9, r3, #15\n"                                                       \
                     "bic r9, r9, #15\n"                                                       \
                     "subs r4, r4, r9\n"                                                       \
                     "stm sp, {r1-r8}\n"                                                       \
                     "ldrd r11, r9, [r12]\n"                                                   \
                     "ldm r9, {r0-r8}\n"                                                       \
                     MW_NINE_MOVE("r11")                                                       \
                     "ldr r12, [sp, #28]\n"                                                    \
                     "1:\n"                                                                    \
                     "ldm sp, {r9, r11, lr}\n"                                                 \
                     "2:\n"                                                                    \
                     sums(wide)                                                                \
                     outputs("r11", "ldr r12, [sp, #16]\n", "ldr r12, [sp, #20]\n",            \
                             "ldr r12, [sp, #24]\n")                                           \
                     "vctp.8 lr\n"                                                             \
                     "vpst\n"                                                                  \
                     "vstrbt.8 q4, [r10], #16\n"                                               \
                     "subs lr, lr, #16\n"                                                      \
                     "bgt 2b\n"                                                                \
                     "add r10, r10, lr\n"                                                      \
                     "ldr lr, [sp, #12]\n"                                                     \
                     "cmp lr, #0\n"                                                            \
                     "beq 3f\n"                                                                \
                     MW_NINE_MOVE("lr")                                                        \
                     "3:\n"                                                                    \
                     last                                                                      \
                     "bne 1b\n"                                                                \
                     "add sp, sp, #36\n"                                                       \
                     "vpop {d8-d15}\n"                                                         \
                     "pop {r4-r11, pc}\n")

#endif

#endif
