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
 * Coarse layers have plain words, and 86 instructions for 8 outputs; brief scales cost 10.
 * No compiler at hand keeps this in 14 registers, hence the assembly; the C below it computes the
 * same and serves other machines. */
#ifndef MW_MATMUL_S8_4PX_DSP_H
#define MW_MATMUL_S8_4PX_DSP_H

#include "mw_pair_scales_dsp.h"

#if MW_HAS_DSP

#include "mw_matmul_4px_ends_dsp.h"

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

/* A turn of the loop: so many pairs. */
#define MW_4PX_TURN(pairs, odd) ".rept " pairs "\n" MW_4PX_PAIR(odd) ".endr\n"

/* The stack holds: scales, y - 1, zero, pairs, 9 saved registers, loop entry (comes as the bytes
 * of the loop's code to leave out, and 1 for Thumb), distance of pixels, end of the weights, end of
 * the pairs, weights. The end of the weights is a byte less after an odd number of channels, which
 * says so. */
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
    "ldmia.w sp, {r0, r4, r5}\n" finish                                                        \
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

#define MW_4PX_FUNCTION(name, turn, odd, start, finish)                                        \
    MW_ASSEMBLY static void name(                                                              \
        const int32_t *scales __attribute__((unused)), int8_t *y __attribute__((unused)),      \
        int32_t zero __attribute__((unused)), const int32_t *pairs __attribute__((unused)),    \
        int32_t skip __attribute__((unused)), int32_t distance __attribute__((unused)),        \
        const int8_t *weights_end __attribute__((unused)),                                     \
        const int32_t *pairs_end __attribute__((unused)),                                      \
        const int32_t *weights __attribute__((unused)))                                        \
    {                                                                                          \
        __asm__ volatile(MW_4PX_BODY(turn, odd, start, finish));                               \
    }

MW_4PX_FUNCTION(mw_matmul_s8_4px_packed, "8", "", MW_4PX_START_LOOP, MW_4PX_FINISH_PACKED)
MW_4PX_FUNCTION(mw_matmul_s8_4px_packed_small, "2", "", MW_4PX_START_LOOP, MW_4PX_FINISH_PACKED)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once, "8", "", MW_4PX_START_ONCE, MW_4PX_FINISH_ONCE("10"))
#ifndef __OPTIMIZE_SIZE__
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_deep, "16", "", MW_4PX_START_ONCE,
                MW_4PX_FINISH_ONCE("10"))
#endif
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_small, "2", "", MW_4PX_START_LOOP_ONCE,
                MW_4PX_FINISH_ONCE("10"))
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_large, "8", "", MW_4PX_START_ONCE, MW_4PX_FINISH_ONCE("5"))
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_fine, "8", "", MW_4PX_START_ONCE, MW_4PX_FINISH_ONCE("16"))
MW_4PX_FUNCTION(mw_matmul_s8_4px_twice_brief, "2", "", MW_4PX_START_TWICE_BRIEF,
                MW_4PX_FINISH_TWICE_BRIEF)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_brief, "2", "", MW_4PX_START_ONCE_BRIEF,
                MW_4PX_FINISH_ONCE_BRIEF)
MW_4PX_FUNCTION(mw_matmul_s8_4px_plain, "8", MW_4PX_PLAIN_ODD,
                MW_4PX_START, MW_4PX_FINISH("", MW_4PX_DOUBLE))
MW_4PX_FUNCTION(mw_matmul_s8_4px_coarse, "8", MW_4PX_PLAIN_ODD, MW_4PX_START,
                MW_4PX_FINISH_COARSE)

