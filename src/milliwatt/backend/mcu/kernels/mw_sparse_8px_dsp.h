/* SPDX-License-Identifier: MIT */
/* Eight pixels times filters of which most weights are zero: only pairs of weights that are not
 * both zero are stored, and skipped to.
 *
 * One channel of eight pixels is in flight. Registers: 8 sums, 2 pairs of activations, 1 pair of
 * weights, 1 distance, 2 pointers: all 14. Per stored pair (16 multiplications): 1 load, 1
 * extension and 1 mask of the word, 4 double loads of activations, 8 SMLAD, 1 addition and 1
 * branch = 17 instructions, 1.06 per multiplication, where mw_matmul_s8_4px_dsp.h takes 0.77 for
 * every one: it pays where less than 0.72 of the pairs are stored. The 8 outputs then cost 80, or
 * 72 with RELU; those of a channel without weights 22. Four pixels that are left take 11
 * instructions a stored pair. */
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

/* Two more pixels' outputs, from the first's address in r4, `step` rows of channels further. */
#define MW_8PX_STORE(first, second)                                                            \
    "add.w r4, r4, r2, lsl #1\n"                                                               \
    "strb " first ", [r4]\n"                                                                   \
    "strb " second ", [r4, r2]\n"

/* The parts in which eight pixels differ from four: starting values, a pair's products, ends. */
#define MW_8PX_MORE_SUMS                                                                       \
    "mov r10, r6\n"                                                                            \
    "mov r11, r6\n"                                                                            \
    "mov r12, r6\n"                                                                            \
    "mov lr, r6\n"
#define MW_8PX_MORE_PIXELS MW_8PX_PIXELS("16", "r10", "r11") MW_8PX_PIXELS("24", "r12", "lr")
#define MW_8PX_MORE_OUTPUTS(ties)                                                              \
    MW_8PX_REQUANTIZE(ties, "r10") MW_8PX_REQUANTIZE(ties, "r11")                              \
    MW_8PX_REQUANTIZE(ties, "r12") MW_8PX_REQUANTIZE(ties, "lr")
#define MW_8PX_MORE_STORES MW_8PX_STORE("r10", "r11") MW_8PX_STORE("r12", "lr")
#define MW_8PX_MORE_CONSTANTS MW_8PX_STORE("r6", "r6") MW_8PX_STORE("r6", "r6")

/* The stack holds: pairs, nothing, scales, y, 9 saved registers, channels (distance of pixels),
 * channels left, zero point. Positions count 32 bytes a pair, of four pixels 16. */
#define MW_8PX_BODY(ties, halve, shift, sums, pixels, outputs, stores, constants)              \
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
    "mov r9, r6\n" sums                                                                        \
    "add.w r0, r0, r2" halve "\n"                                                              \
    "3:\n"                                                                                     \
    "ldr r2, [r1], #4\n"                                                                       \
    "ands r3, r2, #0xFF00\n"                                                                   \
    "sxtb16 r2, r2\n"                                                                          \
    MW_8PX_PIXELS("0", "r6", "r7") MW_8PX_PIXELS("8", "r8", "r9") pixels                       \
    "add.w r0, r0, r3, lsr #" shift "\n"                                                       \
    "bne 3b\n"                                                                                 \
                                                                                               \
    "ldrd r0, r5, [sp, #8]\n"                                                                  \
    "ldr r4, [sp, #60]\n"                                                                      \
    "ldrd r2, r3, [r0], #8\n"                                                                  \
    MW_8PX_REQUANTIZE(ties, "r6") MW_8PX_REQUANTIZE(ties, "r7")                                \
    MW_8PX_REQUANTIZE(ties, "r8") MW_8PX_REQUANTIZE(ties, "r9") outputs(ties)                  \
    "ldrd r2, r3, [sp, #52]\n"                                                                 \
    "mov r4, r5\n"                                                                             \
    "strb r7, [r5, r2]\n"                                                                      \
    "strb r6, [r5], #1\n" MW_8PX_STORE("r8", "r9") stores                                      \
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
    "mov r4, r5\n"                                                                             \
    "strb r6, [r5, r2]\n"                                                                      \
    "strb r6, [r5], #1\n" MW_8PX_STORE("r6", "r6") constants                                   \
    "str r5, [sp, #12]\n"                                                                      \
    "subs r3, r3, #1\n"                                                                        \
    "str r3, [sp, #56]\n"                                                                      \
    "bgt.w 1b\n"                                                                               \
    "b 5b\n"

