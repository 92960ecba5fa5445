/* SPDX-License-Identifier: MIT */
/* int8 transposed convolution, output by output. */
#ifndef MW_TRANSPOSE_CONV2D_S8_H
#define MW_TRANSPOSE_CONV2D_S8_H

#include "mw_dot_s8.h"
#include "mw_requantize.h"

/* w is [out_c][kh][kw][in_c], each tap of sub-byte weights beginning at a whole byte; bias as it
 * is. */
MW_INLINE void mw_transpose_conv2d_s8(
    const int8_t *x, int8_t *y, const int8_t *MW_RESTRICT w, const int32_t *MW_RESTRICT bias,
    const int32_t *MW_RESTRICT multiplier, const int8_t *MW_RESTRICT shift, int32_t batch,
    int32_t in_h, int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w, int32_t out_c,
    int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
    int32_t x_zero, int32_t w_zero, int32_t y_zero, int32_t act_min, int32_t act_max,
    int32_t per_channel, int32_t weight_bits)
{
    const int32_t tap_bytes = mw_weight_bytes(in_c, weight_bits);
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t oy = 0; oy < out_h; oy++) {
            const int32_t bottom = oy + pad_top;
            const int32_t iy0 = mw_first_tap(kh - 1 - bottom, stride_h);
            const int32_t iy1 = mw_min_i32(bottom / stride_h + 1, in_h);
            for (int32_t ox = 0; ox < out_w; ox++) {
                const int32_t right = ox + pad_left;
                const int32_t ix0 = mw_first_tap(kw - 1 - right, stride_w);
                const int32_t ix1 = mw_min_i32(right / stride_w + 1, in_w);
                const int8_t *filter = w;
                for (int32_t c = 0; c < out_c; c++) {
                    const int32_t q = per_channel ? c : 0;
                    int32_t acc = bias[c];
                    for (int32_t iy = iy0; iy < iy1; iy++) {
                        for (int32_t ix = ix0; ix < ix1; ix++) {
                            const int32_t tap =
                                (bottom - iy * stride_h) * kw + right - ix * stride_w;
                            const int32_t sum = mw_dot_offset_s8(
                                x + (iy * in_w + ix) * in_c, filter + tap * tap_bytes, in_c,
                                x_zero, w_zero, weight_bits);
                            acc = mw_wrapping_add(acc, sum);
                        }
                    }
                    const int32_t scaled = mw_requantize(acc, multiplier[q], shift[q]);
                    *y++ = (int8_t)mw_offset_clamp(scaled, y_zero, act_min, act_max);
                    filter += kh * kw * tap_bytes;
                }
            }
        }
        x += in_h * in_w * in_c;
    }
}

#endif
