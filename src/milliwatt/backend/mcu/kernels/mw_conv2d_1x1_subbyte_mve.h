/* SPDX-License-Identifier: MIT */
/* 1x1 convolution of int4 or int2 weights, stride 1: as mw_conv2d_1x1_s8_mve.h, two pixels at a
 * time. Registers and instructions per multiplication: mw_matmul_subbyte_2px_mve.h. */
#ifndef MW_CONV2D_1X1_SUBBYTE_MVE_H
#define MW_CONV2D_1X1_SUBBYTE_MVE_H

#include "mw_matmul_subbyte_2px_mve.h"

MW_INLINE void mw_conv2d_1x1_subbyte_mve(const int8_t *x, int8_t *y, void *scratch,
                                         const int8_t *weights, const int32_t *scales,
                                         int32_t pixels, int32_t depth, int32_t vectors,
                                         int32_t channels, int32_t zero, int32_t low,
                                         int32_t high, int32_t form, int32_t bits, int32_t full)
{
    int8_t *const x0 = scratch;
    int8_t *const x1 = x0 + MW_VECTOR * vectors;
    mw_matmul_subbyte_mve some = {MW_MATMUL_LAYER(x0, x1, vectors, channels, channels, weights,
                                                  scales, y, zero, low, high),
                                  {0}};
    for (; pixels > 0; pixels -= 2) {
        const int32_t second = pixels > 1;
        mw_copy_mve(x0, x, depth);
        mw_copy_mve(x1, x + second * depth, depth);
        if (full) {
            mw_matmul_subbyte_starts_mve(x0, vectors, bits, some.starts);
            mw_matmul_subbyte_starts_mve(x1, vectors, bits, some.starts + 4);
        }
        some.layer.distance = second * channels;
        mw_matmul_subbyte_2px_mve(&some, form, bits, full);
        some.layer.y += 2 * channels;
        x += 2 * depth;
    }
}

#endif
