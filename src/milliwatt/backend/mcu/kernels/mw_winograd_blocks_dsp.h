/* SPDX-License-Identifier: MIT */
/* What all Winograd convolutions share: an image, cut into tiles, four tiles at a time.
 *
 * A tile is side x side outputs. Where the map is no multiple of it the last tiles are moved back
 * until they end with the map, and the last block repeats its last tile, so that every tile is
 * whole: some outputs are computed twice, to the same value. A block's inputs are read before its
 * outputs are written. */
#ifndef MW_WINOGRAD_BLOCKS_DSP_H
#define MW_WINOGRAD_BLOCKS_DSP_H

#include "mw_requantize_dsp.h"
#include "mw_winograd_matmul_dsp.h"

typedef struct {
    int32_t height, width, depth; /* of the image */
    int32_t fill;                 /* value outside it */
} mw_winograd_image;

/* Where the outputs of four tiles go, channel 0: the first of each, and the bytes from it to the
 * ones beside and under it. */
typedef struct {
    int32_t right, zero, below; /* zero: the outputs' zero point */
    int8_t *first[4];
} mw_winograd_places;

/* One tile into the transformed domain; `depth` is a multiple of 4. Pair i at position p goes to
 * to[(p * depth / 2 + i) * 4]. */
typedef void mw_winograd_input(const int8_t *x, int32_t row_bytes, int32_t depth, int32_t *to);

/* Channel `at` of four tiles out of it, with its words of the table of constants. */
typedef void mw_winograd_output(int32_t *sums, const int32_t *channel,
                                const mw_winograd_places *places, int32_t at);

/* An algorithm: outputs and inputs along a tile's side, words of constants of a channel. */
typedef struct {
    int32_t side, patch, channel_words;
    mw_winograd_input *input;
    mw_winograd_output *output;
} mw_winograd_form;

/* `count` bytes, a multiple of 4; returns the end of what was written. */
MW_INLINE int8_t *mw_winograd_copy(int8_t *to, const int8_t *from, int32_t count)
{
    for (const int8_t *const end = to + count; to != end; to += 4) {
        mw_store_i32(to, mw_load_i32(from));
        from += 4;
    }
    return to;
}

MW_INLINE int8_t *mw_winograd_fill(int8_t *to, int32_t word, int32_t count)
{
    for (const int8_t *const end = to + count; to != end; to += 4) {
        mw_store_i32(to, word);
    }
    return to;
}

/* The patch x patch inputs from (top, left), some of which lie outside the image, copied. */
static MW_NOINLINE __attribute__((unused)) void mw_winograd_edge(const int8_t *x,
                                                                 const mw_winograd_image *image,
                                                                 int32_t top, int32_t left,
                                                                 int32_t patch, int8_t *to)
{
    MW_BARRIER();
    const int32_t depth = image->depth;
    const int32_t word = (int32_t)(0x01010101u * ((uint32_t)image->fill & 0xFFu));
    const int32_t first = mw_clamp_i32(-left, 0, patch);
    const int32_t last = mw_clamp_i32(image->width - left, first, patch);
    for (int32_t row = top; row < top + patch; row++) {
        if (row < 0 || row >= image->height) {
            to = mw_winograd_fill(to, word, patch * depth);
            continue;
        }
        to = mw_winograd_fill(to, word, first * depth);
        if (first < last) {
            to = mw_winograd_copy(to, x + (row * image->width + left + first) * depth,
                                  (last - first) * depth);
        }
        to = mw_winograd_fill(to, word, (patch - last) * depth);
    }
}

/* The whole convolution. scratch: 8 words of sums for each position, then for each position and
 * input channel 8 bytes of transformed tiles, then patch * patch bytes an input channel. weights:
 * for every two channels, position after position, their pairs in turn. Channels of both tables
 * are an even number. */
MW_INLINE void mw_winograd_conv2d(const int8_t *x, int8_t *y, int32_t *scratch,
                                  const int32_t *weights, const int32_t *constants,
                                  const mw_winograd_image *image, int32_t out_height,
                                  int32_t out_width, int32_t channels, int32_t pad_top,
                                  int32_t pad_left, int32_t zero, mw_winograd_form form)
{
    const int32_t depth = image->depth, positions = form.patch * form.patch;
    const int32_t row_bytes = image->width * depth;
    int32_t *const inputs = scratch + 8 * positions;
    int8_t *const edge = (int8_t *)(inputs + 2 * positions * depth);
    const int32_t columns = (out_width + form.side - 1) / form.side;
    const int32_t rows = (out_height + form.side - 1) / form.side;
    mw_winograd_places places = {channels, zero, out_width * channels, {y, y, y, y}};
    int32_t row = 0, column = 0;
    for (int32_t left_over = rows * columns; left_over > 0; left_over -= 4) {
        for (int32_t t = 0; t < 4; t++) {
            const int32_t out_top = mw_min_i32(form.side * row, out_height - form.side);
            const int32_t out_left = mw_min_i32(form.side * column, out_width - form.side);
            const int32_t top = out_top - pad_top, left = out_left - pad_left;
            places.first[t] = y + (out_top * out_width + out_left) * channels;
            if (top >= 0 && left >= 0 && top + form.patch <= image->height &&
                left + form.patch <= image->width) {
                form.input(x + top * row_bytes + left * depth, row_bytes, depth, inputs + t);
            } else {
                mw_winograd_edge(x, image, top, left, form.patch, edge);
                form.input(edge, form.patch * depth, depth, inputs + t);
            }
            if (t + 1 < left_over) {
                column++;
                row += column == columns;
                column = column == columns ? 0 : column;
            }
        }
        const int32_t *pair = weights, *channel = constants;
        for (int32_t c = 0; c < channels; c += 2) {
            mw_winograd_matmul(inputs, pair, scratch, depth >> 1, positions);
            form.output(scratch, channel, &places, c);
            if (c + 1 < channels) {
                form.output(scratch + 4, channel + form.channel_words, &places, c + 1);
            }
            pair += positions * depth;
            channel += 2 * form.channel_words;
        }
    }
}

#endif
