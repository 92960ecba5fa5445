/* SPDX-License-Identifier: MIT */
/* int8 depthwise convolution with a channel multiplier: any filter, stride, dilation, padding. */
#ifndef MW_DEPTHWISE_CONV2D_S8_H
#define MW_DEPTHWISE_CONV2D_S8_H

#include "mw_dot_s8.h"
#include "mw_requantize.h"

/* Taps of the largest filter whose whole windows are laid out tap by tap. */
#define MW_DEPTHWISE_UNROLLED 25

/* Sum over all taps of x times weight; tap (0, 0) is at x[from]. */
MW_INLINE int32_t mw_depthwise_whole_s8(const int8_t *x, int32_t from,
                                        const int8_t *MW_RESTRICT filter, int32_t kh, int32_t kw,
                                        int32_t row_step, int32_t tap_step, int32_t w_zero,
                                        int32_t weight_bits)
{
    int32_t sum = 0;
    MW_UNROLL
    for (int32_t ky = 0; ky < kh; ky++) {
        MW_UNROLL
        for (int32_t kx = 0; kx < kw; kx++) {
            sum += x[from + kx * tap_step] *
                   mw_weight_at(filter, ky * kw + kx, w_zero, weight_bits);
        }
        from += row_step;
    }
    return sum;
}

/* Sum over the taps [ky0, ky1) x [kx0, kx1) of x, less its zero point, times weight. */
MW_INLINE int32_t mw_depthwise_clipped_s8(const int8_t *x, int32_t from,
                                          const int8_t *MW_RESTRICT filter, int32_t kw,
                                          int32_t ky0, int32_t ky1, int32_t kx0, int32_t kx1,
                                          int32_t row_step, int32_t tap_step, int32_t x_zero,
                                          int32_t w_zero, int32_t weight_bits)
{
    int32_t sum = 0;
    for (int32_t ky = ky0; ky < ky1; ky++) {
        int32_t at = from + ky * row_step + kx0 * tap_step;
        for (int32_t kx = kx0; kx < kx1; kx++) {
            sum += (x[at] - x_zero) * mw_weight_at(filter, ky * kw + kx, w_zero, weight_bits);
            at += tap_step;
        }
    }
    return sum;
}

/* w is [in_c * per_input][kh * kw], a channel's sub-byte weights beginning at a whole byte. bias
 * has the input's zero point folded in over every tap; what it took for taps in the padding is
 * given back. padded: some window reaches outside the map. */
MW_INLINE void mw_depthwise_conv2d_s8(
    const int8_t *x, int8_t *y, const int8_t *MW_RESTRICT w, const int32_t *MW_RESTRICT bias,
    const int32_t *MW_RESTRICT multiplier, const int8_t *MW_RESTRICT shift, int32_t batch,
    int32_t in_h, int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w, int32_t per_input,
    int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t dilation_h,
    int32_t dilation_w, int32_t pad_top, int32_t pad_left, int32_t x_zero, int32_t w_zero,
    int32_t y_zero, int32_t act_min, int32_t act_max, int32_t per_channel, int32_t weight_bits,
    int32_t padded)
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
                const int32_t laid_out = kh * kw <= MW_DEPTHWISE_UNROLLED &&
                                         (!padded || (ky1 - ky0 == kh && kx1 - kx0 == kw));
                const int32_t corner = (top * in_w + left) * in_c;
                const int8_t *filter = w;
                int32_t c = 0;
                for (int32_t source = 0; source < in_c; source++) {
                    for (int32_t m = 0; m < per_input; m++) {
                        const int32_t q = per_channel ? c : 0;
                        const int32_t from = corner + source;
                        int32_t sum;
                        if (laid_out) {
                            sum = mw_depthwise_whole_s8(x, from, filter, kh, kw, row_step,
                                                        tap_step, w_zero, weight_bits);
                        } else {
                            sum = mw_depthwise_clipped_s8(x, from, filter, kw, ky0, ky1, kx0, kx1,
                                                          row_step, tap_step, x_zero, w_zero,
                                                          weight_bits);
                            sum += x_zero * mw_sum_weights(filter, kh * kw, w_zero, weight_bits);
                        }
                        const int32_t acc = mw_wrapping_add(bias[c++], sum);
                        const int32_t scaled = mw_requantize(acc, multiplier[q], shift[q]);
                        *y++ = (int8_t)mw_offset_clamp(scaled, y_zero, act_min, act_max);
                        filter += filter_bytes;
                    }
                }
            }
        }
        x += in_h * in_w * in_c;
    }
}

#endif
