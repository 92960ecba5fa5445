/* SPDX-License-Identifier: MIT */
/* Four pixels times all filters: the inner loop of every convolution but depthwise.
 *
 * Two channels of four pixels are in flight. Registers: 8 sums, 2 pairs of activations, 2 pairs of
 * weights, 2 pointers: all 14. Per pair of inputs (16 multiplications) with packed weights
 * (mw_channel_pair_dsp.h): 1 load and 1 extension of weights, 2 double loads of activations,
 * 8 SMLAD = 12 instructions, and 3/8 of one for the loop: 0.77 per multiplication. Plain weights
 * take one more. The 8 outputs then cost 70, and 44 in the `_once` functions, for layers that may
 * round once (mw_requantize_dsp.h): their mixed sums are 256 times the odd channel's as they stand,
 * and their first pair begins the sums, which saves copies of biases. The longer code of two
 * roundings has no room for that beside a window's in an instruction cache of 1 KB. Neither has the
 * `_deep` loop of 16 pairs a turn, 0.76 per multiplication, which pays for many pairs only.
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
/* int8 output from `sum`, which `twice` doubles: multiplier in r2, divisor in r3, zero in r5. */
#define MW_4PX_REQUANTIZE(twice, sum)                                                          \
    twice(sum)                                                                                 \
    "smmulr " sum ", " sum ", r2\n"                                                            \
    "add.w " sum ", " sum ", " sum ", asr #31\n"                                               \
    "smmlsr " sum ", " sum ", r3, r5\n"                                                        \
    "ssat " sum ", #8, " sum "\n"

#define MW_4PX_DOUBLE(sum) "lsl.w " sum ", " sum ", #1\n"
#define MW_4PX_HALVE_256(sum) "asr.w " sum ", " sum ", #7\n"

/* int8 output from 256 times the sum: offset in r5. */
#define MW_4PX_REQUANTIZE_ONCE(sum, multiplier)                                                \
    "smmla " sum ", " sum ", " multiplier ", r5\n"                                             \
    "ssat " sum ", #8, " sum ", asr #10\n"

/* A turn of the loop: so many pairs. */
#define MW_4PX_TURN(pairs, odd) ".rept " pairs "\n" MW_4PX_PAIR(odd) ".endr\n"

/* The stack holds: scales, y - 1, zero, pairs, 9 saved registers, loop entry (comes as the bytes
 * of the loop's code to leave out, and 1 for Thumb), channels (distance of pixels), end of the
 * weights, end of the pairs, weights. The end of the weights is a word less where the last channel
 * is odd, which says so. */
#define MW_4PX_BODY(pairs, odd, start, finish)                                                 \
    ".syntax unified\n"                                                                        \
    "push {r0-r11, lr}\n"                                                                      \
    "ldr r0, [sp, #52]\n"                                                                      \
    "adr r2, 3f\n"                                                                             \
    "add r0, r2\n"                                                                             \
    "str r0, [sp, #52]\n"                                                                      \
    "subs r1, #1\n"                                                                            \
    "str r1, [sp, #4]\n"                                                                       \
    "ldr r1, [sp, #68]\n"                                                                      \
                                                                                               \
    "1:\n"                                                                                     \
    "ldr r0, [sp, #12]\n" start                                                                \
    "ldr.w pc, [sp, #52]\n"                                                                    \
                                                                                               \
    ".p2align 2\n"                                                                             \
    "3:\n" MW_4PX_TURN(pairs, odd)                                                             \
    "ldr r2, [sp, #64]\n"                                                                      \
    "cmp r0, r2\n"                                                                             \
    "bne.w 3b\n"                                                                               \
                                                                                               \
    "ldmia.w sp, {r0, r4, r5}\n"                                                               \
    "ldrd r2, r3, [r0], #8\n" finish                                                           \
                                                                                               \
    "ldrd r2, r3, [sp, #56]\n"                                                                 \
    "cmp r1, r3\n"                                                                             \
    "add.w r5, r4, r2, lsl #1\n"                                                               \
    "strb r6, [r4, #1]!\n"                                                                     \
    "strb r7, [r4, r2]\n"                                                                      \
    "strb r8, [r5, #1]!\n"                                                                     \
    "strb r9, [r5, r2]\n"                                                                      \
    "bhi 2f\n"                                                                                 \
    "strb r10, [r4, #1]!\n"                                                                    \
    "strb r12, [r5, #1]!\n"                                                                    \
    "strb r11, [r4, r2]\n"                                                                     \
    "strb lr, [r5, r2]\n"                                                                      \
    "strd r0, r4, [sp]\n"                                                                      \
    "blo.w 1b\n"                                                                               \
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
#define MW_4PX_BEGIN(sum, input) "smlad " sum ", " input ", r3, r9\n"
#define MW_4PX_START "ldrd r9, lr, [r1], #8\n" MW_4PX_FIRST(MW_4PX_PLAIN_ODD, MW_4PX_BEGIN)
#define MW_4PX_FINISH(split, odd_twice)                                                        \
    split                                                                                      \
    MW_4PX_REQUANTIZE(MW_4PX_DOUBLE, "r6") MW_4PX_REQUANTIZE(MW_4PX_DOUBLE, "r7")              \
    MW_4PX_REQUANTIZE(MW_4PX_DOUBLE, "r8") MW_4PX_REQUANTIZE(MW_4PX_DOUBLE, "r9")              \
    "ldrd r2, r3, [r0], #8\n"                                                                  \
    MW_4PX_REQUANTIZE(odd_twice, "r10") MW_4PX_REQUANTIZE(odd_twice, "r11")                    \
    MW_4PX_REQUANTIZE(odd_twice, "r12") MW_4PX_REQUANTIZE(odd_twice, "lr")

