/* SPDX-License-Identifier: MIT */
/* One pixel times all filters: what is left when pixels are taken four at a time, and maps of one
 * pixel. Weights and scales as mw_matmul_s8_4px takes them.
 *
 * Per two pairs of inputs (8 multiplications) with packed weights: 2 double loads, 2 extensions,
 * 4 SMLAD. */
#ifndef MW_MATMUL_S8_1PX_DSP_H
#define MW_MATMUL_S8_1PX_DSP_H

#include "mw_channel_pair_dsp.h"
#include "mw_requantize_dsp.h"

MW_INLINE void mw_matmul_s8_1px_any(const int32_t *pairs, const int32_t *weights,
                                    const int32_t *scales, int8_t *y, int32_t pair_count,
                                    int32_t channels, int32_t zero, int32_t packed,
                                    int32_t once)
{
    const int32_t *const end = pairs + pair_count;
    const int32_t *const even_end = pairs + (pair_count & ~1);
    for (;;) {
        const int32_t *x = pairs;
        int32_t even = once ? 0 : *weights++;
        int32_t odd = *weights++;
        while (x != even_end) {
            const int32_t x0 = x[0], x1 = x[1], w0 = weights[0], w1 = weights[1];
            even = mw_dot_pairs(x0, mw_even_bytes(w0), even);
            odd = mw_dot_odd(x0, w0, odd, packed);
            even = mw_dot_pairs(x1, mw_even_bytes(w1), even);
            odd = mw_dot_odd(x1, w1, odd, packed);
            x += 2;
            weights += 2;
        }
        if (x != end) {
            const int32_t w = *weights++;
            even = mw_dot_pairs(*x, mw_even_bytes(w), even);
            odd = mw_dot_odd(*x, w, odd, packed);
        }
        if (once) {
            mw_store_pair_once(y, even, odd, scales, zero, channels);
            y += 2;
            scales += 3;
            channels -= 2;
            if (channels <= 0) {
                return;
            }
            continue;
        }
        odd = mw_doubled_odd(odd, even, packed);
        *y++ = (int8_t)mw_requantize_s8_dsp(2 * even, scales[0], scales[1], zero);
        if (--channels == 0) {
            return;
        }
        *y++ = (int8_t)mw_requantize_s8_dsp(odd, scales[2], scales[3], zero);
        if (--channels == 0) {
            return;
        }
        scales += 4;
    }
}

static MW_NOINLINE __attribute__((unused)) void mw_matmul_s8_1px_packed(
    const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,
    int32_t pair_count, int32_t channels, int32_t zero)
{
    MW_BARRIER();
    mw_matmul_s8_1px_any(pairs, weights, scales, y, pair_count, channels, zero, 1, 0);
}

static MW_NOINLINE __attribute__((unused)) void mw_matmul_s8_1px_once(
    const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,
    int32_t pair_count, int32_t channels, int32_t zero)
{
    MW_BARRIER();
    mw_matmul_s8_1px_any(pairs, weights, scales, y, pair_count, channels, zero, 1, 1);
}

static MW_NOINLINE __attribute__((unused)) void mw_matmul_s8_1px_plain(
    const int32_t *pairs, const int32_t *weights, const int32_t *scales, int8_t *y,
    int32_t pair_count, int32_t channels, int32_t zero)
{
    MW_BARRIER();
    mw_matmul_s8_1px_any(pairs, weights, scales, y, pair_count, channels, zero, 0, 0);
}

MW_INLINE void mw_matmul_s8_1px(const int32_t *pairs, const int32_t *weights,
                                const int32_t *scales, int8_t *y, int32_t pair_count,
                                int32_t channels, int32_t zero, int32_t packed, int32_t once)
{
    if (once) {
        mw_matmul_s8_1px_once(pairs, weights, scales, y, pair_count, channels, zero);
    } else if (packed) {
        mw_matmul_s8_1px_packed(pairs, weights, scales, y, pair_count, channels, zero);
    } else {
        mw_matmul_s8_1px_plain(pairs, weights, scales, y, pair_count, channels, zero);
    }
}

#endif
