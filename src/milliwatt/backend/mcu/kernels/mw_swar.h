/* SPDX-License-Identifier: MIT */
/* Two int8 products in one 32-bit multiplication, for cores without packed ones.
 *
 * A word of two inputs is x1 * 2**16 + x0. Words times weights, added up, are s1 * 2**16 + s0
 * modulo 2**32, and both sums can be told apart while s0 is in -2**15..2**15 - 1: so taps come in
 * groups whose weights' magnitudes add up to no more than 256 (lowering/swar/layout.py sees to it).
 * A group's words start with 2**15, so that their high half is exactly s1. `low` adds up whole
 * words, `high` their high halves; in the end low - (high << 16) is what the low halves sum to. */
#ifndef MW_SWAR_H
#define MW_SWAR_H

#include "mw_common.h"

/* Channels whose weights are interleaved: tap k of channel c is w[8 * k + c]. */
#define MW_SWAR_CHANNELS 8

#define MW_SWAR_HALF 0x8000

/* The word of two inputs. */
MW_INLINE int32_t mw_swar_word(int32_t first, int32_t second)
{
    return (int32_t)((uint32_t)first + ((uint32_t)second << 16));
}

MW_INLINE int32_t mw_swar_times(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a * (uint32_t)b);
}

/* What the low sums begin with: bias * 65537 less 2**15 for each group. */
MW_INLINE int32_t mw_swar_low(int32_t bias, int32_t groups)
{
    return (int32_t)((uint32_t)bias * 0x10001u - (uint32_t)groups * MW_SWAR_HALF);
}

/* mw_swar_sums: the four inputs' sums, over `taps` taps, of MW_SWAR_TOGETHER channels, their biases
 * (the last one at most `last` further) included. `taps` is a multiple of `group`, which is 4, 8 or
 * 16. */
#if defined(__thumb2__)

#define MW_SWAR_TOGETHER 1

/* A tap is 4 instructions for 4 products, a group 6 more; compilers at hand load the words one by
 * one. Registers: 2 words, weight, 2 pointers, end, 2**15, the group's 2, low and high sums. */
#define MW_SWAR_LOAD                                                                             \
    "ldrsb %[weight], [%[w]], #8\n"                                                              \
    "ldrd %[first], %[second], [%[x]], #8\n"
#define MW_SWAR_TAP                                                                              \
    MW_SWAR_LOAD "mla %[part0], %[first], %[weight], %[part0]\n"                                 \
                 "mla %[part1], %[second], %[weight], %[part1]\n"
#define MW_SWAR_FOUR MW_SWAR_TAP MW_SWAR_TAP MW_SWAR_TAP MW_SWAR_TAP
#define MW_SWAR_RUN(more)                                                                        \
    __asm__ volatile("1:\n" MW_SWAR_LOAD "mla %[part0], %[first], %[weight], %[half]\n"          \
                     "mla %[part1], %[second], %[weight], %[half]\n" MW_SWAR_TAP MW_SWAR_TAP     \
                         MW_SWAR_TAP more "add %[low0], %[low0], %[part0]\n"                     \
                     "add %[low1], %[low1], %[part1]\n"                                          \
                     "add %[high0], %[high0], %[part0], asr #16\n"                               \
                     "add %[high1], %[high1], %[part1], asr #16\n"                               \
                     "cmp %[x], %[end]\n"                                                        \
                     "bne 1b\n"                                                                  \
                     : [x] "+&r"(x), [w] "+&r"(w), [low0] "+&r"(low0), [low1] "+&r"(low1),       \
                       [high0] "+&r"(high0), [high1] "+&r"(high1), [part0] "=&r"(part0),         \
                       [part1] "=&r"(part1), [first] "=&r"(first), [second] "=&r"(second),       \
                       [weight] "=&r"(weight)                                                    \
                     : [half] "r"(MW_SWAR_HALF), [end] "r"(end)                                  \
                     : "cc", "memory")

