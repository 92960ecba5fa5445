/* SPDX-License-Identifier: MIT */
/* Four pixels times all filters: the inner loop of every convolution but depthwise.
 *
 * Two channels of four pixels are in flight. Registers: 8 sums, 2 pairs of activations, 2 pairs of
 * weights, 2 pointers: all 14. Per pair of inputs (16 multiplications) with packed weights
 * (mw_channel_pair_dsp.h): 1 load and 1 extension of weights, 2 double loads of activations,
 * 8 SMLAD = 12 instructions, and 3/8 of one for the loop: 0.77 per multiplication. Plain weights
 * take one more. The 8 outputs then cost 80, and 60 in the `_once` function, for layers that may
 * round once (mw_requantize_dsp.h): its mixed sums are 256 times the odd channel's as they stand.
 * No compiler at hand keeps this in 14 registers, hence the assembly; the C below it computes the
 * same and serves other machines. */
#ifndef MW_MATMUL_S8_4PX_DSP_H
#define MW_MATMUL_S8_4PX_DSP_H

#include "mw_channel_pair_dsp.h"
#include "mw_requantize_dsp.h"

#if MW_HAS_DSP

/* One pair of inputs: even channel's sums in r6-r9, odd channel's (or mixed) in r10-r12 and lr;
 * `odd` turns the word in r2 into the odd channel's factors. */
#define MW_4PX_PAIR(odd)                                                                       \
    "ldr.w r2, [r1], #4\n"                                                                     \
    "ldrd r4, r5, [r0], #8\n"                                                                  \
    "sxtb16 r3, r2\n" odd                                                                      \
    "smlad r6, r4, r3, r6\n"                                                                   \
    "smlad r7, r5, r3, r7\n"                                                                   \
    "smlad r10, r4, r2, r10\n"                                                                 \
    "smlad r11, r5, r2, r11\n"                                                                 \
    "ldrd r4, r5, [r0], #8\n"                                                                  \
    "smlad r8, r4, r3, r8\n"                                                                   \
    "smlad r9, r5, r3, r9\n"                                                                   \
    "smlad r12, r4, r2, r12\n"                                                                 \
    "smlad lr, r5, r2, lr\n"

/* int8 output from `sum`, which `twice` doubles: multiplier in r2, divisor in r3, zero in r4. */
#define MW_4PX_REQUANTIZE(twice, sum)                                                          \
    twice(sum)                                                                                 \
    "smmulr " sum ", " sum ", r2\n"                                                            \
    "add.w " sum ", " sum ", " sum ", asr #31\n"                                               \
    "smmlsr " sum ", " sum ", r3, r4\n"                                                        \
    "ssat " sum ", #8, " sum "\n"

#define MW_4PX_DOUBLE(sum) "lsl.w " sum ", " sum ", #1\n"
#define MW_4PX_HALVE_256(sum) "asr.w " sum ", " sum ", #7\n"

/* int8 output from 256 times the sum: offset in r4. */
#define MW_4PX_REQUANTIZE_ONCE(sum, multiplier)                                                \
    "smmla " sum ", " sum ", " multiplier ", r4\n"                                             \
    "ssat " sum ", #8, " sum ", asr #10\n"

#define MW_4PX_TWO(odd) MW_4PX_PAIR(odd) MW_4PX_PAIR(odd)
#define MW_4PX_EIGHT(odd) MW_4PX_TWO(odd) MW_4PX_TWO(odd) MW_4PX_TWO(odd) MW_4PX_TWO(odd)

/* The stack holds: pairs, loop entry, scales, y, 9 saved registers, channels (distance of
 * pixels), end of the pairs (comes as their number), channels left, zero point. The loop is
 * entered so that the number of pairs need not divide by those of a turn, one more than `last`: a
 * pair is `pair_bytes` of code. */
