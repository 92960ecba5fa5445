/* SPDX-License-Identifier: MIT */
/* Two int8 products in one 32-bit multiplication, for cores without packed ones.
 *
 * A word of two inputs is x1 * 2**16 + x0. Words times weights, added up, are s1 * 2**16 + s0
 * modulo 2**32, and both sums can be told apart while s0 is in -2**15..2**15 - 1: so taps come in
 * groups whose weights' magnitudes add up to no more than 256 (lowering/swar_layout.py sees to it).
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

#if defined(__ARM_ARCH_6M__)

/* Registers: r0, r1 words of two inputs each; r2 weight; r3 weights less words, so that one pointer
 * r4 steps through both; r5, r6 the group; r7 2**15; r8 to r11 low and high sums; r12 end.
 * A tap is 6 instructions for 4 products. */
#define MW_SWAR_FIRST                                                                            \
    "ldrsb r2, [r3, r4]\n"                                                                       \
    "ldmia r4!, {r0, r1}\n"                                                                      \
    "muls r0, r2, r0\n"                                                                          \
    "adds r5, r0, r7\n"                                                                          \
    "muls r1, r2, r1\n"                                                                          \
    "adds r6, r1, r7\n"
#define MW_SWAR_TAP                                                                              \
    "ldrsb r2, [r3, r4]\n"                                                                       \
    "ldmia r4!, {r0, r1}\n"                                                                      \
    "muls r0, r2, r0\n"                                                                          \
    "adds r5, r5, r0\n"                                                                          \
    "muls r1, r2, r1\n"                                                                          \
    "adds r6, r6, r1\n"
#define MW_SWAR_END                                                                              \
    "add r8, r5\n"                                                                               \
    "asrs r5, r5, #16\n"                                                                         \
    "add r9, r5\n"                                                                               \
    "add r10, r6\n"                                                                              \
    "asrs r6, r6, #16\n"                                                                         \
    "add r11, r6\n"
#define MW_SWAR_THREE MW_SWAR_TAP MW_SWAR_TAP MW_SWAR_TAP
#define MW_SWAR_FOUR MW_SWAR_TAP MW_SWAR_THREE
#define MW_SWAR_EIGHT MW_SWAR_FOUR MW_SWAR_FOUR
#define MW_SWAR_GROUP_4 MW_SWAR_FIRST MW_SWAR_THREE MW_SWAR_END
#define MW_SWAR_GROUP_8 MW_SWAR_FIRST MW_SWAR_THREE MW_SWAR_FOUR MW_SWAR_END
#define MW_SWAR_GROUP_16 MW_SWAR_FIRST MW_SWAR_THREE MW_SWAR_FOUR MW_SWAR_EIGHT MW_SWAR_END

/* `enter` begins at the second of two groups where their number is odd. */
#define MW_SWAR_SUMS(enter, groups)                                                              \
    {                                                                                            \
        register int32_t *to __asm__("r0") = sums;                                               \
        register const int8_t *weights __asm__("r1") = w;                                        \
        register const int32_t *from __asm__("r2") = x;                                          \
        register const int32_t *end __asm__("r3") = x + 2 * taps;                                \
        register int32_t start __asm__("r4") = low;                                              \
        register int32_t constant __asm__("r5") = bias;                                          \
        register int32_t odd __asm__("r6") = taps & group;                                       \
        __asm__ volatile(".syntax unified\n"                                                     \
                         "push {r0, r7}\n"                                                       \
                         "mov r8, r4\n"                                                          \
                         "mov r9, r5\n"                                                          \
                         "mov r10, r4\n"                                                         \
                         "mov r11, r5\n"                                                         \
                         "mov r12, r3\n"                                                         \
                         "movs r4, r2\n"                                                         \
                         "subs r3, r1, r2\n"                                                     \
                         "movs r7, #128\n"                                                       \
                         "lsls r7, r7, #8\n" enter groups "cmp r4, r12\n"                        \
                         "bne 1b\n"                                                              \
                         "pop {r0, r7}\n"                                                        \
                         "mov r2, r9\n"                                                          \
                         "lsls r3, r2, #16\n"                                                    \
                         "mov r1, r8\n"                                                          \
                         "subs r1, r1, r3\n"                                                     \
                         "mov r4, r11\n"                                                         \
                         "lsls r5, r4, #16\n"                                                    \
                         "mov r3, r10\n"                                                         \
                         "subs r3, r3, r5\n"                                                     \
                         "stmia r0!, {r1, r2, r3, r4}\n"                                         \
                         : "+r"(to), "+r"(weights), "+r"(from), "+r"(end), "+r"(start),          \
                           "+r"(constant), "+r"(odd)                                             \
                         :                                                                       \
                         : "r8", "r9", "r10", "r11", "r12", "cc", "memory");                     \
    }
#define MW_SWAR_ODD                                                                              \
    "cmp r6, #0\n"                                                                               \
    "bne 2f\n"

/* The four inputs' sums over `taps` taps of one channel, its bias included. `taps` is a multiple of
 * `group`, which is 4, 8 or 16; `low` is bias * 65537 less 2**15 for each group. */
MW_INLINE void mw_swar_sums(int32_t *sums, const int8_t *w, const int32_t *x, int32_t taps,
                            int32_t group, int32_t low, int32_t bias)
{
    if (group == 4) {
        MW_SWAR_SUMS(MW_SWAR_ODD, "1:\n" MW_SWAR_GROUP_4 "2:\n" MW_SWAR_GROUP_4)
    } else if (group == 8) {
        MW_SWAR_SUMS("", "1:\n" MW_SWAR_GROUP_8)
    } else {
        MW_SWAR_SUMS("", "1:\n" MW_SWAR_GROUP_16)
    }
}

#undef MW_SWAR_FIRST
#undef MW_SWAR_TAP
#undef MW_SWAR_END
#undef MW_SWAR_THREE
#undef MW_SWAR_FOUR
#undef MW_SWAR_EIGHT
#undef MW_SWAR_GROUP_4
#undef MW_SWAR_GROUP_8
#undef MW_SWAR_GROUP_16
#undef MW_SWAR_SUMS
#undef MW_SWAR_ODD

#else

MW_INLINE void mw_swar_sums(int32_t *sums, const int8_t *MW_RESTRICT w, const int32_t *x,
                            int32_t taps, int32_t group, int32_t low, int32_t bias)
{
    uint32_t low0 = (uint32_t)low, low1 = (uint32_t)low;
    int32_t high0 = bias, high1 = bias;
    for (const int32_t *const end = x + 2 * taps; x != end;) {
        uint32_t part0 = MW_SWAR_HALF, part1 = MW_SWAR_HALF;
        MW_UNROLL
        for (int32_t k = 0; k < group; k++) {
            const uint32_t weight = (uint32_t)w[MW_SWAR_CHANNELS * k];
            part0 += (uint32_t)x[2 * k] * weight;
            part1 += (uint32_t)x[2 * k + 1] * weight;
        }
        low0 += part0;
        low1 += part1;
        high0 += (int32_t)part0 >> 16;
        high1 += (int32_t)part1 >> 16;
        x += 2 * group;
        w += MW_SWAR_CHANNELS * group;
    }
    sums[0] = (int32_t)(low0 - ((uint32_t)high0 << 16));
    sums[1] = high0;
    sums[2] = (int32_t)(low1 - ((uint32_t)high1 << 16));
    sums[3] = high1;
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
