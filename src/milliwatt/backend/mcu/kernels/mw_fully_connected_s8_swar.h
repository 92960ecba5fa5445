/* SPDX-License-Identifier: MIT */
/* int8 fully connected layer, four channels' weights in one word, nothing unpacked.
 *
 * A word holds w0 + 128, w1 + 128, w2 + 128 and w3, low byte first. With v the word, v - 256 *
 * (v >> 8) is its lowest byte: so the sums of x * v, x * (v >> 8), x * (v >> 16) and x * (v >> 24)
 * give, each less 256 times the next, the four channels' sums, exactly, modulo 2**32.
 *
 * Cortex-M0+: 27 instructions for 8 products, 3.4 each. Registers: 2 words of weights, input,
 * product, 3 for the inputs' place, weights, 4 sums. */
#ifndef MW_FULLY_CONNECTED_S8_SWAR_H
#define MW_FULLY_CONNECTED_S8_SWAR_H

#include "mw_scale_swar.h"

#if defined(__ARM_ARCH_6M__)

/* Registers: r0, r1 weights of two inputs; r2 input; r3 product; r4, r5 the inputs' addresses less
 * r6, which counts down; r7 weights; r8 to r11 sums. Two inputs are 27 instructions for 8
 * products. */
#define MW_SWAR_INPUT(v, x)                                                                      \
    "ldrsb r2, [" x ", r6]\n"                                                                    \
    "asrs r3, " v ", #24\n"                                                                      \
    "muls r3, r2, r3\n"                                                                          \
    "add r11, r3\n"                                                                              \
    "asrs r3, " v ", #16\n"                                                                      \
    "muls r3, r2, r3\n"                                                                          \
    "add r10, r3\n"                                                                              \
    "asrs r3, " v ", #8\n"                                                                       \
    "muls r3, r2, r3\n"                                                                          \
    "add r9, r3\n"                                                                               \
    "muls " v ", r2, " v "\n"                                                                    \
    "add r8, " v "\n"

/* The sums of x * (v >> 0, 8, 16, 24) over `pairs` pairs of inputs, the last first. */
MW_INLINE const int32_t *mw_fully_connected_shifted(const int8_t *x, const int32_t *weights,
                                                    int32_t pairs, int32_t *sums)
{
    register int32_t *to __asm__("r0") = sums;
    register const int32_t *next __asm__("r1") = weights;
    register const int8_t *inputs __asm__("r4") = x;
    register int32_t left __asm__("r6") = 2 * pairs;
    __asm__ volatile(".syntax unified\n"
                     "push {r0, r7}\n"
                     "movs r7, r1\n"
                     "subs r4, r4, #2\n"
                     "adds r5, r4, #1\n"
                     "movs r0, #0\n"
                     "mov r8, r0\n"
                     "mov r9, r0\n"
                     "mov r10, r0\n"
                     "mov r11, r0\n"
                     "1:\n"
                     "ldmia r7!, {r0, r1}\n" MW_SWAR_INPUT("r0", "r5") MW_SWAR_INPUT("r1", "r4")
                     "subs r6, r6, #2\n"
                     "bne 1b\n"
                     "movs r1, r7\n"
                     "pop {r0, r7}\n"
                     "mov r2, r8\n"
                     "mov r3, r9\n"
                     "mov r4, r10\n"
                     "mov r5, r11\n"
                     "stmia r0!, {r2, r3, r4, r5}\n"
                     : "+r"(to), "+r"(next), "+r"(inputs), "+r"(left)
                     :
                     : "r2", "r3", "r5", "r8", "r9", "r10", "r11", "cc", "memory");
    return next;
}

#undef MW_SWAR_INPUT

#else

MW_INLINE const int32_t *mw_fully_connected_shifted(const int8_t *x,
                                                    const int32_t *MW_RESTRICT weights,
                                                    int32_t pairs, int32_t *sums)
{
    uint32_t a = 0, b = 0, c = 0, d = 0;
    for (int32_t i = 2 * pairs - 1; i >= 0; i--) {
        const int32_t word = *weights++;
        const uint32_t input = (uint32_t)x[i];
        a += input * (uint32_t)word;
        b += input * (uint32_t)(word >> 8);
        c += input * (uint32_t)(word >> 16);
        d += input * (uint32_t)(word >> 24);
    }
    sums[0] = (int32_t)a;
    sums[1] = (int32_t)b;
    sums[2] = (int32_t)c;
    sums[3] = (int32_t)d;
    return weights;
}

#endif

/* One channel's output from its own bytes' sum and the next byte's, the total of inputs * 128. */
MW_INLINE int8_t mw_fully_connected_output(uint32_t sum, uint32_t next, uint32_t excess,
                                           int32_t bias, const int32_t *MW_RESTRICT scales,
                                           const mw_scale *scale, int32_t falls, int32_t treatment)
{
    const mw_channel_scale channel = mw_channel_scale_at(scales, falls, treatment);
    const int32_t whole = (int32_t)((uint32_t)bias + sum - (next << 8) - excess);
    return mw_scale_swar(whole, &channel, scale, falls, treatment);
}

/* weights: for every four channels (absent ones 0) a word for each input, the last input first;
 * bias and scales: for as many channels. An odd depth's last input has its word before the rest. */
MW_INLINE void mw_fully_connected_s8_swar(const int8_t *x, int8_t *y,
                                          const int32_t *MW_RESTRICT weights,
                                          const int32_t *MW_RESTRICT bias,
                                          const int32_t *MW_RESTRICT scales, int32_t rows,
                                          int32_t depth, int32_t channels, int32_t low_shift,
                                          int32_t shift, int32_t least,
                                          int32_t span, int32_t step, int32_t falls,
                                          int32_t treatment)
{
    const mw_scale scale = {low_shift, shift, least, span, step};
    for (; rows > 0; rows--) {
        const int32_t *w = weights, *s = scales, *b = bias;
        int32_t total = 0;
        for (int32_t i = 0; i < depth; i++) {
            total += x[i];
        }
        const uint32_t excess = (uint32_t)total << 7;
        for (int32_t c = channels; c > 0; c -= 4) {
            uint32_t sums[4] = {0, 0, 0, 0};
            const int32_t word = depth & 1 ? *w++ : 0;
            if (depth > 1) {
                w = mw_fully_connected_shifted(x, w, depth >> 1, (int32_t *)sums);
            }
            if (depth & 1) {
                for (int32_t k = 0; k < 4; k++) {
                    sums[k] += (uint32_t)x[depth - 1] * (uint32_t)(word >> (8 * k));
                }
            }
            /* From the last, whose sum needs no other's. Absent ones are stored, then
             * overwritten. */
            y[c > 3 ? 3 : 0] = mw_fully_connected_output(sums[3], 0, 0, b[3], s + 3 * step, &scale,
                                                         falls, treatment);
            y[c > 2 ? 2 : 0] = mw_fully_connected_output(sums[2], sums[3], excess, b[2],
                                                         s + 2 * step, &scale, falls, treatment);
            y[c > 1 ? 1 : 0] = mw_fully_connected_output(sums[1], sums[2], excess, b[1], s + step,
                                                         &scale, falls, treatment);
            y[0] = mw_fully_connected_output(sums[0], sums[1], excess, b[0], s, &scale, falls,
                                             treatment);
            s += 4 * step;
            b += 4;
            y += mw_min_i32(c, 4);
        }
        x += depth;
    }
}

#endif
