/* SPDX-License-Identifier: MIT */
/* Convolutions whose weights lie in flash in a lossless code (mw_rice.h), decoded a block of
 * channels at a time (mw_stored_blocks.h). Outputs may not lie on inputs.
 *
 * Registers and instructions per multiplication: those of the kernels without code, 8 / output
 * pixels to decode, and about 2.5 / channels of a block, since each block widens the inputs anew. */
#ifndef MW_CONV2D_CODED_BLOCKS_S8_DSP_H
#define MW_CONV2D_CODED_BLOCKS_S8_DSP_H

#include "mw_conv2d_1x1_s8_dsp.h"
#include "mw_conv2d_s8_dsp.h"
#include "mw_conv2d_small_s8_dsp.h"
#include "mw_stored_blocks.h"

/* The scales of what follows `done` channels, `pair_bytes` for every two. */
MW_INLINE const int32_t *mw_scales_after(const int32_t *scales, int32_t done, int32_t pair_bytes)
{
    return (const int32_t *)(const void *)((const int8_t *)scales + (done >> 1) * pair_bytes);
}

/* The arguments are those of the kernels without code, with these after the codes: where in scratch
 * memory a block's words and its outputs go; the code's parameter and the bytes of its first part;
 * channels of a block, an even number; bytes of two channels' words, and of their scales. */
#define MW_CODED_BLOCKS_1X1(kernel, x, y, scratch, codes, words_at, outputs_at, k, low_bytes,  \
                            block, pair_bytes, pair_scales, scales, pixels, depth, all, ...)   \
    for (mw_blocks b = mw_blocks_begin(codes, low_bytes, scratch, words_at, outputs_at, all,   \
                                       block, 2, pair_bytes);                                  \
         mw_next_block(&b, k, 0, 0); mw_store_block(&b, y, pixels))                            \
    kernel(x, b.outputs, scratch, b.weights, mw_scales_after(scales, b.done, pair_scales),     \
           pixels, depth, b.count, __VA_ARGS__)

#define MW_CODED_BLOCKS(kernel, x, y, scratch, codes, words_at, outputs_at, k, low_bytes,      \
                        block, pair_bytes, pair_scales, scales, height, width, depth, out_h,   \
                        out_w, all, ...)                                                       \
    for (mw_blocks b = mw_blocks_begin(codes, low_bytes, scratch, words_at, outputs_at, all,   \
                                       block, 2, pair_bytes);                                  \
         mw_next_block(&b, k, 0, 0); mw_store_block(&b, y, (out_h) * (out_w)))                 \
    kernel(x, b.outputs, scratch, b.weights, mw_scales_after(scales, b.done, pair_scales),     \
           height, width, depth, out_h, out_w, b.count, __VA_ARGS__)

#define mw_conv2d_1x1_coded_blocks_s8_dsp(...)                                                 \
    MW_CODED_BLOCKS_1X1(mw_conv2d_1x1_s8_dsp, __VA_ARGS__)
#define mw_conv2d_coded_blocks_s8_dsp(...) MW_CODED_BLOCKS(mw_conv2d_s8_dsp, __VA_ARGS__)
#define mw_conv2d_1x1_small_coded_blocks_s8_dsp(...)                                           \
    MW_CODED_BLOCKS_1X1(mw_conv2d_1x1_small_s8_dsp, __VA_ARGS__)
#define mw_conv2d_small_coded_blocks_s8_dsp(...)                                               \
    MW_CODED_BLOCKS(mw_conv2d_small_s8_dsp, __VA_ARGS__)

#endif
