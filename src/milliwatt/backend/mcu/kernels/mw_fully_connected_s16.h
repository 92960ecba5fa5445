/* SPDX-License-Identifier: MIT */
/* int16 fully connected layer and 1x1 convolution: y[rows, channels] from x[rows, depth]. */
#ifndef MW_FULLY_CONNECTED_S16_H
#define MW_FULLY_CONNECTED_S16_H

#include "mw_dot_s16.h"

/* multiplier and shift hold one element per channel, or one in all (per_channel 0). */
MW_INLINE void mw_fully_connected_s16(const int16_t *x, int16_t *y, const int8_t *MW_RESTRICT w,
                                      const int32_t *MW_RESTRICT bias,
                                      const int32_t *MW_RESTRICT multiplier,
                                      const int8_t *MW_RESTRICT shift, int32_t rows, int32_t depth,
                                      int32_t channels, int32_t w_zero, int32_t act_min,
                                      int32_t act_max, int32_t per_channel, int32_t weight_bits,
                                      int32_t bias_words, int32_t wide)
{
    const int32_t filter_bytes = mw_weight_bytes(depth, weight_bits);
    for (int32_t row = 0; row < rows; row++) {
        const int8_t *filter = w;
        for (int32_t c = 0; c < channels; c++) {
            const int32_t q = per_channel ? c : 0;
            const int64_t acc = mw_bias_s16(bias, c, bias_words) +
                                mw_dot_s16(x, filter, depth, w_zero, weight_bits);
            *y++ = mw_finish_s16(acc, multiplier[q], shift[q], wide, act_min, act_max);
            filter += filter_bytes;
        }
        x += depth;
    }
}

#endif
