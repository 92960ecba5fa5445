/* SPDX-License-Identifier: MIT */
/* int8 convolution of one image, not dilated, four pixels at a time. Registers and instructions
 * per product: mw_matmul_s8_swar.h. */
#ifndef MW_CONV2D_S8_SWAR_H
#define MW_CONV2D_S8_SWAR_H

#include "mw_matmul_s8_swar.h"

typedef struct {
    int32_t height, width, depth, kh, kw, stride_h, stride_w, pad_top, pad_left;
    int32_t out_w, pixels;
    int32_t fill;  /* value outside the image */
    int8_t *edges; /* scratch memory for a row of each of the four windows */
} mw_swar_windows;

/* Elements left * depth .. of an image row of `count` elements into `to`, `run` of them. */
static MW_NOINLINE __attribute__((unused)) void mw_swar_edge(const int8_t *row, int32_t from,
                                                             int32_t count, int32_t run,
                                                             int8_t *to, int32_t fill)
{
    MW_BARRIER();
    for (int32_t i = from; i < from + run; i++) {
        *to++ = (int8_t)(i >= 0 && i < count ? row[i] : fill);
    }
}

/* Packs the windows of pixels first..first + 3; those behind the last are the last one's. */
MW_INLINE void mw_swar_pack_windows(const int8_t *x, const mw_swar_windows *shape, int32_t first,
                                    int32_t *words, int32_t padded)
{
    const int32_t run = shape->kw * shape->depth;
    const int32_t row_elements = shape->width * shape->depth;
    int32_t top[MW_SWAR_PIXELS], left[MW_SWAR_PIXELS];
    int32_t row = first / shape->out_w, column = first - row * shape->out_w;
    for (int32_t i = 0; i < MW_SWAR_PIXELS; i++) {
        top[i] = row * shape->stride_h - shape->pad_top;
        left[i] = (column * shape->stride_w - shape->pad_left) * shape->depth;
        if (first + i + 1 < shape->pixels && ++column == shape->out_w) {
            column = 0;
            row++;
        }
    }
    for (int32_t ky = 0; ky < shape->kh; ky++) {
        const int8_t *pixels[MW_SWAR_PIXELS];
        for (int32_t i = 0; i < MW_SWAR_PIXELS; i++) {
            const int32_t at = top[i] + ky;
            const int32_t on = at >= 0 && at < shape->height;
            if (padded && (!on || left[i] < 0 || left[i] + run > row_elements)) {
                int8_t *const edge = shape->edges + i * run;
                mw_swar_edge(x + (on ? at : 0) * row_elements, left[i], on ? row_elements : 0, run,
                             edge, shape->fill);
                pixels[i] = edge;
            } else {
                pixels[i] = x + at * row_elements + left[i];
            }
        }
        words = mw_swar_pack(pixels, run, words);
    }
}

/* scratch: the words of four windows of `taps` taps, then, where windows reach outside the image
 * (padded), a row of each. */
MW_INLINE void mw_conv2d_s8_swar(const int8_t *x, int8_t *y, void *scratch,
                                 const int8_t *MW_RESTRICT weights,
                                 const int32_t *MW_RESTRICT bias,
                                 const int32_t *MW_RESTRICT scales,
                                 const uint16_t *MW_RESTRICT rest, int32_t height, int32_t width,
                                 int32_t depth, int32_t out_h, int32_t out_w, int32_t channels,
                                 int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w,
                                 int32_t pad_top, int32_t pad_left, int32_t taps, int32_t x_zero,
                                 int32_t low_shift, int32_t shift, int32_t least, int32_t span,
                                 int32_t step, int32_t group, int32_t padded, int32_t has_rest,
                                 int32_t falls, int32_t treatment, int32_t plain)
{
    int32_t *const words = (int32_t *)scratch;
    const mw_swar_layer layer = {weights, bias,     scales, rest,
                                 channels, taps, {low_shift, shift, least, span, step}};
    const mw_swar_windows shape = {height,   width,    depth,   kh,       kw,
                                   stride_h, stride_w, pad_top, pad_left, out_w,
                                   out_h * out_w, x_zero, (int8_t *)(words + 2 * taps)};
    for (int32_t i = 2 * kh * kw * depth; i < 2 * taps; i++) {
        words[i] = 0;
    }
    for (int32_t first = 0; first < shape.pixels; first += MW_SWAR_PIXELS) {
        const int32_t pixels = mw_min_i32(shape.pixels - first, MW_SWAR_PIXELS);
        mw_swar_pack_windows(x, &shape, first, words, padded);
        MW_BARRIER();
        mw_matmul_s8_swar(words, y, pixels, &layer, group, has_rest, falls, treatment, plain);
        MW_BARRIER();
        y += pixels * channels;
    }
}

#endif
