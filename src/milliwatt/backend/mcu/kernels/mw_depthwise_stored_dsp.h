/* SPDX-License-Identifier: MIT */
/* Depthwise convolutions whose weights lie in flash otherwise than as bytes: in a lossless code
 * (mw_stored.h), or as int4 or int2. They are few, so all are made bytes in scratch memory first, and
 * then multiplied by the kernels of int8 weights.
 *
 * Registers and instructions per multiplication: those kernels', and 8 (a code) or 2 (int4, int2)
 * / output pixels more. The arguments are theirs, with what is stored for weights, and after it
 * where in scratch memory weights go, and how many; the code's parameter, or the power of two that
 * weights are times; the bytes of the code's first part; and the stored bits, 0 for a code. */
#ifndef MW_DEPTHWISE_STORED_DSP_H
#define MW_DEPTHWISE_STORED_DSP_H

#include "mw_depthwise_conv2d_3x3_plane_s8_dsp.h"
#include "mw_depthwise_conv2d_3x3_s8_dsp.h"
#include "mw_depthwise_conv2d_s8_dsp.h"
#include "mw_stored.h"

#define mw_depthwise_conv2d_3x3_plane_coded_s8_dsp(x, y, scratch, stored, at, count, k, low_bytes,\
                                              bits, ...)                                       \
    mw_depthwise_conv2d_3x3_plane_s8_dsp(                                                      \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_coded_s8_dsp(x, y, scratch, stored, at, count, k, low_bytes,   \
                                              bits, ...)                                       \
    mw_depthwise_conv2d_3x3_s8_dsp(                                                            \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#define mw_depthwise_conv2d_coded_s8_dsp(x, y, scratch, stored, at, count, k, low_bytes,       \
                                              bits, ...)                                       \
    mw_depthwise_conv2d_s8_dsp(                                                                \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_plane_subbyte_dsp(x, y, scratch, stored, at, count, k, low_bytes,\
                                              bits, ...)                                       \
    mw_depthwise_conv2d_3x3_plane_s8_dsp(                                                      \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_subbyte_dsp(x, y, scratch, stored, at, count, k, low_bytes,    \
                                              bits, ...)                                       \
    mw_depthwise_conv2d_3x3_s8_dsp(                                                            \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#define mw_depthwise_conv2d_subbyte_dsp(x, y, scratch, stored, at, count, k, low_bytes,        \
                                              bits, ...)                                       \
    mw_depthwise_conv2d_s8_dsp(                                                                \
        x, y, scratch, mw_stored_s8(stored, scratch, at, count, k, low_bytes, bits), __VA_ARGS__)

#endif
