/* SPDX-License-Identifier: MIT */
/* 3x3 convolution, stride 1, by Winograd's F(2x2, 3x3): 4 products for 9 multiplications, four
 * tiles of 2x2 outputs at a time.
 *
 * Registers, ranges and instructions per multiplication: mw_winograd_matmul_dsp.h and
 * mw_winograd_tiles_dsp.h; with 16 channels in and out 0.6 in all, with 64 0.4. Scratch memory: 128
 * bytes per input channel for transformed tiles, 16 per input channel for a tile that reaches
 * outside the image, 512 for sums. Weights take 32 bytes where they took 9. A block's inputs are
 * read before its outputs are written. */
#ifndef MW_CONV2D_WINOGRAD_S8_DSP_H
#define MW_CONV2D_WINOGRAD_S8_DSP_H

#include "mw_winograd_tiles_dsp.h"

typedef struct {
    int32_t height, width, depth; /* of the image */
    int32_t fill;                 /* value outside it */
    int8_t *tile;                 /* scratch memory for 16 * depth elements */
} mw_winograd_image;

/* The tile whose first input is (top, left), copied where it reaches outside the image. */
static MW_NOINLINE __attribute__((unused)) void mw_winograd_gather(const int8_t *x,
                                                                   const mw_winograd_image *image,
                                                                   int32_t top, int32_t left,
                                                                   int32_t *to)
{
    MW_BARRIER();
    const int32_t depth = image->depth, row_bytes = image->width * depth;
    if (top >= 0 && left >= 0 && top + 4 <= image->height && left + 4 <= image->width) {
        mw_winograd_input(x + top * row_bytes + left * depth, row_bytes, depth, to);
        return;
    }
    int8_t *pixel = image->tile;
    for (int32_t row = top; row < top + 4; row++) {
        for (int32_t column = left; column < left + 4; column++) {
            const int32_t inside =
                row >= 0 && row < image->height && column >= 0 && column < image->width;
            const int32_t at = inside ? row * row_bytes + column * depth : 0;
            const int32_t outside = (int32_t)(0x01010101u * ((uint32_t)image->fill & 0xFFu));
            for (int32_t c = 0; c < depth; c += 4) {
                mw_store_i32(pixel + c, inside ? mw_load_i32(x + at + c) : outside);
            }
            pixel += depth;
        }
    }
    mw_winograd_input(image->tile, 4 * depth, depth, to);
}

/* Two channels' outputs of `tiles` tiles; `whole`: four, and none reaches outside the map. */
static MW_NOINLINE __attribute__((unused)) void mw_winograd_outputs(
    const int32_t *sums, const mw_winograd_channel *channels, int32_t count, int32_t zero,
    int8_t *y, const mw_winograd_place *places, int32_t tiles, int32_t whole)
{
    MW_BARRIER();
    (void)whole;
    for (int32_t k = 0; k < count; k++) {
#if MW_HAS_DSP
        if (whole) {
            mw_winograd_output_4(sums, channels + k, zero, y + k, places);
            sums += 4;
            continue;
        }
#endif
        for (int32_t t = 0; t < tiles; t++) {
            mw_winograd_output(sums + t, channels + k, zero, y + k + places[t].first,
                               places[t].right, places[t].below);
        }
        sums += 4;
    }
}

/* weights: for every two channels, position after position, their pairs in turn. scales: twice the
 * bias, multiplier and divisor of each channel. Channels of both tables are an even number. */
MW_INLINE void mw_conv2d_winograd_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                         const int32_t *weights, const int32_t *scales,
                                         int32_t height, int32_t width, int32_t depth,
                                         int32_t out_height, int32_t out_width, int32_t channels,
                                         int32_t pad_top, int32_t pad_left, int32_t x_zero,
                                         int32_t y_zero, int32_t low, int32_t high)
{
    int32_t *const sums = scratch, *const inputs = sums + 8 * MW_WINOGRAD_POSITIONS;
    const mw_winograd_image image = {height, width, depth, x_zero, (int8_t *)(inputs + 32 * depth)};
    const mw_winograd_channel *const layer = (const void *)scales;
    const int32_t columns = (out_width + 1) >> 1, pair_words = MW_WINOGRAD_POSITIONS * depth;
    int32_t tiles = columns * ((out_height + 1) >> 1), row = 0, column = 0;
    for (; tiles > 0; tiles -= 4) {
        mw_winograd_place places[4];
        const int32_t taken = mw_min_i32(tiles, 4);
        int32_t whole = taken == 4;
        for (int32_t t = 0; t < taken; t++) {
            mw_winograd_gather(x, &image, 2 * row - pad_top, 2 * column - pad_left, inputs + t);
            places[t].first = (2 * row * out_width + 2 * column) * channels;
            places[t].right = 2 * column + 1 < out_width ? channels : 0;
            places[t].below = 2 * row + 1 < out_height ? out_width * channels : 0;
            whole = whole && places[t].right != 0 && places[t].below != 0;
            column++;
            if (column == columns) {
                column = 0;
                row++;
            }
        }
        const int32_t *pair = weights;
        for (int32_t c = 0; c < channels; c += 2) {
            mw_winograd_matmul(inputs, pair, sums, depth >> 1);
            mw_winograd_outputs(sums, layer + c, mw_min_i32(channels - c, 2), y_zero, y + c,
                                places, taken, whole);
            pair += pair_words;
        }
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, out_height * out_width * channels, low, high);
    }
}

#endif
