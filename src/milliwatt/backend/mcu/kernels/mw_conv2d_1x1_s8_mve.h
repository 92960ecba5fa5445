/* SPDX-License-Identifier: MIT */
/* 1x1 convolution, stride 1: each pixel times all filters, two pixels at a time.
 *
 * Registers and instructions per multiplication: mw_matmul_s8_2px_mve.h.
 *
 * Scratch memory holds two pixels, each filled up to whole vectors, which the weights' zeros
 * cancel. They are copied before their outputs are written, so outputs may follow the inputs
 * through one buffer. Of an odd number of pixels the last is computed twice at once. */
#ifndef MW_CONV2D_1X1_S8_MVE_H
#define MW_CONV2D_1X1_S8_MVE_H

#include "mw_matmul_few_s8_mve.h"
#include "mw_matmul_s8_2px_mve.h"

/* step: bytes from a pixel's outputs to the next one's. */
MW_INLINE void mw_conv2d_1x1_channels_s8_mve(const int8_t *x, int8_t *y, void *scratch,
                                             const int8_t *weights, const int32_t *scales,
                                             int32_t pixels, int32_t depth, int32_t vectors,
                                             int32_t channels, int32_t step, int32_t zero,
                                             int32_t low, int32_t high, int32_t form)
{
    int8_t *const x0 = scratch;
    int8_t *const x1 = x0 + MW_VECTOR * vectors;
    mw_matmul_s8_mve layer = MW_MATMUL_LAYER(x0, x1, vectors, channels, step, weights, scales, y,
                                             zero, low, high);
    for (; pixels > 0; pixels -= 2) {
        const int32_t second = pixels > 1;
        mw_copy_mve(x0, x, depth);
        mw_copy_mve(x1, x + second * depth, depth);
        layer.distance = second * step;
        mw_matmul_s8_2px_mve(&layer, form);
        layer.y += 2 * step;
        x += 2 * depth;
    }
}

MW_INLINE void mw_conv2d_1x1_s8_mve(const int8_t *x, int8_t *y, void *scratch,
                                    const int8_t *weights, const int32_t *scales, int32_t pixels,
                                    int32_t depth, int32_t vectors, int32_t channels, int32_t zero,
                                    int32_t low, int32_t high, int32_t form)
{
    mw_conv2d_1x1_channels_s8_mve(x, y, scratch, weights, scales, pixels, depth, vectors, channels,
                                  channels, zero, low, high, form);
}

#endif
