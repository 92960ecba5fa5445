/* SPDX-License-Identifier: MIT */
/* One pixel times all filters: what is left when pixels are taken four at a time, and maps of one
 * pixel. Weights and scales as mw_matmul_s8_4px takes them, but no brief ones.
 *
 * Per two pairs of inputs (8 multiplications) with packed weights: 2 double loads, 2 extensions,
 * 4 SMLAD; 2 for the loop of eight pairs: 1.06 per multiplication, and about 25 for two outputs.
 * Compilers at hand need 13 for two pairs, hence the assembly. */
#ifndef MW_MATMUL_S8_1PX_DSP_H
#define MW_MATMUL_S8_1PX_DSP_H

#include "mw_pair_scales_dsp.h"

/* The sums of two channels, the odd or mixed one, and where their weights end. */
typedef struct {
    int32_t even, odd;
    const int32_t *weights;
} mw_sums_1px;

#define MW_1PX_TWO                                                                             \
    "ldrd %[x0], %[x1], [%[x]], #8\n"                                                          \
    "ldrd %[w0], %[w1], [%[w]], #8\n"                                                          \
    "smlad %[odd], %[x0], %[w0], %[odd]\n"                                                     \
    "sxtb16 %[w0], %[w0]\n"                                                                    \
    "smlad %[even], %[x0], %[w0], %[even]\n"                                                   \
    "smlad %[odd], %[x1], %[w1], %[odd]\n"                                                     \
    "sxtb16 %[w1], %[w1]\n"                                                                    \
    "smlad %[even], %[x1], %[w1], %[even]\n"

/* The products of `count` pairs of inputs, which is a multiple of eight and not 0, with packed
 * weights. */
MW_INLINE mw_sums_1px mw_packed_eights_1px(const int32_t *x, int32_t count, mw_sums_1px sums)
{
#if MW_HAS_DSP
    const int32_t *const end = x + count;
    int32_t x0, x1, w0, w1;
    __asm__ volatile("1:\n"
                     MW_1PX_TWO MW_1PX_TWO MW_1PX_TWO MW_1PX_TWO
                     "cmp %[x], %[end]\n"
                     "bne 1b\n"
                     : [x] "+&r"(x), [w] "+&r"(sums.weights), [even] "+&r"(sums.even),
                       [odd] "+&r"(sums.odd), [x0] "=&r"(x0), [x1] "=&r"(x1), [w0] "=&r"(w0),
                       [w1] "=&r"(w1)
                     : [end] "r"(end)
                     : "cc", "memory");
#else
    for (; count > 0; count--) {
        sums.even = mw_dot_pairs(*x, mw_even_bytes(*sums.weights), sums.even);
        sums.odd = mw_dot_odd(*x++, *sums.weights++, sums.odd, 1);
    }
#endif
    return sums;
}

#undef MW_1PX_TWO

MW_INLINE void mw_matmul_s8_1px_any(const int32_t *pairs, const int32_t *weights,
                                    const int32_t *scales, int8_t *y, int32_t pair_count,
                                    int32_t channels, int32_t zero, int32_t packed, int32_t form)
{
    const int32_t eights = packed ? pair_count & ~7 : 0;
    for (; channels > 0; channels -= 2) {
        const int32_t *x = pairs;
        const mw_pair_sums start = mw_pair_start(weights, scales, form);
        mw_sums_1px sums = {start.even, start.odd, weights + mw_pair_words_before(form)};
        if (eights > 0) {
            sums = mw_packed_eights_1px(x, eights, sums);
            x += eights;
        }
        for (int32_t left = pair_count - eights; left > 0; left--) {
            const int32_t w = *sums.weights++;
            sums.even = mw_dot_pairs(*x, mw_even_bytes(w), sums.even);
            sums.odd = mw_dot_odd(*x++, w, sums.odd, packed);
        }
        weights = sums.weights;
        const mw_pair_sums both = {sums.even, sums.odd};
        mw_store_pair(y, both, scales, zero, channels, packed, form);
        y += 2;
        scales = mw_next_pair_scales(scales, form);
    }
}

#define MW_1PX_FUNCTION(name, packed, form)                                                    \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,        \
        int32_t pair_count, int32_t channels, int32_t zero)                                    \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        mw_matmul_s8_1px_any(pairs, weights, scales, y, pair_count, channels, zero, packed,    \
                             form);                                                            \
    }

MW_1PX_FUNCTION(mw_matmul_s8_1px_packed, 1, MW_PAIR_TWICE)
MW_1PX_FUNCTION(mw_matmul_s8_1px_plain, 0, MW_PAIR_TWICE)
MW_1PX_FUNCTION(mw_matmul_s8_1px_once, 1, MW_PAIR_ONCE)
MW_1PX_FUNCTION(mw_matmul_s8_1px_once_large, 1, MW_PAIR_ONCE_LARGE)
MW_1PX_FUNCTION(mw_matmul_s8_1px_once_fine, 1, MW_PAIR_ONCE_FINE)
MW_1PX_FUNCTION(mw_matmul_s8_1px_coarse, 0, MW_PAIR_COARSE)

#undef MW_1PX_FUNCTION

MW_INLINE void mw_matmul_s8_1px(const int32_t *pairs, const int32_t *weights,
                                const int32_t *scales, int8_t *y, int32_t pair_count,
                                int32_t channels, int32_t zero, int32_t packed, int32_t form)
{
    if (form == MW_PAIR_COARSE) {
        mw_matmul_s8_1px_coarse(pairs, weights, scales, y, pair_count, channels, zero);
    } else if (form == MW_PAIR_ONCE_LARGE) {
        mw_matmul_s8_1px_once_large(pairs, weights, scales, y, pair_count, channels, zero);
    } else if (form == MW_PAIR_ONCE_FINE) {
        mw_matmul_s8_1px_once_fine(pairs, weights, scales, y, pair_count, channels, zero);
    } else if (form != MW_PAIR_TWICE) {
        mw_matmul_s8_1px_once(pairs, weights, scales, y, pair_count, channels, zero);
    } else if (packed) {
        mw_matmul_s8_1px_packed(pairs, weights, scales, y, pair_count, channels, zero);
    } else {
        mw_matmul_s8_1px_plain(pairs, weights, scales, y, pair_count, channels, zero);
    }
}

#endif
