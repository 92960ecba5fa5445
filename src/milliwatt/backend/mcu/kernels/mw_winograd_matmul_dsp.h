/* SPDX-License-Identifier: MIT */
/* Four transformed tiles times two transformed filters: the inner loop of Winograd convolutions.
 *
 * At each position (16 of F(2x2, 3x3), 36 of F(4x4, 3x3)) a dot product over all inputs, of int16
 * pairs. Two channels of four tiles are in flight. Registers: 8 sums, 2 pairs of activations, 2
 * pairs of weights, 2 pointers: all 14. Per pair of inputs: 1 double load of weights, 2 of
 * activations, 8 SMLAD = 11 instructions and 3/8 of one for the loop, for 16 products; F(2x2, 3x3)
 * makes one product of 2.25 multiplications: 0.32 each; F(4x4, 3x3) one of 4: 0.18. Each position
 * costs 16 more. */
#ifndef MW_WINOGRAD_MATMUL_DSP_H
#define MW_WINOGRAD_MATMUL_DSP_H

#include "mw_dsp.h"

#if MW_HAS_DSP

#define MW_WINO_PAIR(first, start)                                                             \
    "ldrd r2,r3,[r1],#8\n"                                                                     \
    "ldrd r4,r5,[r0],#8\n"                                                                     \
    first " r6,r4,r2" start("r6")                                                              \
    first " r7,r5,r2" start("r7")                                                              \
    first " r10,r4,r3" start("r10")                                                            \
    first " r11,r5,r3" start("r11")                                                            \
    "ldrd r4,r5,[r0],#8\n"                                                                     \
    first " r8,r4,r2" start("r8")                                                              \
    first " r9,r5,r2" start("r9")                                                              \
    first " r12,r4,r3" start("r12")                                                            \
    first " lr,r5,r3" start("lr")
#define MW_WINO_ZERO(sum) "\n"
#define MW_WINO_SUM(sum) "," sum "\n"
#define MW_WINO_NEXT MW_WINO_PAIR("smlad", MW_WINO_SUM)

/* inputs: pair i of tile t at position p at [(p * pairs + i) * 4 + t]. weights: both channels'
 * pairs of each position in turn. sums: tile t of channel c at position p at [8 * p + 4 * c + t].
 * The stack holds: end of the position's inputs, loop entry, sums, bytes of a position's inputs, 8
 * saved registers, end of all inputs (in the place of r12), lr. */
MW_ASSEMBLY static void mw_winograd_matmul(const int32_t *inputs __attribute__((unused)),
                                           const int32_t *weights __attribute__((unused)),
                                           int32_t *sums __attribute__((unused)),
                                           int32_t pairs __attribute__((unused)),
                                           int32_t positions __attribute__((unused)))
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r0-r12, lr}\n"
        "ldr r5, [sp, #56]\n"
        "lsl r4, r3, #4\n"
        "mla r5, r4, r5, r0\n"
        "str r4, [sp, #12]\n"
        "str r5, [sp, #48]\n"
        "rsb r3, r3, #1\n"
        "and r3, r3, #7\n"
        "movs r5, #44\n"
        "adr.w r6, 3f\n"
        "mla r3, r3, r5, r6\n"
        "orr r3, r3, #1\n"
        "str r3, [sp, #4]\n"
        "1:\n"
        "ldr r3, [sp, #12]\n"
        "add r3, r0, r3\n"
        "str r3, [sp]\n"
        MW_WINO_PAIR("smuad", MW_WINO_ZERO)
        "ldrd r2, r3, [sp]\n"
        "cmp r0, r2\n"
        "beq.w 4f\n"
        "bx r3\n"
        ".p2align 2\n"
        "3:\n"
        MW_WINO_NEXT MW_WINO_NEXT MW_WINO_NEXT MW_WINO_NEXT
        MW_WINO_NEXT MW_WINO_NEXT MW_WINO_NEXT MW_WINO_NEXT
        "ldr r2, [sp]\n"
        "cmp r0, r2\n"
        "bne.w 3b\n"
        "4:\n"
        "ldr r2, [sp, #8]\n"
        "ldr r3, [sp, #48]\n"
        "stmia r2!, {r6-r12, lr}\n"
        "str r2, [sp, #8]\n"
        "cmp r0, r3\n"
        "bne.w 1b\n"
        "add sp, sp, #16\n"
        "pop {r4-r12, pc}\n");
}

#undef MW_WINO_PAIR
#undef MW_WINO_ZERO
#undef MW_WINO_SUM
#undef MW_WINO_NEXT

#else

static MW_NOINLINE __attribute__((unused)) void mw_winograd_matmul(const int32_t *inputs,
                                                                   const int32_t *weights,
                                                                   int32_t *sums, int32_t pairs,
                                                                   int32_t positions)
{
    MW_BARRIER();
    for (int32_t p = 0; p < positions; p++) {
        for (int32_t k = 0; k < 8; k++) {
            int32_t sum = 0;
            for (int32_t i = 0; i < pairs; i++) {
                sum = mw_dot_pairs(inputs[4 * i + (k & 3)], weights[2 * i + (k >> 2)], sum);
            }
            *sums++ = sum;
        }
        inputs += 4 * pairs;
        weights += 2 * pairs;
    }
}

#endif

#endif
