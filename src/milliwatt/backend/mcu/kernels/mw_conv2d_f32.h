/* SPDX-License-Identifier: MIT */
/* float32 convolution: any filter, stride, dilation, padding, groups, batch. */
#ifndef MW_CONV2D_F32_H
#define MW_CONV2D_F32_H

#include "mw_dot_f32.h"

/* w is [channels][kh][kw][in_c / groups].
 * contiguous: the taps of a row lie side by side in x and in w (dilation_w 1, one group), so
 * that a row is one run. padded: some window reaches outside the map. */
MW_INLINE void mw_conv2d_f32(const float *x, float *y, const float *MW_RESTRICT w,
                             const float *MW_RESTRICT bias, int32_t batch, int32_t in_h,
                             int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w,
                             int32_t groups, int32_t group_c, int32_t kh, int32_t kw,
                             int32_t stride_h, int32_t stride_w, int32_t dilation_h,
                             int32_t dilation_w, int32_t pad_top, int32_t pad_left,
                             int32_t activation, int32_t contiguous, int32_t padded)
{
    const int32_t depth = in_c / groups;
    const int32_t filter_row = kw * depth;
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
                const int32_t first = ky0 * filter_row + kx0 * depth;
                const float *filter = w;
                int32_t c = 0;
                for (int32_t group = 0; group < groups; group++) {
                    for (int32_t i = 0; i < group_c; i++) {
                        int32_t offset = corner + group * depth;
                        const float *weights = filter + first;
                        float acc = bias[c++];
                        for (int32_t ky = ky0; ky < ky1 && taps > 0; ky++) {
                            if (contiguous) {
                                acc += mw_dot_f32(x + offset, weights, taps * depth);
                            } else {
                                for (int32_t kx = 0; kx < taps; kx++) {
                                    acc += mw_dot_f32(x + offset + kx * tap_step,
                                                      weights + kx * depth, depth);
                                }
                            }
                            offset += row_step;
                            weights += filter_row;
                        }
                        *y++ = mw_activate_f32(acc, activation);
                        filter += kh * filter_row;
                    }
                }
            }
        }
        x += in_h * in_w * in_c;
    }
}

#endif
