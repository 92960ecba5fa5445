/* SPDX-License-Identifier: MIT */
/* int8 fully connected layer and 1x1 convolution: y[rows, channels] from x[rows, depth]. */
#ifndef MW_FULLY_CONNECTED_S8_H
#define MW_FULLY_CONNECTED_S8_H

#include "mw_dot_s8.h"
#include "mw_requantize.h"

/* bias has the input's zero point folded in: bias[c] - x_zero * sum of (w[c] - w_zero).
 * multiplier and shift hold one element per channel, or one in all (per_channel 0). */
MW_INLINE void mw_fully_connected_s8(const int8_t *x, int8_t *y, const int8_t *MW_RESTRICT w,
                                     const int32_t *MW_RESTRICT bias,
                                     const int32_t *MW_RESTRICT multiplier,
                                     const int8_t *MW_RESTRICT shift, int32_t rows, int32_t depth,
                                     int32_t channels, int32_t w_zero, int32_t y_zero,
                                     int32_t act_min, int32_t act_max, int32_t per_channel,
                                     int32_t weight_bits)
{
    const int32_t filter_bytes = mw_weight_bytes(depth, weight_bits);
    for (int32_t row = 0; row < rows; row++) {
        const int8_t *filter = w;
        for (int32_t c = 0; c < channels; c += 2) {
            /* A last odd channel is computed twice and stored once. */
            const int32_t stored = mw_min_i32(channels - c, 2);
            const int8_t *second = filter + (stored - 1) * filter_bytes;
            int32_t acc = bias[c];
            int32_t next = bias[c + stored - 1];
            mw_dot_pair_s8(x, filter, second, depth, w_zero, weight_bits, &acc, &next);
            for (int32_t k = 0; k < stored; k++) {
                const int32_t q = per_channel ? c + k : 0;
                const int32_t scaled = mw_requantize(acc, multiplier[q], shift[q]);
                *y++ = (int8_t)mw_offset_clamp(scaled, y_zero, act_min, act_max);
                acc = next;
            }
            filter = second + filter_bytes;
        }
        x += depth;
    }
}

#endif
