/* SPDX-License-Identifier: MIT */
/* Eight pixels times filters of which most weights are zero: only pairs of weights that are not
 * both zero are stored, and skipped to.
 *
 * One channel of eight pixels is in flight. Registers: 8 sums, 2 pairs of activations, 1 pair of
 * weights, 1 distance, 2 pointers: all 14. Per stored pair (16 multiplications): 1 load, 1
 * extension and 1 mask of the word, 4 double loads of activations, 8 SMLAD, 1 addition and 1
 * branch = 17 instructions, 1.06 per multiplication, where mw_matmul_s8_4px_dsp.h takes 0.77 for
 * every one: it pays where less than 0.72 of the pairs are stored. The 8 outputs then cost 79, or
 * 72 with RELU; those of a channel without weights 21. */
#ifndef MW_SPARSE_8PX_DSP_H
#define MW_SPARSE_8PX_DSP_H

#include "mw_requantize_dsp.h"

/* A stored pair: bytes 0 and 2 are the weights; byte 1 is how many pairs further the next one is,
 * 0 at the channel's last. A channel: the position of its first pair (times 32), its bias, its
 * stored pairs; or a negative word and the channel's only output. */

#if MW_HAS_DSP

#define MW_8PX_PIXELS(offset, first, second)                                                   \
    "ldrd r4, r5, [r0, #" offset "]\n"                                                         \
    "smlad " first ", r4, r2, " first "\n"                                                     \
    "smlad " second ", r5, r2, " second "\n"

#define MW_8PX_REQUANTIZE(ties, sum)                                                           \
    "lsl.w " sum ", " sum ", #1\n"                                                             \
    "smmulr " sum ", " sum ", r2\n" ties(sum)                                                  \
    "smmlsr " sum ", " sum ", r3, r4\n"                                                        \
    "ssat " sum ", #8, " sum "\n"

#define MW_8PX_AWAY_FROM_ZERO(sum) "add.w " sum ", " sum ", " sum ", asr #31\n"
#define MW_8PX_UPWARDS(sum) ""

/* The stack holds: pairs, nothing, scales, y, 9 saved registers, channels (distance of pixels),
 * channels left, zero point. */
#define MW_8PX_BODY(ties)                                                                      \
    ".syntax unified\n"                                                                        \
    "push {r0-r11, lr}\n"                                                                      \
    "1:\n"                                                                                     \
    "ldrd r2, r6, [r1], #8\n"                                                                  \
    "ldrd r0, r5, [sp, #8]\n"                                                                  \
    "cmp r2, #0\n"                                                                             \
    "blt.w 4f\n"                                                                               \
    "ldr r0, [sp]\n"                                                                           \
    "mov r7, r6\n"                                                                             \
    "mov r8, r6\n"                                                                             \
    "mov r9, r6\n"                                                                             \
    "mov r10, r6\n"                                                                            \
    "mov r11, r6\n"                                                                            \
    "mov r12, r6\n"                                                                            \
    "mov lr, r6\n"                                                                             \
    "add r0, r0, r2\n"                                                                         \
    "3:\n"                                                                                     \
    "ldr r2, [r1], #4\n"                                                                       \
    "ands r3, r2, #0xFF00\n"                                                                   \
    "sxtb16 r2, r2\n"                                                                          \
    MW_8PX_PIXELS("0", "r6", "r7") MW_8PX_PIXELS("8", "r8", "r9")                              \
    MW_8PX_PIXELS("16", "r10", "r11") MW_8PX_PIXELS("24", "r12", "lr")                         \
    "add.w r0, r0, r3, lsr #3\n"                                                               \
    "bne 3b\n"                                                                                 \
                                                                                               \
    "ldrd r0, r5, [sp, #8]\n"                                                                  \
    "ldr r4, [sp, #60]\n"                                                                      \
    "ldrd r2, r3, [r0], #8\n"                                                                  \
    MW_8PX_REQUANTIZE(ties, "r6") MW_8PX_REQUANTIZE(ties, "r7")                                \
    MW_8PX_REQUANTIZE(ties, "r8") MW_8PX_REQUANTIZE(ties, "r9")                                \
    MW_8PX_REQUANTIZE(ties, "r10") MW_8PX_REQUANTIZE(ties, "r11")                              \
    MW_8PX_REQUANTIZE(ties, "r12") MW_8PX_REQUANTIZE(ties, "lr")                               \
    "ldrd r2, r3, [sp, #52]\n"                                                                 \
    "add.w r4, r5, r2, lsl #1\n"                                                               \
    "strb r7, [r5, r2]\n"                                                                      \
    "strb r6, [r5], #1\n"                                                                      \
    "strb r8, [r4]\n"                                                                          \
    "strb r9, [r4, r2]\n"                                                                      \
    "add.w r4, r4, r2, lsl #1\n"                                                               \
    "strb r10, [r4]\n"                                                                         \
    "strb r11, [r4, r2]\n"                                                                     \
    "add.w r4, r4, r2, lsl #1\n"                                                               \
    "strb r12, [r4]\n"                                                                         \
    "strb lr, [r4, r2]\n"                                                                      \
    "strd r0, r5, [sp, #8]\n"                                                                  \
    "subs r3, r3, #1\n"                                                                        \
    "str r3, [sp, #56]\n"                                                                      \
    "bgt.w 1b\n"                                                                               \
    "5:\n"                                                                                     \
    "add sp, sp, #16\n"                                                                        \
    "pop {r4-r11, pc}\n"                                                                       \
                                                                                               \
    "4:\n"                                                                                     \
    "ldrd r2, r3, [sp, #52]\n"                                                                 \
    "add.w r4, r5, r2, lsl #1\n"                                                               \
    "strb r6, [r5, r2]\n"                                                                      \
    "strb r6, [r5], #1\n"                                                                      \
    "strb r6, [r4]\n"                                                                          \
    "strb r6, [r4, r2]\n"                                                                      \
    "add.w r4, r4, r2, lsl #1\n"                                                               \
    "strb r6, [r4]\n"                                                                          \
    "strb r6, [r4, r2]\n"                                                                      \
    "add.w r4, r4, r2, lsl #1\n"                                                               \
    "strb r6, [r4]\n"                                                                          \
    "strb r6, [r4, r2]\n"                                                                      \
    "str r5, [sp, #12]\n"                                                                      \
    "subs r3, r3, #1\n"                                                                        \
    "str r3, [sp, #56]\n"                                                                      \
    "bgt.w 1b\n"                                                                               \
    "b 5b\n"

