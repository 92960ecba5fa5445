/* SPDX-License-Identifier: MIT */
/* Convolutions whose weights lie in flash in a lossless code (mw_rice.h), decoded a block of
 * channels at a time: then scratch memory holds one block's weights, and its outputs, until they are
 * put between the others'. Each block reads all inputs, so outputs may not lie on them.
 *
 * Registers and instructions per multiplication: those of mw_conv2d_s8_dsp or mw_conv2d_1x1_s8_dsp,
 * 8 / output pixels to decode, and about 1.3 / channels of a block, since each block widens the
 * inputs anew. */
#ifndef MW_CONV2D_CODED_BLOCKS_S8_DSP_H
#define MW_CONV2D_CODED_BLOCKS_S8_DSP_H

#include "mw_conv2d_1x1_s8_dsp.h"
#include "mw_conv2d_s8_dsp.h"
#include "mw_rice.h"

/* A layer: `channels`, at most `most` (an even number) a block; every two have `pair_bytes` of words
 * in code and `scale_words` of scales. A block: its words, scales, outputs and their number. */
typedef struct {
    mw_rice reader;
    int32_t *words;
    const int32_t *scales;
    int8_t *outputs;
    int32_t done, count, channels, most, pair_bytes, scale_words, k;
} mw_coded_blocks;

/* Decodes the next block; 0 where there is none. */
MW_INLINE int32_t mw_next_block(mw_coded_blocks *blocks)
{
    const int32_t left = blocks->channels - blocks->done;
    blocks->count = mw_min_i32(left, blocks->most);
    if (left > 0) {
        const int32_t pairs = (blocks->count + 1) >> 1;
        mw_rice_bytes(&blocks->reader, blocks->words, pairs * blocks->pair_bytes, blocks->k);
    }
    return left > 0;
}

/* Puts the block's outputs in their places, and passes on to the next one. */
MW_INLINE void mw_store_block(mw_coded_blocks *blocks, int8_t *y, int32_t pixels)
{
    const int32_t count = blocks->count;
    const int8_t *from = blocks->outputs;
    MW_BARRIER();
    y += blocks->done;
    for (; pixels > 0; pixels--) {
        int32_t c = 0;
        for (; c + 4 <= count; c += 4) {
            mw_store_i32(y + c, mw_load_i32(from));
            from += 4;
        }
        for (; c < count; c++) {
            y[c] = *from++;
        }
        y += blocks->channels;
    }
    MW_BARRIER();
    blocks->done += count;
    blocks->scales += (count >> 1) * blocks->scale_words;
}

/* The words lie `offset` bytes into scratch memory, a block's output_offset `output_offset` bytes. */
#define MW_CODED_BLOCKS(y, scratch, codes, offset, pair_bytes, k, low_bytes, most, output_offset,\
                        scale_words, all_scales, channels, pixels)                             \
    for (mw_coded_blocks blocks = {mw_rice_begin(codes, low_bytes),                            \
                                   (int32_t *)(scratch) + ((offset) >> 2), all_scales,         \
                                   (int8_t *)(scratch) + (output_offset), 0, 0, channels, most,\
                                   pair_bytes, scale_words, k};                                \
         mw_next_block(&blocks); mw_store_block(&blocks, y, pixels))

/* The arguments are those of the kernels without code, with these after the codes. */
#define mw_conv2d_1x1_coded_blocks_s8_dsp(x, y, scratch, codes, offset, pair_bytes, k,         \
                                          low_bytes, most, output_offset, scale_words, all_scales,\
                                          pixels, depth, channels, ...)                        \
    MW_CODED_BLOCKS(y, scratch, codes, offset, pair_bytes, k, low_bytes, most, output_offset,  \
                    scale_words, all_scales, channels, pixels)                                 \
    mw_conv2d_1x1_s8_dsp(x, blocks.outputs, scratch, blocks.words, blocks.scales, pixels, depth,\
                         blocks.count, __VA_ARGS__)

#define mw_conv2d_coded_blocks_s8_dsp(x, y, scratch, codes, offset, pair_bytes, k, low_bytes,  \
                                      most, output_offset, scale_words, all_scales, height, width,\
                                      depth, out_height, out_width, channels, ...)             \
    MW_CODED_BLOCKS(y, scratch, codes, offset, pair_bytes, k, low_bytes, most, output_offset,  \
                    scale_words, all_scales, channels, (out_height) * (out_width))             \
    mw_conv2d_s8_dsp(x, blocks.outputs, scratch, blocks.words, blocks.scales, height, width,   \
                     depth, out_height, out_width, blocks.count, __VA_ARGS__)

#endif
