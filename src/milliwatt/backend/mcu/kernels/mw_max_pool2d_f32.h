/* SPDX-License-Identifier: MIT */
/* float32 max pooling over the real elements of each window. */
#ifndef MW_MAX_POOL2D_F32_H
#define MW_MAX_POOL2D_F32_H

#include "mw_math_f32.h"

MW_INLINE void mw_max_pool2d_f32(const float *x, float *y, int32_t batch, int32_t in_h,
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
                for (int32_t c = 0; c < channels; c++) {
                    y[c] = mw_float_of_bits(0xFF800000u);
                }
                for (int32_t iy = y0; iy < y1; iy++) {
                    for (int32_t ix = x0; ix < x1; ix++) {
                        const float *px = x + (iy * in_w + ix) * channels;
                        for (int32_t c = 0; c < channels; c++) {
                            y[c] = px[c] > y[c] ? px[c] : y[c];
                        }
                    }
                }
                for (int32_t c = 0; c < channels; c++) {
                    y[c] = mw_activate_f32(y[c], activation);
                }
                y += channels;
            }
        }
        x += in_h * in_w * channels;
    }
}

#endif
