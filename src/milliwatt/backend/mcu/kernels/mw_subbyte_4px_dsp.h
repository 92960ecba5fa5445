/* SPDX-License-Identifier: MIT */
/* Four pixels times all filters of int4 or int2 weights, unpacked in registers.
 *
 * Two channels of four pixels are in flight, as in mw_matmul_s8_4px_dsp.h: 8 sums, 2 pairs of
 * activations, 2 pairs of weights, 2 pointers: all 14 registers, so a word of weights is loaded
 * again for each pair in it. Per pair of inputs (16 multiplications) int4 takes 1 load, 1 extension
 * and 1 mask of weights, 2 double loads of activations, 8 SMLAD = 13 instructions, 0.81 per
 * multiplication; int2 takes 1 mask more, and 1 shift for every second pair: 0.91. int8: 0.75. The
 * loop adds 3/8 of one, and the 8 outputs cost 85. */
#ifndef MW_SUBBYTE_4PX_DSP_H
#define MW_SUBBYTE_4PX_DSP_H

#include "mw_subbyte_dsp.h"

#if MW_HAS_DSP

/* One pair of inputs: even channel's sums in r6-r9, mixed ones in r10-r12 and lr; `unpack` makes
 * the even channel's factors in r3 and the mixed ones in r2. */
#define MW_SUB_PAIR(load, unpack)                                                              \
    load                                                                                       \
    "ldrd r4,r5,[r0],#8\n" unpack                                                              \
    "smlad r6,r4,r3,r6\n"                                                                      \
    "smlad r7,r5,r3,r7\n"                                                                      \
    "smlad r10,r4,r2,r10\n"                                                                    \
    "smlad r11,r5,r2,r11\n"                                                                    \
    "ldrd r4,r5,[r0],#8\n"                                                                     \
    "smlad r8,r4,r3,r8\n"                                                                      \
    "smlad r9,r5,r3,r9\n"                                                                      \
    "smlad r12,r4,r2,r12\n"                                                                    \
    "smlad lr,r5,r2,lr\n"

#define MW_SUB_AGAIN "ldr.w r2,[r1]\n"
#define MW_SUB_LAST "ldr.w r2,[r1],#4\n"
#define MW_SUB_HIGH "lsl.w r2,r2,#4\n"
#define MW_SUB_S4(bytes)                                                                       \
    "sxtb16 r2,r2" bytes "\n"                                                                  \
    "bic r3,r2,#0x000F000F\n"
#define MW_SUB_S2(bytes)                                                                       \
    "sxtb16 r2,r2" bytes "\n"                                                                  \
    "bic r3,r2,#0x003F003F\n"                                                                  \
    "bic r2,r2,#0x000F000F\n"

/* All pairs of one word of weights: 104 and 232 bytes of code. */
#define MW_SUB_WORD_S4                                                                         \
    MW_SUB_PAIR(MW_SUB_AGAIN, MW_SUB_S4(""))                                                   \
    MW_SUB_PAIR(MW_SUB_LAST, MW_SUB_S4(",ror #8"))
#define MW_SUB_WORD_S2                                                                         \
    MW_SUB_PAIR(MW_SUB_AGAIN, MW_SUB_S2(""))                                                   \
    MW_SUB_PAIR(MW_SUB_AGAIN MW_SUB_HIGH, MW_SUB_S2(""))                                       \
    MW_SUB_PAIR(MW_SUB_AGAIN, MW_SUB_S2(",ror #8"))                                            \
    MW_SUB_PAIR(MW_SUB_LAST MW_SUB_HIGH, MW_SUB_S2(",ror #8"))

#define MW_SUB_LOOP_S4 ".rept 4\n" MW_SUB_WORD_S4 ".endr\n"
#define MW_SUB_LOOP_S2 ".rept 2\n" MW_SUB_WORD_S2 ".endr\n"

#define MW_SUB_DOUBLE(sum) "lsl.w " sum ", " sum ", #1\n"
#define MW_SUB_EIGHTH(sum) "asr.w " sum ", " sum ", #3\n"
#define MW_SUB_32ND(sum) "asr.w " sum ", " sum ", #5\n"
#define MW_SUB_AWAY_FROM_ZERO(sum) "add.w " sum ", " sum ", " sum ", asr #31\n"
#define MW_SUB_UPWARDS(sum) ""

