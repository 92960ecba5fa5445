/* SPDX-License-Identifier: MIT */
/* int16 depthwise convolution with a channel multiplier: any filter, stride, dilation, padding. */
#ifndef MW_DEPTHWISE_CONV2D_S16_H
#define MW_DEPTHWISE_CONV2D_S16_H

#include "mw_dot_s16.h"

/* w is [in_c * per_input][kh * kw], a channel's sub-byte weights beginning at a whole byte. padded:
 * some window reaches outside the map. */
MW_INLINE void mw_depthwise_conv2d_s16(
    const int16_t *x, int16_t *y, const int8_t *MW_RESTRICT w, const int32_t *MW_RESTRICT bias,
    const int32_t *MW_RESTRICT multiplier, const int8_t *MW_RESTRICT shift, int32_t batch,
    int32_t in_h, int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w, int32_t per_input,
    int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t dilation_h,
    int32_t dilation_w, int32_t pad_top, int32_t pad_left, int32_t w_zero, int32_t act_min,
    int32_t act_max, int32_t per_channel, int32_t weight_bits, int32_t padded, int32_t bias_words,
    int32_t wide)
{
    const int32_t filter_bytes = mw_weight_bytes(kh * kw, weight_bits);
    const int32_t tap_step = dilation_w * in_c;
    const int32_t row_step = dilation_h * in_w * in_c;
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t oy = 0; oy < out_h; oy++) {
            const int32_t top = oy * stride_h - pad_top;
            const int32_t ky0 = padded ? mw_first_tap(top, dilation_h) : 0;
            const int32_t ky1 = padded ? mw_end_tap(top, dilation_h, kh, in_h) : kh;
            for (int32_t ox = 0; ox < out_w; ox++) {
                const int32_t left = ox * stride_w - pad_left;
                const int32_t kx0 = padded ? mw_first_tap(left, dilation_w) : 0;
                const int32_t kx1 = padded ? mw_end_tap(left, dilation_w, kw, in_w) : kw;
                const int32_t corner = (top * in_w + left) * in_c;
                const int8_t *filter = w;
                int32_t c = 0;
                for (int32_t source = 0; source < in_c; source++) {
                    for (int32_t m = 0; m < per_input; m++) {
                        const int32_t q = per_channel ? c : 0;
                        int64_t acc = mw_bias_s16(bias, c++, bias_words);
                        for (int32_t ky = ky0; ky < ky1; ky++) {
                            const int32_t offset = corner + source + ky * row_step;
                            for (int32_t kx = kx0; kx < kx1; kx++) {
                                acc += x[offset + kx * tap_step] *
                                       mw_weight_at(filter, ky * kw + kx, w_zero, weight_bits);
                            }
                        }
                        *y++ = mw_finish_s16(acc, multiplier[q], shift[q], wide, act_min, act_max);
                        filter += filter_bytes;
                    }
                }
            }
        }
        x += in_h * in_w * in_c;
    }
}

#endif
