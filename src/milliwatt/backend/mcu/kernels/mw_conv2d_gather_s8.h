/* SPDX-License-Identifier: MIT */
/* int8 convolution with few input channels: each window is copied together, then multiplied. */
#ifndef MW_CONV2D_GATHER_S8_H
#define MW_CONV2D_GATHER_S8_H

#include "mw_fully_connected_s8.h"

/* The window whose tap (0, 0) is at (top, left), tap by tap; x_zero outside the map. */
MW_INLINE void mw_gather_window_s8(const int8_t *x, int8_t *window, int32_t in_h, int32_t in_w,
                                   int32_t in_c, int32_t top, int32_t left, int32_t kh, int32_t kw,
                                   int32_t dilation_h, int32_t dilation_w, int32_t x_zero)
{
    for (int32_t ky = 0; ky < kh; ky++) {
        const int32_t iy = top + ky * dilation_h;
        for (int32_t kx = 0; kx < kw; kx++) {
            const int32_t ix = left + kx * dilation_w;
            const int32_t inside = iy >= 0 && iy < in_h && ix >= 0 && ix < in_w;
            const int32_t from = (iy * in_w + ix) * in_c;
            for (int32_t c = 0; c < in_c; c++) {
                *window++ = inside ? x[from + c] : (int8_t)x_zero;
            }
        }
    }
}

/* w is [out_c][kh * kw * in_c], sub-byte weights packed filter by filter; bias has the input's zero
 * point folded in. window: scratch memory of kh * kw * in_c bytes. */
MW_INLINE void mw_conv2d_gather_s8(
    const int8_t *x, int8_t *y, int8_t *window, const int8_t *MW_RESTRICT w,
    const int32_t *MW_RESTRICT bias, const int32_t *MW_RESTRICT multiplier,
    const int8_t *MW_RESTRICT shift, int32_t batch, int32_t in_h, int32_t in_w, int32_t in_c,
    int32_t out_h, int32_t out_w, int32_t out_c, int32_t kh, int32_t kw, int32_t stride_h,
    int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top, int32_t pad_left,
    int32_t x_zero, int32_t w_zero, int32_t y_zero, int32_t act_min, int32_t act_max,
    int32_t per_channel, int32_t weight_bits)
{
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t oy = 0; oy < out_h; oy++) {
            for (int32_t ox = 0; ox < out_w; ox++) {
                mw_gather_window_s8(x, window, in_h, in_w, in_c, oy * stride_h - pad_top,
                                    ox * stride_w - pad_left, kh, kw, dilation_h, dilation_w,
                                    x_zero);
                mw_fully_connected_s8(window, y, w, bias, multiplier, shift, 1, kh * kw * in_c,
                                      out_c, w_zero, y_zero, act_min, act_max, per_channel,
                                      weight_bits);
                y += out_c;
            }
        }
        x += in_h * in_w * in_c;
    }
}

#endif