MW_INLINE void mw_swar_sums(int32_t *sums, const int8_t *w, const int32_t *x, int32_t taps,
                            int32_t group, const int32_t *MW_RESTRICT bias, int32_t last)
{
    int32_t low0 = mw_swar_low(bias[0], taps / group), low1 = low0;
    int32_t high0 = bias[0], high1 = bias[0];
    (void)last;
    int32_t part0, part1, first, second, weight;
    const int32_t *const end = x + 2 * taps;
    if (group == 4) {
        MW_SWAR_RUN("");
    } else if (group == 8) {
        MW_SWAR_RUN(MW_SWAR_FOUR);
    } else {
        MW_SWAR_RUN(MW_SWAR_FOUR MW_SWAR_FOUR MW_SWAR_FOUR);
    }
    sums[0] = (int32_t)((uint32_t)low0 - ((uint32_t)high0 << 16));
    sums[1] = high0;
    sums[2] = (int32_t)((uint32_t)low1 - ((uint32_t)high1 << 16));
    sums[3] = high1;
}

#undef MW_SWAR_LOAD
#undef MW_SWAR_TAP
#undef MW_SWAR_FOUR
#undef MW_SWAR_RUN

#else

/* Two channels share the words' loads: RV32IMC, with groups of 4: 2.3 instructions a product. */
#define MW_SWAR_TOGETHER 2

MW_INLINE void mw_swar_sums(int32_t *sums, const int8_t *MW_RESTRICT w, const int32_t *x,
                            int32_t taps, int32_t group, const int32_t *MW_RESTRICT bias,
                            int32_t last)
{
    const int32_t next = mw_min_i32(last, 1);
    uint32_t low0 = (uint32_t)mw_swar_low(bias[0], taps / group), low1 = low0;
    uint32_t low2 = (uint32_t)mw_swar_low(bias[next], taps / group), low3 = low2;
    int32_t high0 = bias[0], high1 = high0, high2 = bias[next], high3 = high2;
    for (const int32_t *const end = x + 2 * taps; x != end;) {
        uint32_t part0 = MW_SWAR_HALF, part1 = MW_SWAR_HALF;
        uint32_t part2 = MW_SWAR_HALF, part3 = MW_SWAR_HALF;
        MW_UNROLL
        for (int32_t k = 0; k < group; k++) {
            const uint32_t first = (uint32_t)x[2 * k], second = (uint32_t)x[2 * k + 1];
            const uint32_t weight = (uint32_t)w[MW_SWAR_CHANNELS * k];
            const uint32_t other = (uint32_t)w[MW_SWAR_CHANNELS * k + 1];
            part0 += first * weight;
            part1 += second * weight;
            part2 += first * other;
            part3 += second * other;
        }
        low0 += part0;
        low1 += part1;
        low2 += part2;
        low3 += part3;
        high0 += (int32_t)part0 >> 16;
        high1 += (int32_t)part1 >> 16;
        high2 += (int32_t)part2 >> 16;
        high3 += (int32_t)part3 >> 16;
        x += 2 * group;
        w += MW_SWAR_CHANNELS * group;
    }
    sums[0] = (int32_t)(low0 - ((uint32_t)high0 << 16));
    sums[1] = high0;
    sums[2] = (int32_t)(low1 - ((uint32_t)high1 << 16));
    sums[3] = high1;
    sums[4] = (int32_t)(low2 - ((uint32_t)high2 << 16));
    sums[5] = high2;
    sums[6] = (int32_t)(low3 - ((uint32_t)high3 << 16));
    sums[7] = high3;
}

#endif

/* Adds what a channel's weights exceed their groups by: `rest` holds how many such taps there are,
 * then for each how far it is from the one before, in the high half, and the weight. Returns the
 * next channel's. */
MW_INLINE const uint16_t *mw_swar_rest(int32_t *sums, const uint16_t *MW_RESTRICT rest,
                                       const int32_t *x)
{
    for (int32_t count = *rest++; count > 0; count--) {
        const int32_t packed = *rest++;
        const int32_t weight = (int8_t)packed;
        x += 2 * (packed >> 8);
        const int32_t part0 = mw_swar_times(x[0], weight), part1 = mw_swar_times(x[1], weight);
        sums[0] += (int16_t)part0;
        sums[1] += mw_wrapping_add(part0, MW_SWAR_HALF) >> 16;
        sums[2] += (int16_t)part1;
        sums[3] += mw_wrapping_add(part1, MW_SWAR_HALF) >> 16;
    }
    return rest;
}

#endif
