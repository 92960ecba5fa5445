/* SPDX-License-Identifier: MIT */
/* float32 transposed convolution, output by output. */
#ifndef MW_TRANSPOSE_CONV2D_F32_H
#define MW_TRANSPOSE_CONV2D_F32_H

#include "mw_dot_f32.h"

/* w is [out_c][kh][kw][in_c]. */
MW_INLINE void mw_transpose_conv2d_f32(
    const float *x, float *y, const float *MW_RESTRICT w, const float *MW_RESTRICT bias,
    int32_t batch, int32_t in_h, int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w,
    int32_t out_c, int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t pad_top,
    int32_t pad_left, int32_t activation)
{
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t oy = 0; oy < out_h; oy++) {
            const int32_t bottom = oy + pad_top;
            const int32_t iy0 = mw_first_tap(kh - 1 - bottom, stride_h);
            const int32_t iy1 = mw_min_i32(bottom / stride_h + 1, in_h);
            for (int32_t ox = 0; ox < out_w; ox++) {
                const int32_t right = ox + pad_left;
                const int32_t ix0 = mw_first_tap(kw - 1 - right, stride_w);
                const int32_t ix1 = mw_min_i32(right / stride_w + 1, in_w);
                const float *filter = w;
                for (int32_t c = 0; c < out_c; c++) {
                    float acc = bias[c];
                    for (int32_t iy = iy0; iy < iy1; iy++) {
                        for (int32_t ix = ix0; ix < ix1; ix++) {
                            const int32_t tap =
                                (bottom - iy * stride_h) * kw + right - ix * stride_w;
                            acc += mw_dot_f32(x + (iy * in_w + ix) * in_c,
                                              filter + tap * in_c, in_c);
                        }
                    }
                    *y++ = mw_activate_f32(acc, activation);
                    filter += kh * kw * in_c;
                }
            }
        }
        x += in_h * in_w * in_c;
    }
}

#endif