#define MW_8PX_FUNCTION(name, ties)                                                            \
    MW_ASSEMBLY static void name(                                                              \
        const int32_t *pairs __attribute__((unused)),                                          \
        const int32_t *weights __attribute__((unused)),                                        \
        const int32_t *scales __attribute__((unused)), int8_t *y __attribute__((unused)),      \
        int32_t channels __attribute__((unused)), int32_t left __attribute__((unused)),        \
        int32_t zero __attribute__((unused)))                                                  \
    {                                                                                          \
        __asm__ volatile(MW_8PX_BODY(ties));                                                   \
    }

MW_8PX_FUNCTION(mw_sparse_8px_any, MW_8PX_AWAY_FROM_ZERO)
MW_8PX_FUNCTION(mw_sparse_8px_relu, MW_8PX_UPWARDS)

#undef MW_8PX_PIXELS
#undef MW_8PX_REQUANTIZE
#undef MW_8PX_AWAY_FROM_ZERO
#undef MW_8PX_UPWARDS
#undef MW_8PX_BODY
#undef MW_8PX_FUNCTION

#else

static MW_NOINLINE __attribute__((unused)) void mw_sparse_8px_any(
    const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,
    int32_t channels, int32_t left, int32_t zero)
{
    MW_BARRIER();
    for (; left > 0; left--) {
        const int32_t first = *weights++, bias = *weights++;
        const int32_t *entries = weights;
        for (int32_t p = 0; p < 8; p++) {
            const int32_t *x = pairs + (first >> 2) + p;
            int32_t sum = bias, word = 0;
            entries = weights;
            while (first >= 0) {
                word = *entries++;
                sum = mw_dot_pairs(*x, mw_even_bytes(word), sum);
                if ((word & 0xFF00) == 0) {
                    break;
                }
                x += (word & 0xFF00) >> 5;
            }
            y[p * channels] =
                (int8_t)(first < 0 ? bias
                                   : mw_requantize_s8_dsp(2 * sum, scales[0], scales[1], zero));
        }
        weights = entries;
        scales += first < 0 ? 0 : 2;
        y++;
    }
}

#define mw_sparse_8px_relu mw_sparse_8px_any

#endif

/* pairs: pair i of pixel p at [8 * i + p]. weights: each channel, as said above. scales: multiplier
 * and divisor of each channel that has weights. y: channel c of pixel p at [p * channels + c].
 * relu: the layer's least output is its zero point. */
MW_INLINE void mw_sparse_8px(const int32_t *pairs, const int32_t *weights, const int32_t *scales,
                             int8_t *y, int32_t channels, int32_t zero, int32_t relu)
{
    if (relu) {
        mw_sparse_8px_relu(pairs, weights, scales, y, channels, channels, zero);
    } else {
        mw_sparse_8px_any(pairs, weights, scales, y, channels, channels, zero);
    }
}

#endif
