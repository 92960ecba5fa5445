/* SPDX-License-Identifier: MIT */
/* int8 average pooling over the real elements of each window, ties away from zero: four channels
 * at a time. Windows have at most 255 elements, so that sums fit 16 bits. Six instructions for
 * each four elements; each output takes a division. Registers: 2 pairs of sums, a word of inputs,
 * input, its step and skip, 2 counters. */
#ifndef MW_AVERAGE_POOL2D_S8_DSP_H
#define MW_AVERAGE_POOL2D_S8_DSP_H

#include "mw_dsp.h"

typedef struct {
    int32_t rows, columns; /* real elements of the window */
    int32_t step, skip;    /* bytes from pixel to pixel; from a row's end to the next row */
} mw_pool_window_s8;

MW_INLINE int8_t mw_average_s8(int32_t sum, int32_t count, int32_t low, int32_t high)
{
    const int32_t half = sum > 0 ? count / 2 : -(count / 2);
    return (int8_t)mw_clamp_i32((sum + half) / count, low, high);
}

/* The averages of four channels. */
MW_INLINE void mw_average_4_s8(const int8_t *x, const mw_pool_window_s8 *window, int8_t *y,
                               int32_t low, int32_t high)
{
    const int32_t count = window->rows * window->columns;
    int32_t even = 0, odd = 0;
    for (int32_t row = window->rows; row > 0; row--) {
        int32_t column = window->columns;
        for (; column >= 4; column -= 4) {
            MW_UNROLL
            for (int32_t i = 0; i < 4; i++) {
                const int32_t word = mw_load_i32(x);
                even = mw_add_even_bytes(even, word);
                odd = mw_add_odd_bytes(odd, word);
                x += window->step;
            }
        }
        for (; column > 0; column--) {
            const int32_t word = mw_load_i32(x);
            even = mw_add_even_bytes(even, word);
            odd = mw_add_odd_bytes(odd, word);
            x += window->step;
        }
        x += row > 1 ? window->skip : 0;
    }
    y[0] = mw_average_s8(mw_low_half(even), count, low, high);
    y[1] = mw_average_s8(mw_low_half(odd), count, low, high);
    y[2] = mw_average_s8(mw_high_half(even), count, low, high);
    y[3] = mw_average_s8(mw_high_half(odd), count, low, high);
}

/* The average of one channel. */
MW_INLINE int8_t mw_average_1_s8(const int8_t *x, const mw_pool_window_s8 *window, int32_t low,
                                 int32_t high)
{
    int32_t sum = 0;
    for (int32_t row = window->rows; row > 0; row--) {
        for (int32_t column = window->columns; column > 0; column--) {
            sum += *x;
            x += window->step;
        }
        x += row > 1 ? window->skip : 0;
    }
    return mw_average_s8(sum, window->rows * window->columns, low, high);
}

MW_INLINE void mw_average_pool2d_s8_dsp(const int8_t *x, int8_t *y, int32_t batch, int32_t in_h,
                                        int32_t in_w, int32_t channels, int32_t out_h,
                                        int32_t out_w, int32_t kh, int32_t kw, int32_t stride_h,
                                        int32_t stride_w, int32_t pad_top, int32_t pad_left,
                                        int32_t act_min, int32_t act_max)
{
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t oy = 0; oy < out_h; oy++) {
            const int32_t top = oy * stride_h - pad_top;
            const int32_t y0 = mw_max_i32(top, 0);
            const int32_t rows = mw_min_i32(top + kh, in_h) - y0;
            for (int32_t ox = 0; ox < out_w; ox++) {
                const int32_t left = ox * stride_w - pad_left;
                const int32_t x0 = mw_max_i32(left, 0);
                const int32_t columns = mw_min_i32(left + kw, in_w) - x0;
                const int32_t one_run = columns == in_w;
                const mw_pool_window_s8 window = {one_run ? 1 : rows,
                                                  one_run ? rows * columns : columns, channels,
                                                  (in_w - columns) * channels};
                const int8_t *corner = x + (y0 * in_w + x0) * channels;
                int32_t c = channels;
                for (; c >= 4; c -= 4) {
                    mw_average_4_s8(corner, &window, y, act_min, act_max);
                    corner += 4;
                    y += 4;
                }
                for (; c > 0; c--) {
                    *y++ = mw_average_1_s8(corner++, &window, act_min, act_max);
                }
            }
        }
        x += in_h * in_w * channels;
    }
}

#endif
