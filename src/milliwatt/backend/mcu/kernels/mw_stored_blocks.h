/* SPDX-License-Identifier: MIT */
/* Layers whose weights lie in flash otherwise than as bytes (mw_stored.h), made bytes for a block
 * of channels at a time: then scratch memory holds one block's weights, and a convolution's outputs
 * for them until they are put between the others'. Each block reads all inputs.
 *
 * Registers and instructions: 4 for four outputs that are put in their places. */
#ifndef MW_STORED_BLOCKS_H
#define MW_STORED_BLOCKS_H

#include "mw_stored.h"

/* A layer: `channels`, at most `most` a block; every `unit` of them have `unit_bytes` of weights. A
 * block: those `done` before it, how many it has, its weights and outputs. */
typedef struct {
    mw_stored reader;
    int32_t *weights;
    int8_t *outputs;
    int32_t done, count, channels, most, unit, unit_bytes;
} mw_blocks;

/* stored: weights go `weights` bytes into scratch memory, a block's outputs `outputs` bytes. */
MW_INLINE mw_blocks mw_blocks_begin(const void *stored, int32_t low_bytes, void *scratch,
                                    int32_t weights, int32_t outputs, int32_t channels,
                                    int32_t most, int32_t unit, int32_t unit_bytes)
{
    const mw_blocks blocks = {mw_stored_begin(stored, low_bytes),
                              (int32_t *)scratch + (weights >> 2),
                              (int8_t *)scratch + outputs, 0, 0, channels, most, unit, unit_bytes};
    return blocks;
}

/* Makes the next block's weights; 0 where there is none. */
static MW_NOINLINE __attribute__((unused)) int32_t mw_next_block(mw_blocks *blocks, int32_t k,
                                                                 int32_t bits, uint32_t flip)
{
    MW_BARRIER();
    const int32_t left = blocks->channels - blocks->done;
    blocks->count = mw_min_i32(left, blocks->most);
    if (left > 0) {
        int32_t bytes = 0;
        for (int32_t c = 0; c < blocks->count; c += blocks->unit) {
            bytes += blocks->unit_bytes;
        }
        mw_stored_bytes(&blocks->reader, blocks->weights, bytes, k, bits, flip);
    }
    return left > 0;
}

/* Puts the block's outputs in their places, and passes on to the next one. */
static MW_NOINLINE __attribute__((unused)) void mw_store_block(mw_blocks *blocks, int8_t *y,
                                                               int32_t pixels)
{
    MW_BARRIER();
    const int32_t count = blocks->count;
    const int8_t *from = blocks->outputs;
    y += blocks->done;
    for (; pixels > 0; pixels--) {
        for (int32_t c = 0; c < count; c++) {
            y[c] = *from++;
        }
        y += blocks->channels;
    }
    MW_BARRIER();
    blocks->done += count;
}

/* What lies behind `count` channels' weights in excess (mw_swar_rest). */
MW_INLINE const uint16_t *mw_rest_after(const uint16_t *rest, int32_t count, int32_t has_rest)
{
    for (; has_rest && count > 0; count--) {
        rest += 1 + *rest;
    }
    return rest;
}

#endif
