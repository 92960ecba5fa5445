/* SPDX-License-Identifier: MIT */
/* One pixel times all filters of int4 or int2 weights: what is left when pixels are taken four at
 * a time, maps of one pixel, and fully connected layers.
 *
 * Four channels are in flight. Registers: 4 sums, 1 pair of inputs, 2 words of weights, 1 pair of
 * weights, 3 pointers, end = 12. int4 takes per two pairs (16 multiplications) 2 loads of inputs,
 * 2 of weights, 4 extensions, 4 masks, 8 SMLAD, 2 for the loop = 22 instructions, 1.38 per
 * multiplication; int2 for four pairs 52, 1.63. */
#ifndef MW_SUBBYTE_1PX_DSP_H
#define MW_SUBBYTE_1PX_DSP_H

#include "mw_subbyte_dsp.h"

/* One word of weights times its pairs of inputs. */
MW_INLINE void mw_subbyte_step(const int32_t *x, int32_t word, int32_t *even, int32_t *mixed,
                               int32_t bits)
{
    MW_UNROLL
    for (int32_t j = 0; j < mw_subbyte_pairs(bits); j++) {
        const int32_t both = mw_subbyte_mixed(word, j, bits);
        *even = mw_dot_pairs(x[j], mw_subbyte_even(both, bits), *even);
        *mixed = mw_dot_pairs(x[j], both, *mixed);
    }
}

#if MW_HAS_DSP

/* A pair of inputs, in x, times the two channels of `word`. */
#define MW_SUB_PRODUCTS(word, bytes, clear_mixed, clear_even, even, mixed)                     \
    "sxtb16 %[both], %[" word "]" bytes "\n" clear_mixed                                       \
    "smlad %[" mixed "], %[x], %[both], %[" mixed "]\n"                                        \
    "bic %[both], %[both], #" clear_even "\n"                                                  \
    "smlad %[" even "], %[x], %[both], %[" even "]\n"

#define MW_SUB_PAIR(at, bytes, clear_mixed, clear_even)                                        \
    "ldr %[x], [%[pairs]" at "\n"                                                              \
    MW_SUB_PRODUCTS("word0", bytes, clear_mixed, clear_even, "even0", "mixed0")                \
    MW_SUB_PRODUCTS("word1", bytes, clear_mixed, clear_even, "even1", "mixed1")

#define MW_SUB_CLEAR "bic %[both], %[both], #0x000F000F\n"
#define MW_SUB_PAIR_S4(at, bytes) MW_SUB_PAIR(at, bytes, "", "0x000F000F")
#define MW_SUB_PAIR_S2(at, bytes) MW_SUB_PAIR(at, bytes, MW_SUB_CLEAR, "0x003F003F")
#define MW_SUB_SHIFT                                                                           \
    "lsl %[word0], %[word0], #4\n"                                                             \
    "lsl %[word1], %[word1], #4\n"

/* int2: the high halves of bytes are pairs 0 and 2, the low ones 1 and 3. */
#define MW_SUB_S4 MW_SUB_PAIR_S4("], #4", "") MW_SUB_PAIR_S4("], #4", ", ror #8")
#define MW_SUB_S2                                                                              \
    MW_SUB_PAIR_S2(", #8]", ", ror #8") MW_SUB_PAIR_S2("], #4", "")                            \
    MW_SUB_SHIFT MW_SUB_PAIR_S2(", #8]", ", ror #8") MW_SUB_PAIR_S2("], #12", "")

#define MW_SUB_LOOP(code)                                                                      \
    __asm__ volatile("1:\n"                                                                    \
                     "ldr %[word0], [%[first]], #4\n"                                          \
                     "ldr %[word1], [%[second]], #4\n" code                                    \
                     "cmp %[first], %[end]\n"                                                  \
                     "bne 1b\n"                                                                \
                     : [pairs] "+&r"(pairs), [first] "+&r"(first), [second] "+&r"(second),     \
                       [even0] "+&r"(even0), [mixed0] "+&r"(mixed0), [even1] "+&r"(even1),     \
                       [mixed1] "+&r"(mixed1), [word0] "=&r"(word0), [word1] "=&r"(word1),     \
                       [x] "=&r"(x), [both] "=&r"(both)                                        \
                     : [end] "r"(end)                                                          \
                     : "cc", "memory")

#endif

