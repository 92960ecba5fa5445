/* SPDX-License-Identifier: MIT */
/* float32 average pooling over the real elements of each window. */
#ifndef MW_AVERAGE_POOL2D_F32_H
#define MW_AVERAGE_POOL2D_F32_H

#include "mw_math_f32.h"

MW_INLINE void mw_average_pool2d_f32(const float *x, float *y, int32_t batch, int32_t in_h,
                                    int32_t in_w, int32_t channels, int32_t out_h, int32_t out_w,
                                    int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w,
                                    int32_t pad_top, int32_t pad_left, int32_t activation)
{
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t oy = 0; oy < out_h; oy++) {
            const int32_t top = oy * stride_h - pad_top;
            const int32_t y0 = mw_max_i32(top, 0);
            const int32_t y1 = mw_min_i32(top + kh, in_h);
            for (int32_t ox = 0; ox < out_w; ox++) {
                const int32_t left = ox * stride_w - pad_left;
                const int32_t x0 = mw_max_i32(left, 0);
                const int32_t x1 = mw_min_i32(left + kw, in_w);
                const int32_t count = (y1 - y0) * (x1 - x0);
                const float *corner = x + (y0 * in_w + x0) * channels;
                for (int32_t c = 0; c < channels; c++) {
                    const float *row = corner + c;
                    float sum = 0.0f;
                    for (int32_t iy = y0; iy < y1; iy++) {
                        for (int32_t i = 0; i < x1 - x0; i++) {
                            sum += row[i * channels];
                        }
                        row += in_w * channels;
                    }
                    *y++ = mw_activate_f32(sum / (float)count, activation);
                }
            }
        }
        x += in_h * in_w * channels;
    }
}

#endif