#undef MW_4PX_PAIR
#undef MW_4PX_FIRST
#undef MW_4PX_REQUANTIZE
#undef MW_4PX_DIVIDE
#undef MW_4PX_DOUBLE
#undef MW_4PX_HALVE_256
#undef MW_4PX_REQUANTIZE_ONCE
#undef MW_4PX_TURN
#undef MW_4PX_BODY
#undef MW_4PX_SPLIT
#undef MW_4PX_BEGIN
#undef MW_4PX_START
#undef MW_4PX_FOUR
#undef MW_4PX_EVEN
#undef MW_4PX_ODD
#undef MW_4PX_FINISH
#undef MW_4PX_SHIFT
#undef MW_4PX_MULTIPLY
#undef MW_4PX_COARSE
#undef MW_4PX_FINISH_COARSE
#undef MW_4PX_BEGIN_ONCE
#undef MW_4PX_START_ONCE
#undef MW_4PX_ADD_BIAS
#undef MW_4PX_EIGHT_ONCE
#undef MW_4PX_FINISH_ONCE
#undef MW_4PX_COPY
#undef MW_4PX_START_LOOP
#undef MW_4PX_START_LOOP_ONCE
#undef MW_4PX_START_TWICE_BRIEF
#undef MW_4PX_FINISH_TWICE_BRIEF
#undef MW_4PX_START_ONCE_BRIEF
#undef MW_4PX_BRIEF_MULTIPLIER
#undef MW_4PX_FINISH_ONCE_BRIEF
#undef MW_4PX_FUNCTION
#undef MW_4PX_PLAIN_ODD
#undef MW_4PX_FINISH_PACKED

#else

/* Where the weights end, a byte less after an odd number of channels, says how many there are. */
MW_INLINE void mw_matmul_s8_4px_any(const int32_t *pairs, const int32_t *weights,
                                    const int8_t *weights_end, const int32_t *scales, int8_t *y,
                                    int32_t distance, int32_t pair_count, int32_t zero,
                                    int32_t packed, int32_t form)
{
    const int32_t before = mw_pair_words_before(form);
    for (int32_t c = 0; (const int8_t *)weights < weights_end; c += 2) {
        const int32_t *const words = weights + before, *const next = words + pair_count;
        const int32_t count = (const int8_t *)next > weights_end ? 1 : 2;
        for (int32_t p = 0; p < 4; p++) {
            mw_pair_sums sums = mw_pair_start(weights, scales, form);
            for (int32_t i = 0; i < pair_count; i++) {
                sums.even = mw_dot_pairs(pairs[4 * i + p], mw_even_bytes(words[i]), sums.even);
                sums.odd = mw_dot_odd(pairs[4 * i + p], words[i], sums.odd, packed);
            }
            mw_store_pair(y + p * distance + c, sums, scales, zero, count, packed, form);
        }
        weights = next;
        scales = mw_next_pair_scales(scales, form);
    }
}

#define MW_4PX_FUNCTION(name, packed, form)                                                    \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const int32_t *scales, int8_t *y, int32_t zero, const int32_t *pairs, int32_t skip,    \
        int32_t distance, const int8_t *weights_end, const int32_t *pairs_end,                 \
        const int32_t *weights)                                                                \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        (void)skip;                                                                            \
        mw_matmul_s8_4px_any(pairs, weights, weights_end, scales, y, distance,                 \
                             (int32_t)(pairs_end - pairs) / 4, zero, packed, form);            \
    }

MW_4PX_FUNCTION(mw_matmul_s8_4px_packed, 1, MW_PAIR_TWICE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once, 1, MW_PAIR_ONCE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_large, 1, MW_PAIR_ONCE_LARGE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_fine, 1, MW_PAIR_ONCE_FINE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_plain, 0, MW_PAIR_TWICE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_coarse, 0, MW_PAIR_COARSE)
MW_4PX_FUNCTION(mw_matmul_s8_4px_twice_brief, 1, MW_PAIR_TWICE_BRIEF)
MW_4PX_FUNCTION(mw_matmul_s8_4px_once_brief, 1, MW_PAIR_ONCE_BRIEF)

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
    const int32_t *weights;
    const int8_t *weights_end;
    const int32_t *scales;
    int32_t pair_count;
    int32_t distance; /* of pixels in y */
    int32_t zero;
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
                                           int32_t packed, int32_t form, int32_t before,
                                           int32_t turn)
{
    const int32_t words = pair_count + mw_pair_words_before(form);
    const int8_t *const end = (const int8_t *)(weights + ((channels + 1) >> 1) * words);
    const mw_matmul_4px layer = {weights,
                                 end - (channels & 1),
                                 scales,
                                 pair_count,
                                 channels,
                                 zero,
                                 mw_skip_4px(pair_count, before, turn, packed ? 48 : 52)};
    return layer;
}