#define MW_4PX_BODY(turn, last, odd, pair_bytes, start, finish)                                \
    ".syntax unified\n"                                                                        \
    "push {r0-r11, lr}\n"                                                                      \
    "ldr r4, [sp, #56]\n"                                                                      \
    "add.w r5, r0, r4, lsl #4\n"                                                               \
    "str r5, [sp, #56]\n"                                                                      \
    "negs r4, r4\n"                                                                            \
    "and r4, r4, #" last "\n"                                                                  \
    "movs r5, #" pair_bytes "\n"                                                               \
    "adr.w r6, 3f\n"                                                                           \
    "mla r4, r4, r5, r6\n"                                                                     \
    "orr r4, r4, #1\n"                                                                         \
    "str r4, [sp, #4]\n"                                                                       \
                                                                                               \
    "1:\n" start                                                                               \
    "ldrd r0, r2, [sp]\n"                                                                      \
    "mov r7, r6\n"                                                                             \
    "mov r8, r6\n"                                                                             \
    "mov r9, r6\n"                                                                             \
    "mov r11, r10\n"                                                                           \
    "mov r12, r10\n"                                                                           \
    "mov lr, r10\n"                                                                            \
    "bx r2\n"                                                                                  \
                                                                                               \
    ".p2align 2\n"                                                                             \
    "3:\n" turn(odd)                                                                           \
    "ldr r2, [sp, #56]\n"                                                                      \
    "cmp r0, r2\n"                                                                             \
    "bne.w 3b\n"                                                                               \
                                                                                               \
    "ldrd r0, r5, [sp, #8]\n"                                                                  \
    "ldrd r2, r3, [r0], #8\n"                                                                  \
    "ldr r4, [sp, #64]\n" finish                                                               \
                                                                                               \
    "ldr r2, [sp, #52]\n"                                                                      \
    "ldr r3, [sp, #60]\n"                                                                      \
    "add.w r4, r5, r2, lsl #1\n"                                                               \
    "subs r3, r3, #2\n"                                                                        \
    "strb r6, [r5]\n"                                                                          \
    "strb r7, [r5, r2]\n"                                                                      \
    "strb r8, [r4]\n"                                                                          \
    "strb r9, [r4, r2]\n"                                                                      \
    "blt 2f\n"                                                                                 \
    "str r3, [sp, #60]\n"                                                                      \
    "strb r10, [r5, #1]!\n"                                                                    \
    "strb r12, [r4, #1]!\n"                                                                    \
    "strb r11, [r5, r2]\n"                                                                     \
    "strb lr, [r4, r2]\n"                                                                      \
    "add r5, r5, #1\n"                                                                         \
    "strd r0, r5, [sp, #8]\n"                                                                  \
    "bgt 1b\n"                                                                                 \
                                                                                               \
    "2:\n"                                                                                     \
    "add sp, sp, #16\n"                                                                        \
    "pop {r4-r11, pc}\n"

/* Packed words serve as they stand; the even channel's sums are then taken out of the mixed. */
#define MW_4PX_SPLIT                                                                           \
    "sub.w r10, r10, r6\n"                                                                     \
    "sub.w r11, r11, r7\n"                                                                     \
    "sub.w r12, r12, r8\n"                                                                     \
    "sub.w lr, lr, r9\n"

/* Even channel and odd (or mixed) start with their biases, and are rescaled one after the other. */
#define MW_4PX_START "ldrd r6, r10, [r1], #8\n"
#define MW_4PX_FINISH(split, odd_twice)                                                        \
    split                                                                                      \
    MW_4PX_REQUANTIZE(MW_4PX_DOUBLE, "r6") MW_4PX_REQUANTIZE(MW_4PX_DOUBLE, "r7")              \
    MW_4PX_REQUANTIZE(MW_4PX_DOUBLE, "r8") MW_4PX_REQUANTIZE(MW_4PX_DOUBLE, "r9")              \
    "ldrd r2, r3, [r0], #8\n"                                                                  \
    MW_4PX_REQUANTIZE(odd_twice, "r10") MW_4PX_REQUANTIZE(odd_twice, "r11")                    \
    MW_4PX_REQUANTIZE(odd_twice, "r12") MW_4PX_REQUANTIZE(odd_twice, "lr")

