/* SPDX-License-Identifier: MIT */
/* 3x3 convolution, stride 1, by Winograd's F(4x4, 3x3): a product for 4 multiplications, four tiles
 * of 4x4 outputs at a time. The map is at least 4x4.
 *
 * Registers, ranges and instructions per multiplication: mw_winograd_matmul_dsp.h and
 * mw_winograd_tiles_4x4_dsp.h; with 16 channels in and out 0.4 in all, with 64 0.2. Scratch memory:
 * 288 bytes per input channel for transformed tiles, 36 per input channel for a tile that reaches
 * outside the image, 1152 for sums. Weights take 72 bytes where they took 9. */
#ifndef MW_CONV2D_WINOGRAD_4X4_S8_DSP_H
#define MW_CONV2D_WINOGRAD_4X4_S8_DSP_H

#include "mw_winograd_tiles_4x4_dsp.h"

/* weights: for every two channels, position after position, their pairs in turn. scales: each
 * channel's constants, as mw_winograd_tiles_4x4_dsp.h describes them. Channels of both tables are
 * an even number. */
MW_INLINE void mw_conv2d_winograd_4x4_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                             const int32_t *weights, const int32_t *scales,
                                             int32_t height, int32_t width, int32_t depth,
                                             int32_t out_height, int32_t out_width,
                                             int32_t channels, int32_t pad_top, int32_t pad_left,
                                             int32_t x_zero, int32_t y_zero, int32_t low,
                                             int32_t high)
{
    const mw_winograd_image image = {height, width, depth, x_zero};
    const mw_winograd_form form = {4, 6, MW_WINO_4X4_WORDS, mw_winograd_input_4x4,
                                   mw_winograd_output_4x4};
    mw_winograd_conv2d(x, y, scratch, weights, scales, &image, out_height, out_width, channels,
                       pad_top, pad_left, y_zero, form);
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, out_height * out_width * channels, low, high);
    }
}

#endif