#define MW_4PX_CALL(name)                                                                      \
    name(layer->scales, y, layer->zero, pairs, layer->skip, layer->distance,                   \
         layer->weights_end, pairs + 4 * layer->pair_count, layer->weights)

/* pairs: the four pixels' activations, pair i of pixel p at [4 * i + p].
 * weights: for every two channels what `form` wants before them (mw_pair_scales_dsp.h), then
 * `pair_count` words. Words are packed but in some layers that round twice. zero: the zero point, or
 * the offset where sums are rounded once. y: channel c of pixel p at [p * distance + c]. */
MW_INLINE void mw_matmul_s8_4px(const int32_t *pairs, const mw_matmul_4px *layer, int8_t *y,
                                int32_t packed, int32_t form)
{
    if (form == MW_PAIR_ONCE_DEEP) {
        MW_4PX_CALL(mw_matmul_s8_4px_once_deep);
    } else if (form == MW_PAIR_ONCE) {
        MW_4PX_CALL(mw_matmul_s8_4px_once);
    } else if (form == MW_PAIR_ONCE_LARGE) {
        MW_4PX_CALL(mw_matmul_s8_4px_once_large);
    } else if (form == MW_PAIR_ONCE_FINE) {
        MW_4PX_CALL(mw_matmul_s8_4px_once_fine);
    } else if (form == MW_PAIR_COARSE) {
        MW_4PX_CALL(mw_matmul_s8_4px_coarse);
    } else if (packed) {
        MW_4PX_CALL(mw_matmul_s8_4px_packed);
    } else {
        MW_4PX_CALL(mw_matmul_s8_4px_plain);
    }
}

MW_INLINE mw_matmul_4px mw_layer_4px(const int32_t *weights, const int32_t *scales,
                                     int32_t pair_count, int32_t channels, int32_t zero,
                                     int32_t packed, int32_t form)
{
    return mw_make_matmul_4px(weights, scales, pair_count, channels, zero, packed, form,
                              mw_pair_is_once(form) || !packed,
                              form == MW_PAIR_ONCE_DEEP ? MW_4PX_DEEP_TURN : 8);
}

/* Whether there is a loop of little code; rare forms and plain words have none of their own. */
MW_INLINE int32_t mw_has_small_4px(int32_t packed, int32_t form)
{
    return packed && form != MW_PAIR_ONCE_LARGE && form != MW_PAIR_ONCE_FINE;
}

/* The same in little code, and with brief scales. */
MW_INLINE void mw_matmul_s8_4px_small(const int32_t *pairs, const mw_matmul_4px *layer, int8_t *y,
                                      int32_t packed, int32_t form)
{
    if (form == MW_PAIR_TWICE_BRIEF) {
        MW_4PX_CALL(mw_matmul_s8_4px_twice_brief);
    } else if (form == MW_PAIR_ONCE_BRIEF) {
        MW_4PX_CALL(mw_matmul_s8_4px_once_brief);
    } else if (!mw_has_small_4px(packed, form)) {
        mw_matmul_s8_4px(pairs, layer, y, packed, form);
    } else if (form == MW_PAIR_ONCE) {
        MW_4PX_CALL(mw_matmul_s8_4px_once_small);
    } else {
        MW_4PX_CALL(mw_matmul_s8_4px_packed_small);
    }
}

MW_INLINE mw_matmul_4px mw_layer_4px_small(const int32_t *weights, const int32_t *scales,
                                           int32_t pair_count, int32_t channels, int32_t zero,
                                           int32_t packed, int32_t form)
{
    const int32_t is_small = mw_has_small_4px(packed, form);
    return mw_make_matmul_4px(weights, scales, pair_count, channels, zero, packed, form,
                              is_small ? 0 : 1, is_small ? 2 : 8);
}

#undef MW_4PX_CALL

#endif
