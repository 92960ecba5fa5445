/* SPDX-License-Identifier: MIT */
/* int16 convolution: any filter, stride, dilation, padding, groups, batch. */
#ifndef MW_CONV2D_S16_H
#define MW_CONV2D_S16_H

#include "mw_dot_s16.h"

/* w is [channels][kh][kw][in_c / groups], each tap of sub-byte weights beginning at a whole byte.
 * contiguous: the taps of a row lie side by side in x and in w (dilation_w 1, one group, whole
 * bytes), so that a row is one run. padded: some window reaches outside the map. */
MW_INLINE void mw_conv2d_s16(const int16_t *x, int16_t *y, const int8_t *MW_RESTRICT w,
                             const int32_t *MW_RESTRICT bias,
                             const int32_t *MW_RESTRICT multiplier,
                             const int8_t *MW_RESTRICT shift, int32_t batch, int32_t in_h,
                             int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w,
                             int32_t groups, int32_t group_c, int32_t kh, int32_t kw,
                             int32_t stride_h, int32_t stride_w, int32_t dilation_h,
                             int32_t dilation_w, int32_t pad_top, int32_t pad_left,
                             int32_t w_zero, int32_t act_min, int32_t act_max,
                             int32_t per_channel, int32_t weight_bits, int32_t contiguous,
                             int32_t padded, int32_t bias_words, int32_t wide)
{
    const int32_t depth = in_c / groups;
    const int32_t tap_bytes = mw_weight_bytes(depth, weight_bits);
    const int32_t filter_row_bytes = kw * tap_bytes;
    const int32_t row_step = dilation_h * in_w * in_c;
    const int32_t tap_step = dilation_w * in_c;
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t oy = 0; oy < out_h; oy++) {
            const int32_t top = oy * stride_h - pad_top;
            const int32_t ky0 = padded ? mw_first_tap(top, dilation_h) : 0;
            const int32_t ky1 = padded ? mw_end_tap(top, dilation_h, kh, in_h) : kh;
            for (int32_t ox = 0; ox < out_w; ox++) {
                const int32_t left = ox * stride_w - pad_left;
                const int32_t kx0 = padded ? mw_first_tap(left, dilation_w) : 0;
                const int32_t kx1 = padded ? mw_end_tap(left, dilation_w, kw, in_w) : kw;
                const int32_t taps = mw_max_i32(kx1 - kx0, 0);
                const int32_t corner =
                    ((top + ky0 * dilation_h) * in_w + left + kx0 * dilation_w) * in_c;
                const int32_t first = ky0 * filter_row_bytes + kx0 * tap_bytes;
                const int8_t *filter = w;
                int32_t c = 0;
                for (int32_t group = 0; group < groups; group++) {
                    for (int32_t i = 0; i < group_c; i++) {
                        const int32_t q = per_channel ? c : 0;
                        int32_t offset = corner + group * depth;
                        const int8_t *filter_row = filter + first;
                        int64_t acc = mw_bias_s16(bias, c++, bias_words);
                        for (int32_t ky = ky0; ky < ky1 && taps > 0; ky++) {
                            if (contiguous) {
                                acc += mw_dot_s16(x + offset, filter_row, taps * depth, w_zero,
                                                  weight_bits);
                            } else {
                                for (int32_t kx = 0; kx < taps; kx++) {
                                    acc += mw_dot_s16(x + offset + kx * tap_step,
                                                      filter_row + kx * tap_bytes, depth, w_zero,
                                                      weight_bits);
                                }
                            }
                            offset += row_step;
                            filter_row += filter_row_bytes;
                        }
                        *y++ = mw_finish_s16(acc, multiplier[q], shift[q], wide, act_min, act_max);
                        filter += kh * filter_row_bytes;
                    }
                }
            }
        }
        x += in_h * in_w * in_c;
    }
}

#endif