/* The mixed sums start with the odd channel's bias; the even channel's is added at the end. */
#define MW_4PX_BEGIN_ONCE(sum, input) "smuad " sum ", " input ", r3\n"
#define MW_4PX_START_ONCE "ldr.w lr, [r1], #4\n" MW_4PX_FIRST("", MW_4PX_BEGIN_ONCE)
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

#define MW_4PX_FUNCTION(name, turn, odd, start, finish)                                        \
    MW_ASSEMBLY static void name(                                                              \
        const int32_t *scales __attribute__((unused)), int8_t *y __attribute__((unused)),      \
        int32_t zero __attribute__((unused)), const int32_t *pairs __attribute__((unused)),    \
        int32_t skip __attribute__((unused)), int32_t channels __attribute__((unused)),        \
        const int32_t *weights_end __attribute__((unused)),                                    \
        const int32_t *pairs_end __attribute__((unused)),                                      \
        const int32_t *weights __attribute__((unused)))                                        \
    {                                                                                          \
        __asm__ volatile(MW_4PX_BODY(turn, odd, start, finish));                               \
    }

#define MW_4PX_PLAIN_ODD "sxtb16 r2, r2, ror #8\n"

MW_4PX_FUNCTION(mw_matmul_s8_4px_packed, "8", "", MW_4PX_START_LOOP,
                MW_4PX_FINISH(MW_4PX_SPLIT, MW_4PX_HALVE_256))
MW_4PX_FUNCTION(mw_matmul_s8_4px_packed_small, "2", "", MW_4PX_START_LOOP,
                MW_4PX_FINISH(MW_4PX_SPLIT, MW_4PX_HALVE_256))
MW_4PX_FUNCTION(mw_matmul_s8_4px_once, "8", "", MW_4PX_START_ONCE, MW_4PX_FINISH_ONCE)
#ifndef __OPTIMIZE_SIZE__
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_deep, "16", "", MW_4PX_START_ONCE,
                MW_4PX_FINISH_ONCE)
#endif
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_small, "2", "", MW_4PX_START_LOOP_ONCE,
                MW_4PX_FINISH_ONCE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_plain, "8", MW_4PX_PLAIN_ODD,
                MW_4PX_START, MW_4PX_FINISH("", MW_4PX_DOUBLE))

#undef MW_4PX_PAIR
#undef MW_4PX_REQUANTIZE
#undef MW_4PX_DOUBLE
#undef MW_4PX_HALVE_256
#undef MW_4PX_REQUANTIZE_ONCE
#undef MW_4PX_FIRST
#undef MW_4PX_TURN
#undef MW_4PX_BEGIN
#undef MW_4PX_BEGIN_ONCE
#undef MW_4PX_COPY
#undef MW_4PX_START_LOOP
#undef MW_4PX_START_LOOP_ONCE
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
                                    int32_t pair_count, int32_t zero, int32_t packed, int32_t once)
{
    for (int32_t c = 0; c < channels; c += 2) {
        const int32_t *const words = weights + (once ? 1 : 2);
        for (int32_t p = 0; p < 4; p++) {
            int32_t even = once ? 0 : weights[0], odd = weights[once ? 0 : 1];
            for (int32_t i = 0; i < pair_count; i++) {
                even = mw_dot_pairs(pairs[4 * i + p], mw_even_bytes(words[i]), even);
                odd = mw_dot_odd(pairs[4 * i + p], words[i], odd, packed);
            }
            if (once) {
                mw_store_pair_once(y + p * channels + c, even, odd, scales, zero,
                                   channels - c);
                continue;
            }
            odd = mw_doubled_odd(odd, even, packed);
            y[p * channels + c] =
                (int8_t)mw_requantize_s8_dsp(2 * even, scales[0], scales[1], zero);
            if (c + 1 < channels) {
                y[p * channels + c + 1] =
                    (int8_t)mw_requantize_s8_dsp(odd, scales[2], scales[3], zero);
            }
        }
        weights = words + pair_count;
        scales += once ? 3 : 4;
    }
}

#define MW_4PX_FUNCTION(name, packed, once)                                                    \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const int32_t *scales, int8_t *y, int32_t zero, const int32_t *pairs, int32_t skip,    \
        int32_t channels, const int32_t *weights_end, const int32_t *pairs_end,                \
        const int32_t *weights)                                                                \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        (void)skip;                                                                            \
        (void)weights_end;                                                                     \
        mw_matmul_s8_4px_any(pairs, weights, scales, y, channels,                              \
                             (int32_t)(pairs_end - pairs) / 4, zero, packed, once);            \
    }

