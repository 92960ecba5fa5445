/* SPDX-License-Identifier: MIT */
/* Depthwise convolution of any filter, stride and dilation, one filter a channel.
 *
 * Registers and instructions per multiplication: mw_depthwise_row_s8_mve.h.
 *
 * Rows of the image go to a ring in scratch memory, with the padding around them, so that outputs
 * may overwrite inputs. */
#ifndef MW_DEPTHWISE_CONV2D_S8_MVE_H
#define MW_DEPTHWISE_CONV2D_S8_MVE_H

#include "mw_depthwise_row_s8_mve.h"

/* Row `row` of the image, with the padding at its sides, or a row of padding, to `to`. */
static MW_NOINLINE __attribute__((unused)) void mw_depthwise_gather_s8_mve(
    const int8_t *x, int8_t *to, int32_t row, int32_t height, int32_t row_bytes,
    int32_t before_bytes, int32_t padded_bytes, int32_t fill)
{
    MW_BARRIER();
    if (row < 0 || row >= height) {
        mw_fill_mve(to, fill, padded_bytes);
        return;
    }
    const int32_t begin = mw_min_i32(before_bytes, padded_bytes);
    const int32_t kept = mw_min_i32(row_bytes, padded_bytes - begin);
    mw_fill_mve(to, fill, begin);
    mw_copy_mve(to + begin, x + row * row_bytes, kept);
    mw_fill_mve(to + begin + kept, fill, padded_bytes - begin - kept);
}

/* Scratch memory: `words` for the offsets (mw_depthwise_row_s8_mve.h), then `ring_rows` padded rows
 * of `padded_bytes`, then 16 bytes that the last block of channels may read.
 *
 * places: where each tap's offset is among the words, then for each of `groups` where the number of
 * its pairs is, and that number.
 *
 * `together` divides the width of the output. It is 1, or for stride 1 so many neighbouring pixels
 * as fill whole blocks: the tables are those of `together` times as many channels. taps, form:
 * those of mw_depthwise_row_s8_mve.h. */
MW_INLINE void mw_depthwise_conv2d_s8_mve(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *scales,
    const int16_t *places, int32_t words, int32_t groups, int32_t height, int32_t width,
    int32_t channels, int32_t out_height, int32_t out_width, int32_t kh, int32_t kw,
    int32_t stride_h, int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top,
    int32_t pad_left, int32_t padded_bytes, int32_t ring_rows, int32_t together, int32_t x_zero,
    int32_t y_zero, int32_t low, int32_t high, int32_t taps, int32_t form)
{
    mw_word *const offsets = scratch;
    int8_t *const ring = (int8_t *)(offsets + words);
    const int32_t out_bytes = out_width * channels;
    mw_depthwise_row_s8_mve row = {ring,
                                   offsets + (taps == MW_TAPS_PAIRS),
                                   together * channels,
                                   together * stride_w * channels,
                                   weights,
                                   scales,
                                   y,
                                   out_width / together,
                                   y_zero,
                                   low,
                                   high};
    for (int32_t i = 0; i < words; i++) {
        offsets[i] = 0;
    }
    for (int32_t i = kh * kw; i < kh * kw + 2 * groups; i += 2) {
        offsets[places[i]] = places[i + 1];
    }
    int32_t next = -pad_top; /* row of the image to be gathered */
    int32_t place = 0;       /* and where in the ring */
    for (int32_t top = -pad_top; top < out_height * stride_h - pad_top; top += stride_h) {
        next = mw_max_i32(next, top);
        for (; next < top + ring_rows; next++) {
            mw_depthwise_gather_s8_mve(x, ring + place * padded_bytes, next, height,
                                       width * channels, pad_left * channels, padded_bytes,
                                       x_zero);
            place = place + 1 == ring_rows ? 0 : place + 1;
        }
        const int16_t *to = places;
        int32_t at = place; /* the oldest row is the window's first */
        for (int32_t ky = 0; ky < kh; ky++) {
            for (int32_t kx = 0; kx < kw; kx++) {
                offsets[*to++] = at * padded_bytes + kx * dilation_w * channels;
            }
            at += dilation_h;
            at = at >= ring_rows ? at - ring_rows : at;
        }
        mw_depthwise_row_s8(&row, taps, form);
        row.y += out_bytes;
    }
}

/* The same without padding, of whole blocks of channels: the image is read where it is. */
MW_INLINE void mw_depthwise_conv2d_inside_s8_mve(
    const int8_t *x, int8_t *y, const int8_t *weights, const int32_t *scales,
    const int32_t *offsets, int32_t row_step, int32_t step, int32_t channels, int32_t out_height,
    int32_t out_width, int32_t zero, int32_t low, int32_t high, int32_t taps, int32_t form)
{
    mw_depthwise_row_s8_mve row = {
        x, offsets + (taps == MW_TAPS_PAIRS), channels, step, weights, scales, y, out_width, zero,
        low, high};
    for (; out_height > 0; out_height--) {
        mw_depthwise_row_s8(&row, taps, form);
        row.x += row_step;
        row.y += out_width * channels;
    }
}

#endif