/* int8 output from `sum`: multiplier in r2, divisor in r3, zero in r4. */
#define MW_SUB_REQUANTIZE(twice, ties, sum)                                                    \
    twice(sum)                                                                                 \
    "smmulr " sum ", " sum ", r2\n" ties(sum)                                                  \
    "smmlsr " sum ", " sum ", r3, r4\n"                                                        \
    "ssat " sum ", #8, " sum "\n"

/* Four sums of a channel, each scaled by itself, or of a coarse layer: shifts in r4, then in r2. */
#define MW_SUB_FINE(twice, ties, a, b, c, d)                                                   \
    "ldrd r2, r3, [r0], #8\n"                                                                  \
    MW_SUB_REQUANTIZE(twice, ties, a) MW_SUB_REQUANTIZE(twice, ties, b)                        \
    MW_SUB_REQUANTIZE(twice, ties, c) MW_SUB_REQUANTIZE(twice, ties, d)

#define MW_SUB_ONCE(twice, sum)                                                                \
    twice(sum)                                                                                 \
    "lsl.w " sum ", " sum ", r4\n"                                                             \
    "smmulr " sum ", " sum ", r2\n"
#define MW_SUB_TWICE(ties, sum)                                                                \
    "lsl.w " sum ", " sum ", r2\n" ties(sum)                                                   \
    "smmlsr " sum ", " sum ", r3, r4\n"                                                        \
    "ssat " sum ", #8, " sum "\n"
#define MW_SUB_COARSE(twice, ties, a, b, c, d)                                                 \
    "ldrd r2, r4, [r0], #8\n"                                                                  \
    "ldr r3, [r0], #4\n"                                                                       \
    MW_SUB_ONCE(twice, a) MW_SUB_ONCE(twice, b) MW_SUB_ONCE(twice, c) MW_SUB_ONCE(twice, d)    \
    "lsr.w r2, r4, #8\n"                                                                       \
    "ldr r4, [sp, #64]\n"                                                                      \
    MW_SUB_TWICE(ties, a) MW_SUB_TWICE(ties, b) MW_SUB_TWICE(ties, c) MW_SUB_TWICE(ties, d)

/* The stack holds: pairs, loop entry, scales, y, 9 saved registers, channels (distance of
 * pixels), words of weights (then: end of the pairs, where the corrections are), channels left,
 * zero point. The loop is entered so that the number of words need not divide by `turn` + 1. */
#define MW_SUB_BODY(loop, turn, word_bytes, log2_pair_bytes, even_twice, odd_twice, scale, ties) \
    ".syntax unified\n"                                                                        \
    "push {r0-r11, lr}\n"                                                                      \
    "ldr r4, [sp, #56]\n"                                                                      \
    "add.w r5, r0, r4, lsl #" log2_pair_bytes "\n"                                             \
    "str r5, [sp, #56]\n"                                                                      \
    "negs r4, r4\n"                                                                            \
    "and r4, r4, #" turn "\n"                                                                  \
    "movs r5, #" word_bytes "\n"                                                               \
    "adr.w r6, 3f\n"                                                                           \
    "mla r4, r4, r5, r6\n"                                                                     \
    "orr r4, r4, #1\n"                                                                         \
    "str r4, [sp, #4]\n"                                                                       \
                                                                                               \
    "1:\n"                                                                                     \
    "ldr r0, [sp, #56]\n"                                                                      \
    "ldrd r6, lr, [r1], #8\n"                                                                  \
    "ldrd r10, r11, [r0]\n"                                                                    \
    "ldrd r12, r3, [r0, #8]\n"                                                                 \
    "ldrd r0, r2, [sp]\n"                                                                      \
    "mov r7, r6\n"                                                                             \
    "mov r8, r6\n"                                                                             \
    "mov r9, r6\n"                                                                             \
    "add r10, r10, lr\n"                                                                       \
    "add r11, r11, lr\n"                                                                       \
    "add r12, r12, lr\n"                                                                       \
    "add lr, lr, r3\n"                                                                         \
    "bx r2\n"                                                                                  \
                                                                                               \
    ".p2align 2\n"                                                                             \
    "3:\n" loop                                                                                \
    "ldr r2, [sp, #56]\n"                                                                      \
    "cmp r0, r2\n"                                                                             \
    "bne.w 3b\n"                                                                               \
                                                                                               \
    "sub.w r10, r10, r6\n"                                                                     \
    "sub.w r11, r11, r7\n"                                                                     \
    "sub.w r12, r12, r8\n"                                                                     \
    "sub.w lr, lr, r9\n"                                                                       \
    "ldrd r0, r5, [sp, #8]\n"                                                                  \
    "ldr r4, [sp, #64]\n"                                                                      \
    scale(even_twice, ties, "r6", "r7", "r8", "r9")                                            \
    scale(odd_twice, ties, "r10", "r11", "r12", "lr")                                          \
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
    "bgt.w 1b\n"                                                                               \
                                                                                               \
    "2:\n"                                                                                     \
    "add sp, sp, #16\n"                                                                        \
    "pop {r4-r11, pc}\n"

