/* SPDX-License-Identifier: MIT */
/* Convolutions on cores without packed multiplication whose weights lie in flash otherwise than as
 * bytes (mw_stored.h): all made bytes first, or a block of channels at a time (mw_stored_blocks.h);
 * outputs of blocks may not lie on inputs.
 *
 * Registers and instructions per multiplication: those of the kernels of int8 weights; to make
 * bytes, on a Cortex-M0+, 2 (int4, int2) or 20 (a code) / output pixels more; and about
 * 1 / channels of a block, since each block packs the inputs anew. */
#ifndef MW_CONV2D_STORED_S8_SWAR_H
#define MW_CONV2D_STORED_S8_SWAR_H

#include "mw_conv2d_1x1_s8_swar.h"
#include "mw_conv2d_s8_swar.h"
#include "mw_stored_blocks.h"

/* The arguments are those of the kernels of int8 weights, with these after what is stored: where in
 * scratch memory weights go, and how many; the code's parameter, the bytes of its first part, and
 * the stored bits, 0 for a code. */
#define mw_conv2d_1x1_stored_s8_swar(x, y, scratch, stored, at, count, k, low_bytes, bits, ...) \
    mw_conv2d_1x1_s8_swar(                                                                     \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#define mw_conv2d_stored_s8_swar(x, y, scratch, stored, at, count, k, low_bytes, bits, ...)    \
    mw_conv2d_s8_swar(                                                                         \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

/* Of blocks: where weights and outputs go; parameter and bytes; channels of a block, a multiple of
 * 8; bytes of 8 channels' weights; words of a channel's scales; bits; whether there is a rest. */
#define mw_conv2d_1x1_stored_blocks_s8_swar(x, y, scratch, stored, weights_at, outputs_at, k,  \
                                            low_bytes, block, eight_bytes, step, bits, rests,  \
                                            bias, scales, rest, pixels, depth, all, ...)       \
    for (mw_blocks b = mw_blocks_begin(stored, low_bytes, scratch, weights_at, outputs_at, all, \
                                       block, MW_SWAR_CHANNELS, eight_bytes);                  \
         mw_next_block(&b, k, bits, 0); mw_store_block(&b, y, pixels))                         \
    mw_conv2d_1x1_s8_swar(x, b.outputs, scratch, (const int8_t *)b.weights, (bias) + b.done,   \
                          (scales) + b.done * (step), mw_rest_after(rest, b.done, rests),      \
                          pixels, depth, b.count, __VA_ARGS__)

#define mw_conv2d_stored_blocks_s8_swar(x, y, scratch, stored, weights_at, outputs_at, k,      \
                                        low_bytes, block, eight_bytes, step, bits, rests,      \
                                        bias, scales, rest, height, width, depth, out_h,       \
                                        out_w, all, ...)                                       \
    for (mw_blocks b = mw_blocks_begin(stored, low_bytes, scratch, weights_at, outputs_at, all, \
                                       block, MW_SWAR_CHANNELS, eight_bytes);                  \
         mw_next_block(&b, k, bits, 0); mw_store_block(&b, y, (out_h) * (out_w)))              \
    mw_conv2d_s8_swar(x, b.outputs, scratch, (const int8_t *)b.weights, (bias) + b.done,       \
                      (scales) + b.done * (step), mw_rest_after(rest, b.done, rests), height,  \
                      width, depth, out_h, out_w, b.count, __VA_ARGS__)

#endif