MW_4PX_FUNCTION(mw_matmul_s8_4px_packed, 1, 0)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once, 1, 1)
MW_4PX_FUNCTION(mw_matmul_s8_4px_plain, 0, 0)

#define mw_matmul_s8_4px_packed_small mw_matmul_s8_4px_packed
#define mw_matmul_s8_4px_once_small mw_matmul_s8_4px_once

#undef MW_4PX_FUNCTION

#endif

/* Pairs of a turn of the longer loop, which there is where code does not count most. */
#if MW_HAS_DSP && !defined(__OPTIMIZE_SIZE__)
#define MW_4PX_DEEP_TURN 16
#else
#define MW_4PX_DEEP_TURN 8
#define mw_matmul_s8_4px_once_deep mw_matmul_s8_4px_once
#endif

/* What a call needs besides pointers to the block: the same for all blocks of a layer. */
typedef struct {
    const int32_t *weights, *weights_end, *scales;
    int32_t pair_count, channels, zero;
    int32_t skip; /* code of the loop to leave out at first */
} mw_matmul_4px;

/* `turn` pairs are multiplied in a turn of the loop, `before` pairs before it. */
MW_INLINE int32_t mw_skip_4px(int32_t pair_count, int32_t before, int32_t turn, int32_t pair_bytes)
{
    const int32_t left = pair_count - before;
    const int32_t some = before == 0 || left > 0;
    const int32_t skipped = some ? (int32_t)(-(uint32_t)left & (uint32_t)(turn - 1)) : turn;
    return skipped * pair_bytes + 1;
}

MW_INLINE mw_matmul_4px mw_make_matmul_4px(const int32_t *weights, const int32_t *scales,
                                           int32_t pair_count, int32_t channels, int32_t zero,
                                           int32_t packed, int32_t once, int32_t before,
                                           int32_t turn)
{
    const int32_t words = pair_count + (once ? 1 : 2);
    const mw_matmul_4px layer = {weights,
                                 weights + ((channels + 1) >> 1) * words - (channels & 1),
                                 scales,
                                 pair_count,
                                 channels,
                                 zero,
                                 mw_skip_4px(pair_count, before, turn, packed ? 48 : 52)};
    return layer;
}

#define MW_4PX_CALL(name)                                                                      \
    name(layer->scales, y, layer->zero, pairs, layer->skip, layer->channels,                   \
         layer->weights_end, pairs + 4 * layer->pair_count, layer->weights)

/* pairs: the four pixels' activations, pair i of pixel p at [4 * i + p].
 * weights: for every two channels their biases, then `pair_count` words of weights.
 * scales: for every two channels multiplier, divisor, multiplier, divisor.
 * With `once` 1 or 2, which goes with `packed`, the odd channel's bias alone stands before its
 * words, scales are the even channel's bias and multiplier and the odd channel's multiplier, and
 * `zero` is the offset; 2 takes the longer loop, which pays for many pairs.
 * y: channel c of pixel p at [p * channels + c]. */
MW_INLINE void mw_matmul_s8_4px(const int32_t *pairs, const mw_matmul_4px *layer, int8_t *y,
                                int32_t packed, int32_t once)
{
    if (once == 2) {
        MW_4PX_CALL(mw_matmul_s8_4px_once_deep);
    } else if (once) {
        MW_4PX_CALL(mw_matmul_s8_4px_once);
    } else if (packed) {
        MW_4PX_CALL(mw_matmul_s8_4px_packed);
    } else {
        MW_4PX_CALL(mw_matmul_s8_4px_plain);
    }
}

MW_INLINE mw_matmul_4px mw_layer_4px(const int32_t *weights, const int32_t *scales,
                                     int32_t pair_count, int32_t channels, int32_t zero,
                                     int32_t packed, int32_t once)
{
    return mw_make_matmul_4px(weights, scales, pair_count, channels, zero, packed, once,
                              once || !packed, once == 2 ? MW_4PX_DEEP_TURN : 8);
}

/* The same in little code: plain words have none of their own. */
MW_INLINE void mw_matmul_s8_4px_small(const int32_t *pairs, const mw_matmul_4px *layer, int8_t *y,
                                      int32_t packed, int32_t once)
{
    if (once) {
        MW_4PX_CALL(mw_matmul_s8_4px_once_small);
    } else if (packed) {
        MW_4PX_CALL(mw_matmul_s8_4px_packed_small);
    } else {
        MW_4PX_CALL(mw_matmul_s8_4px_plain);
    }
}

MW_INLINE mw_matmul_4px mw_layer_4px_small(const int32_t *weights, const int32_t *scales,
                                           int32_t pair_count, int32_t channels, int32_t zero,
                                           int32_t packed, int32_t once)
{
    return mw_make_matmul_4px(weights, scales, pair_count, channels, zero, packed, once,
                              packed ? 0 : 1, packed ? 2 : 8);
}

#undef MW_4PX_CALL

#endif