/* The mixed sums start with the odd channel's bias; the even channel's is added at the end. */
#define MW_4PX_START_ONCE                                                                      \
    "ldr.w r10, [r1], #4\n"                                                                    \
    "movs r6, #0\n"
#define MW_4PX_FINISH_ONCE                                                                     \
    MW_4PX_SPLIT                                                                               \
    "add.w r6, r2, r6, lsl #8\n"                                                               \
    "add.w r7, r2, r7, lsl #8\n"                                                               \
    "add.w r8, r2, r8, lsl #8\n"                                                               \
    "add.w r9, r2, r9, lsl #8\n"                                                               \
    "ldr.w r2, [r0], #4\n"                                                                     \
    MW_4PX_REQUANTIZE_ONCE("r6", "r3") MW_4PX_REQUANTIZE_ONCE("r7", "r3")                      \
    MW_4PX_REQUANTIZE_ONCE("r8", "r3") MW_4PX_REQUANTIZE_ONCE("r9", "r3")                      \
    MW_4PX_REQUANTIZE_ONCE("r10", "r2") MW_4PX_REQUANTIZE_ONCE("r11", "r2")                    \
    MW_4PX_REQUANTIZE_ONCE("r12", "r2") MW_4PX_REQUANTIZE_ONCE("lr", "r2")

#define MW_4PX_FUNCTION(name, turn, last, odd, pair_bytes, start, finish)                      \
    MW_ASSEMBLY static void name(                                                              \
        const int32_t *pairs __attribute__((unused)),                                          \
        const int32_t *weights __attribute__((unused)),                                        \
        const int32_t *scales __attribute__((unused)), int8_t *y __attribute__((unused)),      \
        int32_t channels __attribute__((unused)), int32_t pair_count __attribute__((unused)),  \
        int32_t channels_left __attribute__((unused)), int32_t zero __attribute__((unused)))   \
    {                                                                                          \
        __asm__ volatile(MW_4PX_BODY(turn, last, odd, pair_bytes, start, finish));                \
    }

#define MW_4PX_PLAIN_ODD "sxtb16 r2, r2, ror #8\n"

MW_4PX_FUNCTION(mw_matmul_s8_4px_packed, MW_4PX_EIGHT, "7", "", "48", MW_4PX_START,
                MW_4PX_FINISH(MW_4PX_SPLIT, MW_4PX_HALVE_256))
MW_4PX_FUNCTION(mw_matmul_s8_4px_packed_small, MW_4PX_TWO, "1", "", "48", MW_4PX_START,
                MW_4PX_FINISH(MW_4PX_SPLIT, MW_4PX_HALVE_256))
MW_4PX_FUNCTION(mw_matmul_s8_4px_once, MW_4PX_EIGHT, "7", "", "48", MW_4PX_START_ONCE,
                MW_4PX_FINISH_ONCE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_small, MW_4PX_TWO, "1", "", "48", MW_4PX_START_ONCE,
                MW_4PX_FINISH_ONCE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_plain, MW_4PX_EIGHT, "7", MW_4PX_PLAIN_ODD, "52", MW_4PX_START,
                MW_4PX_FINISH("", MW_4PX_DOUBLE))

#undef MW_4PX_PAIR
#undef MW_4PX_REQUANTIZE
#undef MW_4PX_DOUBLE
#undef MW_4PX_HALVE_256
#undef MW_4PX_REQUANTIZE_ONCE
#undef MW_4PX_TWO
#undef MW_4PX_EIGHT
#undef MW_4PX_PLAIN_ODD
#undef MW_4PX_BODY
#undef MW_4PX_SPLIT
#undef MW_4PX_START
#undef MW_4PX_FINISH
#undef MW_4PX_START_ONCE
#undef MW_4PX_FINISH_ONCE
#undef MW_4PX_FUNCTION

#else

