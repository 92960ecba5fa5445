/* SPDX-License-Identifier: MIT */
/* float32 fully connected layer and 1x1 convolution: y[rows, channels] from x[rows, depth]. */
#ifndef MW_FULLY_CONNECTED_F32_H
#define MW_FULLY_CONNECTED_F32_H

#include "mw_dot_f32.h"

MW_INLINE void mw_fully_connected_f32(const float *x, float *y, const float *MW_RESTRICT w,
                                      const float *MW_RESTRICT bias, int32_t rows, int32_t depth,
                                      int32_t channels, int32_t activation)
{
    for (int32_t row = 0; row < rows; row++) {
        const float *filter = w;
        for (int32_t c = 0; c < channels; c++) {
            *y++ = mw_activate_f32(bias[c] + mw_dot_f32(x, filter, depth), activation);
            filter += depth;
        }
        x += depth;
    }
}

#endif
