/* SPDX-License-Identifier: MIT */
/* Depthwise convolutions on cores without packed multiplication whose weights lie in flash
 * otherwise than as bytes: all are made bytes in scratch memory first (mw_stored.h).
 *
 * Registers and instructions per multiplication: those of the kernels of int8 weights; to make
 * bytes, on a Cortex-M0+, 2 (int4, int2) or 20 (a code) / output pixels more. */
#ifndef MW_DEPTHWISE_STORED_SWAR_H
#define MW_DEPTHWISE_STORED_SWAR_H

#include "mw_depthwise_conv2d_plane_s8_swar.h"
#include "mw_depthwise_conv2d_s8_swar.h"
#include "mw_stored.h"

/* The arguments are those of the kernels of int8 weights, with these after what is stored: where in
 * scratch memory weights go, and how many; the code's parameter, the bytes of its first part, and
 * the stored bits, 0 for a code. */
#define mw_depthwise_conv2d_plane_stored_s8_swar(x, y, scratch, stored, at, count, k,          \
                                                 low_bytes, bits, ...)                         \
    mw_depthwise_conv2d_plane_s8_swar(                                                         \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#define mw_depthwise_conv2d_stored_s8_swar(x, y, scratch, stored, at, count, k, low_bytes,     \
                                           bits, ...)                                          \
    mw_depthwise_conv2d_s8_swar(                                                               \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#endif