#define MW_SUB_FUNCTION(name, loop, turn, word_bytes, log2_pair_bytes, even, odd, scale, ties) \
    MW_ASSEMBLY static void name(                                                              \
        const int32_t *pairs __attribute__((unused)),                                          \
        const int32_t *weights __attribute__((unused)),                                        \
        const int32_t *scales __attribute__((unused)), int8_t *y __attribute__((unused)),      \
        int32_t channels __attribute__((unused)), int32_t words __attribute__((unused)),       \
        int32_t channels_left __attribute__((unused)), int32_t zero __attribute__((unused)))   \
    {                                                                                          \
        __asm__ volatile(                                                                      \
            MW_SUB_BODY(loop, turn, word_bytes, log2_pair_bytes, even, odd, scale, ties));     \
    }

#define MW_SUB_FUNCTION_S4(name, scale, ties)                                                  \
    MW_SUB_FUNCTION(name, MW_SUB_LOOP_S4, "3", "104", "5", MW_SUB_EIGHTH, MW_SUB_DOUBLE,       \
                    scale, ties)
#define MW_SUB_FUNCTION_S2(name, scale, ties)                                                  \
    MW_SUB_FUNCTION(name, MW_SUB_LOOP_S2, "1", "232", "6", MW_SUB_32ND, MW_SUB_EIGHTH, scale,  \
                    ties)

MW_SUB_FUNCTION_S4(mw_matmul_s4_4px, MW_SUB_FINE, MW_SUB_AWAY_FROM_ZERO)
MW_SUB_FUNCTION_S4(mw_matmul_s4_4px_relu, MW_SUB_FINE, MW_SUB_UPWARDS)
MW_SUB_FUNCTION_S4(mw_matmul_s4_4px_coarse, MW_SUB_COARSE, MW_SUB_AWAY_FROM_ZERO)
MW_SUB_FUNCTION_S2(mw_matmul_s2_4px, MW_SUB_FINE, MW_SUB_AWAY_FROM_ZERO)
MW_SUB_FUNCTION_S2(mw_matmul_s2_4px_relu, MW_SUB_FINE, MW_SUB_UPWARDS)
MW_SUB_FUNCTION_S2(mw_matmul_s2_4px_coarse, MW_SUB_COARSE, MW_SUB_AWAY_FROM_ZERO)

#undef MW_SUB_PAIR
#undef MW_SUB_AGAIN
#undef MW_SUB_LAST
#undef MW_SUB_HIGH
#undef MW_SUB_S4
#undef MW_SUB_S2
#undef MW_SUB_WORD_S4
#undef MW_SUB_WORD_S2
#undef MW_SUB_LOOP_S4
#undef MW_SUB_LOOP_S2
#undef MW_SUB_DOUBLE
#undef MW_SUB_EIGHTH
#undef MW_SUB_32ND
#undef MW_SUB_AWAY_FROM_ZERO
#undef MW_SUB_UPWARDS
#undef MW_SUB_REQUANTIZE
#undef MW_SUB_FINE
#undef MW_SUB_ONCE
#undef MW_SUB_TWICE
#undef MW_SUB_COARSE
#undef MW_SUB_BODY
#undef MW_SUB_FUNCTION
#undef MW_SUB_FUNCTION_S4
#undef MW_SUB_FUNCTION_S2

#else

MW_INLINE void mw_matmul_subbyte_4px_any(const int32_t *pairs, const int32_t *weights,
                                         const int32_t *scales, int8_t *y, int32_t channels,
                                         int32_t words, int32_t zero, int32_t bits,
                                         int32_t coarse)
{
    const int32_t each = mw_subbyte_pairs(bits), scale_words = mw_scale_words(coarse);
    const int32_t *const corrections = pairs + 4 * each * words;
    for (int32_t c = 0; c < channels; c += 2) {
        for (int32_t p = 0; p < 4; p++) {
            int32_t even = weights[0], mixed = mw_wrapping_add(weights[1], corrections[p]);
            for (int32_t i = 0; i < each * words; i++) {
                const int32_t both = mw_subbyte_mixed(weights[2 + i / each], i % each, bits);
                even = mw_dot_pairs(pairs[4 * i + p], mw_subbyte_even(both, bits), even);
                mixed = mw_dot_pairs(pairs[4 * i + p], both, mixed);
            }
            y[p * channels + c] =
                mw_requantize_s8_scales(mw_subbyte_doubled_even(even, bits), scales, zero, coarse);
            if (c + 1 < channels) {
                y[p * channels + c + 1] =
                    mw_requantize_s8_scales(mw_subbyte_doubled_odd(mixed, even, bits),
                                            scales + scale_words, zero, coarse);
            }
        }
        weights += 2 + words;
        scales += 2 * scale_words;
    }
}

