/* SPDX-License-Identifier: MIT */
/* Fully connected layers of one row, on cores without packed multiplication, whose weights lie in
 * flash otherwise than as bytes, made bytes a block of channels at a time (mw_stored_blocks.h).
 *
 * Registers and instructions per multiplication: those of the kernels of int8 weights, and on a
 * Cortex-M0+ 2 (int4, int2) or 20 (a code) more. */
#ifndef MW_FULLY_CONNECTED_STORED_S8_SWAR_H
#define MW_FULLY_CONNECTED_STORED_S8_SWAR_H

#include "mw_fully_connected_groups_s8_swar.h"
#include "mw_fully_connected_s8_swar.h"
#include "mw_stored_blocks.h"

/* Turns a byte into one of the lower three of the kernels' words, which are 128 more. */
#define MW_LOWER_THREE 0x00808080u

/* The arguments are those of the kernels of int8 weights, with these after what is stored: where in
 * scratch memory weights go; the code's parameter and the bytes of its first part; channels of a
 * block, a multiple of 4; bytes of 4 channels' weights; words of a channel's scales; the stored
 * bits, 0 for a code; whether there is a rest. */
#define mw_fully_connected_stored_s8_swar(x, y, scratch, stored, at, k, low_bytes, block,      \
                                          four_bytes, step, bits, bias, scales, rows, depth,   \
                                          all, ...)                                            \
    for (mw_blocks b = mw_blocks_begin(stored, low_bytes, scratch, at, 0, all, block, 4,       \
                                       four_bytes);                                            \
         mw_next_block(&b, k, bits, MW_LOWER_THREE); b.done += b.count)                        \
    mw_fully_connected_s8_swar(x, (y) + b.done, b.weights, (bias) + b.done,                    \
                               (scales) + b.done * (step), rows, depth, b.count, __VA_ARGS__)

#define mw_fully_connected_groups_stored_s8_swar(x, y, scratch, stored, at, k, low_bytes,      \
                                                 block, four_bytes, step, bits, rests, bias,   \
                                                 scales, rest, rows, depth, all, ...)          \
    for (mw_blocks b = mw_blocks_begin(stored, low_bytes, scratch, at, 0, all, block, 4,       \
                                       four_bytes);                                            \
         mw_next_block(&b, k, bits, MW_LOWER_THREE); b.done += b.count)                        \
    mw_fully_connected_groups_s8_swar(x, (y) + b.done, scratch, b.weights, (bias) + b.done,    \
                                      (scales) + b.done * (step),                              \
                                      mw_rest_after(rest, b.done, rests), rows, depth, b.count, \
                                      __VA_ARGS__)

#endif