#define MW_8PX_FUNCTION(name, body)                                                            \
    MW_ASSEMBLY static void name(                                                              \
        const int32_t *pairs __attribute__((unused)),                                          \
        const int32_t *weights __attribute__((unused)),                                        \
        const int32_t *scales __attribute__((unused)), int8_t *y __attribute__((unused)),      \
        int32_t channels __attribute__((unused)), int32_t left __attribute__((unused)),        \
        int32_t zero __attribute__((unused)))                                                  \
    {                                                                                          \
        __asm__ volatile(body);                                                                \
    }

#define MW_8PX_NO_OUTPUTS(ties)
#define MW_8PX_EIGHT(ties)                                                                     \
    MW_8PX_BODY(ties, "", "3", MW_8PX_MORE_SUMS, MW_8PX_MORE_PIXELS, MW_8PX_MORE_OUTPUTS,      \
                MW_8PX_MORE_STORES, MW_8PX_MORE_CONSTANTS)
#define MW_8PX_FOUR(ties) MW_8PX_BODY(ties, ",lsr #1", "4", "", "", MW_8PX_NO_OUTPUTS, "", "")

MW_8PX_FUNCTION(mw_sparse_8px_any, MW_8PX_EIGHT(MW_8PX_AWAY_FROM_ZERO))
MW_8PX_FUNCTION(mw_sparse_8px_relu, MW_8PX_EIGHT(MW_8PX_UPWARDS))
MW_8PX_FUNCTION(mw_sparse_4px_any, MW_8PX_FOUR(MW_8PX_AWAY_FROM_ZERO))
MW_8PX_FUNCTION(mw_sparse_4px_relu, MW_8PX_FOUR(MW_8PX_UPWARDS))

#undef MW_8PX_PIXELS
#undef MW_8PX_REQUANTIZE
#undef MW_8PX_AWAY_FROM_ZERO
#undef MW_8PX_UPWARDS
#undef MW_8PX_STORE
#undef MW_8PX_MORE_SUMS
#undef MW_8PX_MORE_PIXELS
#undef MW_8PX_MORE_OUTPUTS
#undef MW_8PX_MORE_STORES
#undef MW_8PX_MORE_CONSTANTS
#undef MW_8PX_BODY
#undef MW_8PX_FUNCTION
#undef MW_8PX_NO_OUTPUTS
#undef MW_8PX_EIGHT
#undef MW_8PX_FOUR

#else

MW_INLINE void mw_sparse_pixels(const int32_t *pairs, const int32_t *weights,
                                const int32_t *scales, int8_t *y, int32_t channels, int32_t left,
                                int32_t zero, int32_t pixels)
{
    for (; left > 0; left--) {
        const int32_t first = *weights++, bias = *weights++;
        const int32_t *entries = weights;
        for (int32_t p = 0; p < pixels; p++) {
            const int32_t *x = pairs + (first >> 5) * pixels + p;
            int32_t sum = bias, further = first < 0 ? 0 : 1;
            entries = weights;
            while (further != 0) {
                const int32_t word = *entries++;
                sum = mw_dot_pairs(*x, mw_even_bytes(word), sum);
                further = (word & 0xFF00) >> 8;
                x += further * pixels;
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

#define MW_8PX_FUNCTION(name, pixels)                                                          \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,        \
        int32_t channels, int32_t left, int32_t zero)                                          \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        mw_sparse_pixels(pairs, weights, scales, y, channels, left, zero, pixels);             \
    }

MW_8PX_FUNCTION(mw_sparse_8px_any, 8)
MW_8PX_FUNCTION(mw_sparse_4px_any, 4)

#undef MW_8PX_FUNCTION

#define mw_sparse_8px_relu mw_sparse_8px_any
#define mw_sparse_4px_relu mw_sparse_4px_any

#endif

/* `block` is 8 or 4 pixels. pairs: pair i of pixel p at [block * i + p]. weights: each channel, as
 * said above. scales: multiplier and divisor of each channel that has weights. y: channel c of pixel
 * p at [p * channels + c]. relu: the layer's least output is its zero point. */
MW_INLINE void mw_sparse_block(const int32_t *pairs, const int32_t *weights,
                               const int32_t *scales, int8_t *y, int32_t channels, int32_t zero,
                               int32_t relu, int32_t block)
{
    if (block == 8 && relu) {
        mw_sparse_8px_relu(pairs, weights, scales, y, channels, channels, zero);
    } else if (block == 8) {
        mw_sparse_8px_any(pairs, weights, scales, y, channels, channels, zero);
    } else if (relu) {
        mw_sparse_4px_relu(pairs, weights, scales, y, channels, channels, zero);
    } else {
        mw_sparse_4px_any(pairs, weights, scales, y, channels, channels, zero);
    }
}

#endif
