/* SPDX-License-Identifier: MIT */
/* int8 fully connected layer: four channels' weights in one word, two sums in one (mw_swar.h).
 *
 * A word holds w0 + 128, w1 + 128, w2 + 128 and w3, low byte first. Inputs times its bytes 0 and 2
 * add up to the sums of channels 0 and 2; inputs times the word's upper three bytes to those of 1
 * and 3, and of 2 in between, which is known by then. What the 128s add depends on the inputs
 * alone: each group of inputs begins with it, and with the 2**15 of mw_swar.h.
 *
 * Cortex-M0+: 18 instructions for 8 products, 20 more for each group's 4 * 8 or 4 * 16. Registers:
 * 2 words of weights, input, product, 3 for the inputs' place, weights, 2 sums of the group, 3 of
 * the channels and the fourth on the stack, a mask: all 14. */
#ifndef MW_FULLY_CONNECTED_GROUPS_S8_SWAR_H
#define MW_FULLY_CONNECTED_GROUPS_S8_SWAR_H

#include "mw_scale_swar.h"
#include "mw_swar.h"
#include "mw_swar_m0.h"

/* Four channels' sums, low and high as in mw_swar.h: of channels 0 and 2, of 1 and 3; and what they
 * are made of. The assembly knows the offsets of its members. */
typedef struct {
    int32_t low_even, high_even, low_odd, high_odd; /* 0 */
    const int8_t *x;                                /* 16 */
    const int32_t *weights;                         /* 20: a word for each input */
    const int32_t *starts;                          /* 24: two words for each group */
    const int32_t *end;                             /* 28: of the weights */
} mw_swar_dense_frame;

#if defined(__ARM_ARCH_6M__)

MW_M0_AT(mw_swar_dense_frame, low_even, 0);
MW_M0_AT(mw_swar_dense_frame, high_odd, 12);
MW_M0_AT(mw_swar_dense_frame, x, 16);
MW_M0_AT(mw_swar_dense_frame, weights, 20);
MW_M0_AT(mw_swar_dense_frame, starts, 24);
MW_M0_AT(mw_swar_dense_frame, end, 28);

/* Registers: r0, r1 weights; r2 input; r3 product; r4, r5 inputs, r6 the next one; r7 weights; r8,
 * r9 the group; r10, r11, lr, and the stack, the sums; r12 the mask of bytes 0 and 2. */
#define MW_M0_INPUT(v, x)                                                                        \
    "ldrsb r2, [" x ", r6]\n"                                                                    \
    "mov r3, r12\n"                                                                              \
    "ands r3, r3, " v "\n"                                                                       \
    "muls r3, r2, r3\n"                                                                          \
    "add r8, r3\n"                                                                               \
    "asrs " v ", " v ", #8\n"                                                                    \
    "muls " v ", r2, " v "\n"                                                                    \
    "add r9, " v "\n"
#define MW_M0_TWO                                                                                \
    "ldmia r7!, {r0, r1}\n" MW_M0_INPUT("r0", "r4") MW_M0_INPUT("r1", "r5") "adds r6, r6, #2\n"