MW_INLINE void mw_matmul_s8_4px_any(const int32_t *pairs, const int32_t *weights,
                                    const int32_t *scales, int8_t *y, int32_t channels,
                                    int32_t pair_count, int32_t channels_left, int32_t zero,
                                    int32_t packed, int32_t once)
{
    for (int32_t c = 0; c < channels_left; c += 2) {
        const int32_t *const words = weights + (once ? 1 : 2);
        for (int32_t p = 0; p < 4; p++) {
            int32_t even = once ? 0 : weights[0], odd = weights[once ? 0 : 1];
            for (int32_t i = 0; i < pair_count; i++) {
                even = mw_dot_pairs(pairs[4 * i + p], mw_even_bytes(words[i]), even);
                odd = mw_dot_odd(pairs[4 * i + p], words[i], odd, packed);
            }
            if (once) {
                mw_store_pair_once(y + p * channels + c, even, odd, scales, zero,
                                   channels_left - c);
                continue;
            }
            odd = mw_doubled_odd(odd, even, packed);
            y[p * channels + c] =
                (int8_t)mw_requantize_s8_dsp(2 * even, scales[0], scales[1], zero);
            if (c + 1 < channels_left) {
                y[p * channels + c + 1] =
                    (int8_t)mw_requantize_s8_dsp(odd, scales[2], scales[3], zero);
            }
        }
        weights = words + pair_count;
        scales += once ? 3 : 4;
    }
}

#define MW_4PX_FUNCTION(name, packed, once)                                                         \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,        \
        int32_t channels, int32_t pair_count, int32_t channels_left, int32_t zero)             \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        mw_matmul_s8_4px_any(pairs, weights, scales, y, channels, pair_count, channels_left,   \
                             zero, packed, once);                                              \
    }

MW_4PX_FUNCTION(mw_matmul_s8_4px_packed, 1, 0)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once, 1, 1)
MW_4PX_FUNCTION(mw_matmul_s8_4px_plain, 0, 0)

#define mw_matmul_s8_4px_packed_small mw_matmul_s8_4px_packed
#define mw_matmul_s8_4px_once_small mw_matmul_s8_4px_once

#undef MW_4PX_FUNCTION

#endif

/* pairs: the four pixels' activations, pair i of pixel p at [4 * i + p].
 * weights: for every two channels their biases, then `pair_count` words of weights.
 * scales: for every two channels multiplier, divisor, multiplier, divisor.
 * With `once`, which goes with `packed`, the odd channel's bias alone stands before its words, and
 * scales are the even channel's bias and multiplier, and the odd channel's multiplier; `zero` is
 * the offset.
 * y: channel c of pixel p at [p * channels + c]. */
MW_INLINE void mw_matmul_s8_4px(const int32_t *pairs, const int32_t *weights,
                                const int32_t *scales, int8_t *y, int32_t pair_count,
                                int32_t channels, int32_t zero, int32_t packed, int32_t once)
{
    if (once) {
        mw_matmul_s8_4px_once(pairs, weights, scales, y, channels, pair_count, channels, zero);
    } else if (packed) {
        mw_matmul_s8_4px_packed(pairs, weights, scales, y, channels, pair_count, channels, zero);
    } else {
        mw_matmul_s8_4px_plain(pairs, weights, scales, y, channels, pair_count, channels, zero);
    }
}

/* The same in little code. */
MW_INLINE void mw_matmul_s8_4px_small(const int32_t *pairs, const int32_t *weights,
                                      const int32_t *scales, int8_t *y, int32_t pair_count,
                                      int32_t channels, int32_t zero, int32_t packed, int32_t once)
{
    if (once) {
        mw_matmul_s8_4px_once_small(pairs, weights, scales, y, channels, pair_count, channels,
                                    zero);
    } else if (packed) {
        mw_matmul_s8_4px_packed_small(pairs, weights, scales, y, channels, pair_count, channels,
                                      zero);
    } else {
        mw_matmul_s8_4px_plain(pairs, weights, scales, y, channels, pair_count, channels, zero);
    }
}

#endif
