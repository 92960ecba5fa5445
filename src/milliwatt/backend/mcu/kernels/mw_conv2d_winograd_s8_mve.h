/* SPDX-License-Identifier: MIT */
/* 3x3 convolution, stride 1, by Winograd's F(4x4, 3x3) on Helium: a product of 16 bits for 4
 * multiplications, two tiles of 4x4 outputs at a time. The map is at least 4x4, input channels are
 * a multiple of 8.
 *
 * Registers and instructions per multiplication: mw_winograd_mve.h and, of its loop,
 * mw_matmul_s8_2px_mve.h.
 *
 * Scratch memory: two transformed tiles, 144 bytes for each input channel; a tile that reaches
 * outside the image, 36 for each; 1152 bytes of sums. Weights take 72 bytes where they took 9. */
#ifndef MW_CONV2D_WINOGRAD_S8_MVE_H
#define MW_CONV2D_WINOGRAD_S8_MVE_H

#include "mw_conv2d_s8_mve.h"
#include "mw_winograd_mve.h"

/* weights: those of mw_winograd_products_mve, for every four channels. scales: for every four
 * channels those of mw_winograd_output_mve. */
MW_INLINE void mw_conv2d_winograd_s8_mve(const int8_t *x, int8_t *y, void *scratch,
                                         const int16_t *weights, const int32_t *scales,
                                         int32_t height, int32_t width, int32_t depth,
                                         int32_t out_height, int32_t out_width, int32_t channels,
                                         int32_t pad_top, int32_t pad_left, int32_t x_zero,
                                         int32_t zero, int32_t low, int32_t high, int32_t form)
{
    int32_t *const sums = scratch;
    int16_t *const tiles = (int16_t *)(void *)(sums + 8 * MW_TILE_NUMBERS);
    int8_t *const patch = (int8_t *)(tiles + 2 * MW_TILE_NUMBERS * depth);
    const mw_window_s8_mve window = {height, width,          depth, MW_TILE_INPUTS,
                                     MW_TILE_INPUTS, x_zero};
    mw_winograd_outputs_mve out = {y, channels, out_width * channels, zero, low, high};
    const int32_t across = (out_width + 3) >> 2;
    const int32_t count = across * ((out_height + 3) >> 2);
    int8_t *to[2] = {y, y};
    for (int32_t first = 0; first < count; first += 2) {
        const int32_t both = mw_min_i32(count - first, 2);
        for (int32_t t = 0; t < both; t++) {
            const int32_t tile = first + t, line = tile / across;
            const int32_t top = mw_min_i32(4 * line, out_height - 4);
            const int32_t left = mw_min_i32(4 * (tile - line * across), out_width - 4);
            to[t] = y + (top * out_width + left) * channels;
            mw_copy_window_s8_mve(x, &window, top - pad_top, left - pad_left, patch);
            mw_winograd_input_mve(patch, MW_TILE_INPUTS * depth, depth,
                                  tiles + t * MW_TILE_NUMBERS * depth);
        }
        mw_winograd_products_mve block = {tiles, tiles + (both - 1) * MW_TILE_NUMBERS * depth,
                                          weights, sums, (depth >> 3) - 1};
        const int32_t *constants = scales;
        for (int32_t c = 0; c < channels; c += 4) {
            const int32_t some = mw_min_i32(channels - c, 4);
            mw_winograd_products(&block);
            for (int32_t t = 0; t < both; t++) {
                out.y = to[t] + c;
                mw_winograd_output_mve(sums + 4 * t, constants, &out, some, form);
            }
            block.weights += 4 * MW_TILE_NUMBERS * depth;
            constants += 4 + 4 * mw_scale_words_mve(form);
        }
    }
}

#endif