/* `channels` outputs, at most four, two where `second` is null, from their sums' two streams. */
MW_INLINE void mw_subbyte_block(const int32_t *pairs, int32_t correction, const int32_t *first,
                                const int32_t *second, const int32_t *scales, int8_t *y,
                                int32_t words, int32_t channels, int32_t zero, int32_t step,
                                int32_t bits, int32_t coarse)
{
    int32_t even0 = first[0], mixed0 = mw_wrapping_add(first[1], correction);
    int32_t even1 = 0, mixed1 = 0;
    first += 2;
    const int32_t *const end = first + words;
    if (second != NULL) {
        even1 = second[0];
        mixed1 = mw_wrapping_add(second[1], correction);
        second += 2;
    }
#if MW_HAS_DSP
    int32_t word0, word1, x, both;
    if (second != NULL && bits == 4) {
        MW_SUB_LOOP(MW_SUB_S4);
    } else if (second != NULL) {
        MW_SUB_LOOP(MW_SUB_S2);
    }
#endif
    while (first != end) {
        mw_subbyte_step(pairs, *first++, &even0, &mixed0, bits);
        if (second != NULL) {
            mw_subbyte_step(pairs, *second++, &even1, &mixed1, bits);
        }
        pairs += mw_subbyte_pairs(bits);
    }
    y[0] = mw_requantize_s8_scales(mw_subbyte_doubled_even(even0, bits), scales, zero, coarse);
    if (channels > 1) {
        y[1] = mw_requantize_s8_scales(mw_subbyte_doubled_odd(mixed0, even0, bits), scales + step,
                                       zero, coarse);
    }
    if (second != NULL) {
        y[2] = mw_requantize_s8_scales(mw_subbyte_doubled_even(even1, bits), scales + 2 * step,
                                       zero, coarse);
    }
    if (channels > 3) {
        y[3] = mw_requantize_s8_scales(mw_subbyte_doubled_odd(mixed1, even1, bits),
                                       scales + 3 * step, zero, coarse);
    }
}

#if MW_HAS_DSP
#undef MW_SUB_PRODUCTS
#undef MW_SUB_PAIR
#undef MW_SUB_CLEAR
#undef MW_SUB_PAIR_S4
#undef MW_SUB_PAIR_S2
#undef MW_SUB_SHIFT
#undef MW_SUB_S4
#undef MW_SUB_S2
#undef MW_SUB_LOOP
#endif

MW_INLINE void mw_matmul_subbyte_1px_any(const int32_t *pairs, const int32_t *weights,
                                         const int32_t *scales, int8_t *y, int32_t words,
                                         int32_t channels, int32_t zero, int32_t step,
                                         int32_t bits, int32_t coarse)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < mw_subbyte_pairs(bits) * words; i += 2) {
        sum = mw_dot_pairs(mw_add_pairs(pairs[i], pairs[i + 1]), 0x00010001, sum);
    }
    const int32_t correction = mw_subbyte_correction(sum, bits);
    for (; channels > 2; channels -= 4) {
        mw_subbyte_block(pairs, correction, weights, weights + 2 + words, scales, y, words,
                         channels, zero, step, bits, coarse);
        weights += 2 * (2 + words);
        scales += 4 * step;
        y += 4;
    }
    if (channels > 0) {
        mw_subbyte_block(pairs, correction, weights, NULL, scales, y, words, channels, zero, step,
                         bits, coarse);
    }
}

#define MW_SUB_1PX(name, bits, coarse)                                                         \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,        \
        int32_t words, int32_t channels, int32_t zero, int32_t step)                           \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        mw_matmul_subbyte_1px_any(pairs, weights, scales, y, words, channels, zero, step,      \
                                  bits, coarse);                                               \
    }

MW_SUB_1PX(mw_matmul_s4_1px, 4, 0)
MW_SUB_1PX(mw_matmul_s4_1px_coarse, 4, 1)
MW_SUB_1PX(mw_matmul_s2_1px, 2, 0)
MW_SUB_1PX(mw_matmul_s2_1px_coarse, 2, 1)

#undef MW_SUB_1PX

/* pairs: as many as the words hold. weights, scales: as for mw_matmul_subbyte_4px; `step` words of
 * scales a channel, 0 where all are scaled alike. */
MW_INLINE void mw_matmul_subbyte_1px(const int32_t *pairs, const int32_t *weights,
                                     const int32_t *scales, int8_t *y, int32_t words,
                                     int32_t channels, int32_t zero, int32_t step,
                                     int32_t bits, int32_t coarse)
{
    if (bits == 4 && coarse) {
        mw_matmul_s4_1px_coarse(pairs, weights, scales, y, words, channels, zero, step);
    } else if (coarse) {
        mw_matmul_s2_1px_coarse(pairs, weights, scales, y, words, channels, zero, step);
    } else if (bits == 4) {
        mw_matmul_s4_1px(pairs, weights, scales, y, words, channels, zero, step);
    } else {
        mw_matmul_s2_1px(pairs, weights, scales, y, words, channels, zero, step);
    }
}

/* Pairs [from, to) of `step` pixels set to 0: those that words of weights have room for beyond a
 * window's. */
MW_INLINE void mw_subbyte_fill(int32_t *pairs, int32_t from, int32_t to, int32_t step)
{
    for (int32_t i = step * from; i < step * to; i++) {
        pairs[i] = 0;
    }
}

#endif