#define MW_SUB_FUNCTION(name, bits, coarse)                                                    \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,        \
        int32_t channels, int32_t words, int32_t channels_left, int32_t zero)                  \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        (void)channels_left;                                                                   \
        mw_matmul_subbyte_4px_any(pairs, weights, scales, y, channels, words, zero, bits,      \
                                  coarse);                                                     \
    }

MW_SUB_FUNCTION(mw_matmul_s4_4px, 4, 0)
MW_SUB_FUNCTION(mw_matmul_s4_4px_coarse, 4, 1)
MW_SUB_FUNCTION(mw_matmul_s2_4px, 2, 0)
MW_SUB_FUNCTION(mw_matmul_s2_4px_coarse, 2, 1)

#undef MW_SUB_FUNCTION

#define mw_matmul_s4_4px_relu mw_matmul_s4_4px
#define mw_matmul_s2_4px_relu mw_matmul_s2_4px

#endif

/* The four pixels' corrections, written behind their pairs, `count` words. */
static MW_NOINLINE __attribute__((unused)) void mw_subbyte_corrections(int32_t *pairs,
                                                                       int32_t count, int32_t bits)
{
    MW_BARRIER();
    /* A map of fewer than four pixels has code for blocks of four, which never come, and no memory
     * for them: a compiler that knows how much there is would warn. */
    __asm__("" : "+r"(pairs));
    int32_t *const end = pairs + count;
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (; pairs != end; pairs += 8) {
        /* Kept from gcc 12's vectors for x86-64, which come out wrong. */
        __asm__("" : "+r"(sum0), "+r"(sum1), "+r"(sum2), "+r"(sum3));
        sum0 = mw_dot_pairs(mw_add_pairs(pairs[0], pairs[4]), 0x00010001, sum0);
        sum1 = mw_dot_pairs(mw_add_pairs(pairs[1], pairs[5]), 0x00010001, sum1);
        sum2 = mw_dot_pairs(mw_add_pairs(pairs[2], pairs[6]), 0x00010001, sum2);
        sum3 = mw_dot_pairs(mw_add_pairs(pairs[3], pairs[7]), 0x00010001, sum3);
    }
    end[0] = mw_subbyte_correction(sum0, bits);
    end[1] = mw_subbyte_correction(sum1, bits);
    end[2] = mw_subbyte_correction(sum2, bits);
    end[3] = mw_subbyte_correction(sum3, bits);
}

/* pairs: the four pixels' activations, pair i of pixel p at [4 * i + p], as many as the words hold;
 * the four corrections follow them here. weights: for every two channels the starting values of
 * their sums, then `words` words. scales: mw_scale_words of each channel. y: as for
 * mw_matmul_s8_4px. */
MW_INLINE void mw_matmul_subbyte_4px(int32_t *pairs, const int32_t *weights, const int32_t *scales,
                                     int8_t *y, int32_t words, int32_t channels, int32_t zero,
                                     int32_t relu, int32_t bits, int32_t coarse)
{
    mw_subbyte_corrections(pairs, 4 * mw_subbyte_pairs(bits) * words, bits);
    if (bits == 4 && coarse) {
        mw_matmul_s4_4px_coarse(pairs, weights, scales, y, channels, words, channels, zero);
    } else if (coarse) {
        mw_matmul_s2_4px_coarse(pairs, weights, scales, y, channels, words, channels, zero);
    } else if (bits == 4 && relu) {
        mw_matmul_s4_4px_relu(pairs, weights, scales, y, channels, words, channels, zero);
    } else if (bits == 4) {
        mw_matmul_s4_4px(pairs, weights, scales, y, channels, words, channels, zero);
    } else if (relu) {
        mw_matmul_s2_4px_relu(pairs, weights, scales, y, channels, words, channels, zero);
    } else {
        mw_matmul_s2_4px(pairs, weights, scales, y, channels, words, channels, zero);
    }
}

#endif
