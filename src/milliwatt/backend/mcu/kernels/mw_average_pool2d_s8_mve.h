/* SPDX-License-Identifier: MIT */
/* int8 average pooling over the real elements of each window, ties away from zero: eight channels
 * at a time. Windows have at most 255 elements, so that sums fit 16 bits. Five instructions for
 * each eight elements; each output takes a division. Registers: q0 sums, q1 inputs; input, its step
 * and skip, rows, columns, lr counts. */
#ifndef MW_AVERAGE_POOL2D_S8_MVE_H
#define MW_AVERAGE_POOL2D_S8_MVE_H

#include "mw_mve.h"

/* Sums of `lanes` (at most 8) channels over `rows` by `columns` pixels; pixels are `step` bytes
 * apart, a row's end and the next row's begin `skip`. */
MW_INLINE void mw_window_sums_s8_mve(const int8_t *x, int32_t rows, int32_t columns, int32_t step,
                                     int32_t skip, int32_t lanes, int16_t *sums)
{
#if MW_HAS_MVE
    __asm__ volatile("vmov.i32 q0, #0\n"
                     "vctp.16 %[lanes]\n"
                     "1:\n"
                     "dls lr, %[columns]\n"
                     "2:\n"
                     "vpst\n"
                     "vldrbt.s16 q1, [%[x]]\n"
                     "add %[x], %[x], %[step]\n"
                     "vadd.i16 q0, q0, q1\n"
                     "le lr, 2b\n"
                     "add %[x], %[x], %[skip]\n"
                     "subs %[rows], %[rows], #1\n"
                     "bne 1b\n"
                     "vstrh.16 q0, [%[sums]]\n"
                     : [x] "+&l"(x), [rows] "+&r"(rows)
                     : [columns] "r"(columns), [step] "r"(step), [skip] "r"(skip),
                       [lanes] "r"(lanes), [sums] "l"(sums)
                     : "lr", "q0", "q1", "cc", "memory");
#else
    for (int32_t c = 0; c < lanes; c++) {
        sums[c] = 0;
    }
    for (; rows > 0; rows--) {
        for (int32_t i = 0; i < columns; i++) {
            for (int32_t c = 0; c < lanes; c++) {
                sums[c] = (int16_t)(sums[c] + x[c]);
            }
            x += step;
        }
        x += rows > 1 ? skip : 0;
    }
#endif
}

MW_INLINE void mw_average_pool2d_s8_mve(const int8_t *x, int8_t *y, int32_t batch, int32_t in_h,
                                        int32_t in_w, int32_t channels, int32_t out_h,
                                        int32_t out_w, int32_t kh, int32_t kw, int32_t stride_h,
                                        int32_t stride_w, int32_t pad_top, int32_t pad_left,
                                        int32_t act_min, int32_t act_max)
{
    int16_t sums[8];
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t oy = 0; oy < out_h; oy++) {
            const int32_t top = oy * stride_h - pad_top;
            const int32_t y0 = mw_max_i32(top, 0);
            const int32_t rows = mw_min_i32(top + kh, in_h) - y0;
            for (int32_t ox = 0; ox < out_w; ox++) {
                const int32_t left = ox * stride_w - pad_left;
                const int32_t x0 = mw_max_i32(left, 0);
                const int32_t columns = mw_min_i32(left + kw, in_w) - x0;
                const int32_t count = rows * columns;
                const int8_t *corner = x + (y0 * in_w + x0) * channels;
                for (int32_t c = 0; c < channels; c += 8) {
                    const int32_t lanes = mw_min_i32(channels - c, 8);
                    mw_window_sums_s8_mve(corner + c, rows, columns, channels,
                                          (in_w - columns) * channels, lanes, sums);
                    for (int32_t i = 0; i < lanes; i++) {
                        const int32_t half = sums[i] > 0 ? count / 2 : -(count / 2);
                        *y++ = (int8_t)mw_clamp_i32((sums[i] + half) / count, act_min, act_max);
                    }
                }
            }
        }
        x += in_h * in_w * channels;
    }
}

#endif