#define MW_M0_EIGHT MW_M0_TWO MW_M0_TWO MW_M0_TWO MW_M0_TWO
#define MW_M0_SUMS(inputs)                                                                       \
    __asm__ volatile(".syntax unified\n"                                                         \
                     "push {r0, r7}\n"                                                           \
                     "sub sp, #16\n"                                                             \
                     "ldr r1, [r0, #24]\n"                                                       \
                     "str r1, [sp, #4]\n"                                                        \
                     "ldr r1, [r0, #28]\n"                                                       \
                     "str r1, [sp, #8]\n"                                                        \
                     "ldr r4, [r0, #16]\n"                                                       \
                     "adds r5, r4, #1\n"                                                         \
                     "ldr r7, [r0, #20]\n"                                                       \
                     "movs r6, #0\n"                                                             \
                     "str r6, [sp, #0]\n"                                                        \
                     "mov r10, r6\n"                                                             \
                     "mov r11, r6\n"                                                             \
                     "mov lr, r6\n"                                                              \
                     "movs r1, #255\n"                                                           \
                     "lsls r2, r1, #16\n"                                                        \
                     "adds r1, r1, r2\n"                                                         \
                     "mov r12, r1\n"                                                             \
                     "1:\n"                                                                      \
                     "ldr r3, [sp, #4]\n"                                                        \
                     "ldmia r3!, {r0, r1}\n"                                                     \
                     "str r3, [sp, #4]\n"                                                        \
                     "mov r8, r0\n"                                                              \
                     "mov r9, r1\n" inputs "mov r3, r8\n"                                        \
                     "add r10, r3\n"                                                             \
                     "asrs r3, r3, #16\n"                                                        \
                     "add r11, r3\n"                                                             \
                     "lsls r3, r3, #8\n"                                                         \
                     "mov r2, r9\n"                                                              \
                     "subs r2, r2, r3\n"                                                         \
                     "add lr, r2\n"                                                              \
                     "asrs r2, r2, #16\n"                                                        \
                     "ldr r3, [sp, #0]\n"                                                        \
                     "adds r3, r3, r2\n"                                                         \
                     "str r3, [sp, #0]\n"                                                        \
                     "ldr r3, [sp, #8]\n"                                                        \
                     "cmp r7, r3\n"                                                              \
                     "beq 2f\n"                                                                  \
                     "b 1b\n"                                                                    \
                     "2:\n"                                                                      \
                     "ldr r6, [sp, #0]\n"                                                        \
                     "add sp, #16\n"                                                             \
                     "pop {r0, r7}\n"                                                            \
                     "mov r3, r10\n"                                                             \
                     "mov r4, r11\n"                                                             \
                     "mov r5, lr\n"                                                              \
                     "stmia r0!, {r3, r4, r5, r6}\n"                                             \
                     : "+r"(in)                                                                  \
                     :                                                                           \
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12",      \
                       "lr", "cc", "memory")

/* The sums over groups of 8 or 16 inputs. */
MW_INLINE void mw_swar_dense_sums(mw_swar_dense_frame *frame, int32_t group)
{
    register mw_swar_dense_frame *in __asm__("r0") = frame;
    if (group == 8) {
        MW_M0_SUMS(MW_M0_EIGHT);
    } else {
        MW_M0_SUMS(MW_M0_EIGHT MW_M0_EIGHT);
    }
}

#undef MW_M0_INPUT
#undef MW_M0_TWO
#undef MW_M0_EIGHT
#undef MW_M0_SUMS

#else

MW_INLINE void mw_swar_dense_sums(mw_swar_dense_frame *frame, int32_t group)
{
    uint32_t low_even = 0, low_odd = 0;
    int32_t high_even = 0, high_odd = 0;
    const int32_t *starts = frame->starts;
    const int8_t *x = frame->x;
    for (const int32_t *w = frame->weights; w != frame->end; w += group) {
        uint32_t even = (uint32_t)starts[0], odd = (uint32_t)starts[1];
        MW_UNROLL
        for (int32_t k = 0; k < group; k++) {
            const int32_t word = w[k];
            const uint32_t input = (uint32_t)x[k];
            even += input * ((uint32_t)word & 0x00FF00FFu);
            odd += input * (uint32_t)(word >> 8);
        }
        const int32_t second = (int32_t)even >> 16;
        odd -= (uint32_t)second << 8;
        low_even += even;
        high_even += second;
        low_odd += odd;
        high_odd += (int32_t)odd >> 16;
        starts += 2;
        x += group;
    }
    frame->low_even = (int32_t)low_even;
    frame->high_even = high_even;
    frame->low_odd = (int32_t)low_odd;
    frame->high_odd = high_odd;
}

#endif

/* What each group's two words begin with. */
MW_INLINE void mw_swar_dense_starts(const int8_t *x, int32_t *starts, int32_t groups, int32_t group)
{
    for (; groups > 0; groups--) {
        int32_t total = 0;
        for (int32_t k = 0; k < group; k++) {
            total += *x++;
        }
        *starts++ = (int32_t)(MW_SWAR_HALF - (uint32_t)total * 0x00800080u);
        *starts++ = (int32_t)(MW_SWAR_HALF - (uint32_t)total * 0x00008080u);
    }
}

/* Adds to *sum what a channel's weights exceed their groups by; returns the next channel's. */
MW_INLINE const uint16_t *mw_swar_dense_rest(int32_t *sum, const uint16_t *MW_RESTRICT rest,
                                             const int8_t *x)
{
    for (int32_t count = *rest++; count > 0; count--) {
        const int32_t packed = *rest++;
        x += packed >> 8;
        *sum += *x * (int8_t)packed;
    }
    return rest;
}

/* weights: for every four channels (absent ones 0) a word for each input; bias and scales: for as
 * many channels; rest: as mw_swar_rest. depth is a multiple of `group`. scratch: two words for each
 * group. */
MW_INLINE void mw_fully_connected_groups_s8_swar(
    const int8_t *x, int8_t *y, void *scratch, const int32_t *MW_RESTRICT weights,
    const int32_t *MW_RESTRICT bias, const int32_t *MW_RESTRICT scales,
    const uint16_t *MW_RESTRICT rest, int32_t rows, int32_t depth, int32_t channels,
    int32_t low_shift, int32_t shift, int32_t least, int32_t span, int32_t step, int32_t group,
    int32_t has_rest, int32_t falls, int32_t treatment)
{
    const mw_scale scale = {low_shift, shift, least, span, step};
    const uint32_t halves = (uint32_t)(depth / group) * MW_SWAR_HALF;
    for (; rows > 0; rows--) {
        const int32_t *s = scales, *b = bias;
        const uint16_t *more = rest;
        mw_swar_dense_frame frame = {0, 0, 0, 0, x, weights, (int32_t *)scratch, weights + depth};
        mw_swar_dense_starts(x, (int32_t *)scratch, depth / group, group);
        MW_BARRIER();
        for (int32_t c = channels; c > 0; c -= 4) {
            mw_swar_dense_sums(&frame, group);
            const uint32_t even = (uint32_t)frame.high_even, odd = (uint32_t)frame.high_odd;
            int32_t sums[4] = {(int32_t)((uint32_t)frame.low_even - halves - (even << 16)),
                               (int32_t)((uint32_t)frame.low_odd - halves - (odd << 16)),
                               frame.high_even, frame.high_odd};
            frame.weights += depth;
            frame.end += depth;
            for (int32_t k = 0; has_rest && k < 4 && k < c; k++) {
                more = mw_swar_dense_rest(sums + k, more, x);
            }
            /* Absent ones are stored where the first one is stored after them. */
            MW_UNROLL
            for (int32_t k = 3; k >= 0; k--) {
                const mw_channel_scale channel =
                    mw_channel_scale_at(s + k * step, falls, treatment);
                y[c > k ? k : 0] =
                    mw_scale_swar(sums[k] + b[k], &channel, &scale, falls, treatment);
            }
            s += 4 * step;
            b += 4;
            y += mw_min_i32(c, 4);
        }
        MW_BARRIER();
        x += depth;
    }
}

#endif
