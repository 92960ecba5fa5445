/* SPDX-License-Identifier: MIT */
/* Layers on Helium whose weights lie in flash in a lossless code: some channels' at a time are
 * decoded (mw_rice.h), then multiplied by the usual kernels.
 *
 * Registers and instructions per multiplication: those kernels', and 8 / output pixels more.
 * codes: the usual kernel's table of weights, byte by byte; low_bytes: of the code's first part;
 * k: the code's parameter. `most` channels, a multiple of 4, are decoded together, to `at` in
 * scratch memory. */
#ifndef MW_CODED_S8_MVE_H
#define MW_CODED_S8_MVE_H

#include "mw_conv2d_1x1_s8_mve.h"
#include "mw_conv2d_s8_mve.h"
#include "mw_depthwise_conv2d_s8_mve.h"
#include "mw_fully_connected_s8_mve.h"
#include "mw_rice.h"

/* Bytes of `channels` channels of a convolution, in whole fours. */
MW_INLINE int32_t mw_fours_bytes_mve(int32_t channels, int32_t vectors)
{
    return ((channels + 3) >> 2) * (16 + 4 * MW_VECTOR * vectors);
}

MW_INLINE void mw_conv2d_1x1_coded_s8_mve(const int8_t *x, int8_t *y, void *scratch,
                                          const uint8_t *codes, int32_t low_bytes, int32_t k,
                                          int32_t most, int32_t at, const int32_t *scales,
                                          int32_t pixels, int32_t depth, int32_t vectors,
                                          int32_t channels, int32_t zero, int32_t low,
                                          int32_t high, int32_t form)
{
    int8_t *const weights = (int8_t *)scratch + at;
    mw_rice reader = mw_rice_begin(codes, low_bytes);
    for (int32_t c = 0; c < channels; c += most) {
        const int32_t some = mw_min_i32(channels - c, most);
        mw_rice_bytes(&reader, weights, mw_fours_bytes_mve(some, vectors), k);
        mw_conv2d_1x1_channels_s8_mve(x, y + c, scratch, weights, scales, pixels, depth, vectors,
                                      some, channels, zero, low, high, form);
        scales += most * mw_scale_words_mve(form);
    }
}

MW_INLINE void mw_conv2d_coded_s8_mve(
    const int8_t *x, int8_t *y, void *scratch, const uint8_t *codes, int32_t low_bytes, int32_t k,
    int32_t most, int32_t at, const int32_t *scales, int32_t height, int32_t width, int32_t depth,
    int32_t out_height, int32_t out_width, int32_t channels, int32_t kh, int32_t kw,
    int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t vectors,
    int32_t x_zero, int32_t y_zero, int32_t low, int32_t high, int32_t form)
{
    int8_t *const weights = (int8_t *)scratch + at;
    mw_rice reader = mw_rice_begin(codes, low_bytes);
    for (int32_t c = 0; c < channels; c += most) {
        const int32_t some = mw_min_i32(channels - c, most);
        mw_rice_bytes(&reader, weights, mw_fours_bytes_mve(some, vectors), k);
        mw_conv2d_channels_s8_mve(x, y + c, scratch, weights, scales, height, width, depth,
                                  out_height, out_width, some, channels, kh, kw, stride_h,
                                  stride_w, pad_top, pad_left, vectors, x_zero, y_zero, low, high,
                                  form);
        scales += most * mw_scale_words_mve(form);
    }
}

/* One row, eight channels at a time; `at` has room for whole vectors of inputs before it. */
MW_INLINE void mw_fully_connected_coded_s8_mve(const int8_t *x, int8_t *y, void *scratch,
                                               const uint8_t *codes, int32_t low_bytes, int32_t k,
                                               int32_t at, const int32_t *scales, int32_t depth,
                                               int32_t vectors, int32_t channels, int32_t step,
                                               int32_t zero, int32_t low, int32_t high,
                                               int32_t form, int32_t alike)
{
    int8_t *const weights = (int8_t *)scratch + at;
    mw_rice reader = mw_rice_begin(codes, low_bytes);
    mw_copy_mve(scratch, x, depth);
    mw_dense_s8_mve layer =
        MW_DENSE_LAYER(scratch, vectors, 0, weights, scales, y, step, zero, low, high);
    for (; channels > 0; channels -= 8) {
        layer.channels = mw_min_i32(channels, 8);
        mw_rice_bytes(&reader, weights, 32 + 8 * MW_VECTOR * vectors, k);
        mw_dense_row_s8_mve(&layer, form, alike);
        layer.scales += step >> 2;
        layer.y += 8;
    }
}

/* All weights of a depthwise convolution, decoded. */
MW_INLINE const int8_t *mw_decoded_mve(const uint8_t *codes, void *scratch, int32_t low_bytes,
                                       int32_t k, int32_t at, int32_t count)
{
    mw_rice reader = mw_rice_begin(codes, low_bytes);
    int8_t *const weights = (int8_t *)scratch + at;
    mw_rice_bytes(&reader, weights, count, k);
    return weights;
}

#define mw_depthwise_conv2d_coded_s8_mve(x, y, scratch, codes, low_bytes, k, at, count, ...)   \
    mw_depthwise_conv2d_s8_mve(x, y, scratch,                                                  \
                               mw_decoded_mve(codes, scratch, low_bytes, k, at, count),        \
                               __VA_ARGS__)

#define mw_depthwise_conv2d_inside_coded_s8_mve(x, y, scratch, codes, low_bytes, k, at, count, \
                                                ...)                                           \
    mw_depthwise_conv2d_inside_s8_mve(                                                         \
        x, y, mw_decoded_mve(codes, scratch, low_bytes, k, at, count), __VA_ARGS__)

#endif
