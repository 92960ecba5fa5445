/* SPDX-License-Identifier: MIT */
/* The loop of fully connected layers with packed weights (mw_channel_pair_dsp.h), four channels.
 *
 * Registers: 4 sums, 2 pairs of inputs, 2 words of weights, 2 pointers, end. Per 4 inputs (16
 * multiplications) 14 instructions: 2 double loads and 4 extensions of weights, 8 SMLAD; what the
 * inputs take is the kernel's, and 1/2 is the loop's. */
#ifndef MW_FULLY_CONNECTED_LOOP_DSP_H
#define MW_FULLY_CONNECTED_LOOP_DSP_H

#include "mw_dsp.h"

#if MW_HAS_DSP

/* A pair of inputs times two words of packed weights. */
#define MW_FULLY_CONNECTED_WORDS(inputs)                                                        \
    "ldrd %[first], %[second], [%[w]], #8\n"                                                   \
    "smlad %[odd0], " inputs ", %[first], %[odd0]\n"                                           \
    "sxtb16 %[first], %[first]\n"                                                              \
    "smlad %[odd1], " inputs ", %[second], %[odd1]\n"                                          \
    "sxtb16 %[second], %[second]\n"                                                            \
    "smlad %[even0], " inputs ", %[first], %[even0]\n"                                         \
    "smlad %[even1], " inputs ", %[second], %[even1]\n"

/* Four inputs, which `load` makes two pairs. */
#define MW_FULLY_CONNECTED_STEP(load)                                                           \
    load MW_FULLY_CONNECTED_WORDS("%[x02]") MW_FULLY_CONNECTED_WORDS("%[x13]")

/* 16 inputs a turn. `shift` moves the two bits of the distance that tell how many steps are beyond
 * whole turns to the carry and the sign: the loop is entered so many steps before its end. */
#define MW_FULLY_CONNECTED_TURNS(load, shift)                                                   \
    "sub %[x02], %[end], %[x]\n"                                                               \
    "lsls %[x02], %[x02], #" shift "\n"                                                        \
    "bhi.w 2f\n"                                                                               \
    "bcs.w 3f\n"                                                                               \
    "bmi.w 4f\n"                                                                               \
    "1:\n" MW_FULLY_CONNECTED_STEP(load)                                                       \
    "2:\n" MW_FULLY_CONNECTED_STEP(load)                                                       \
    "3:\n" MW_FULLY_CONNECTED_STEP(load)                                                       \
    "4:\n" MW_FULLY_CONNECTED_STEP(load)                                                       \
    "cmp %[x], %[end]\n"                                                                       \
    "bne.w 1b\n"

/* Defines `name`: four inputs or more, a multiple of four, from `x` to `end`, into the sums (even,
 * mixed, even, mixed); returns the weights behind those that it used. */
#define MW_FULLY_CONNECTED_LOOP(name, element, loop)                                            \
    MW_INLINE const int32_t *name(const element *x, const element *end, const int32_t *weights, \
                                  int32_t *sums)                                               \
    {                                                                                          \
        int32_t even0 = sums[0], odd0 = sums[1], even1 = sums[2], odd1 = sums[3];              \
        int32_t x02, x13, first, second;                                                       \
        __asm__ volatile(loop                                                                  \
                         : [x] "+&r"(x), [w] "+&r"(weights), [even0] "+&r"(even0),             \
                           [odd0] "+&r"(odd0), [even1] "+&r"(even1), [odd1] "+&r"(odd1),       \
                           [x02] "=&r"(x02), [x13] "=&r"(x13), [first] "=&r"(first),           \
                           [second] "=&r"(second)                                              \
                         : [end] "r"(end)                                                      \
                         : "cc", "memory");                                                    \
        sums[0] = even0;                                                                       \
        sums[1] = odd0;                                                                        \
        sums[2] = even1;                                                                       \
        sums[3] = odd1;                                                                        \
        return weights;                                                                        \
    }

#endif

#endif
