/* SPDX-License-Identifier: MIT */
/* Depthwise convolutions whose weights lie in flash otherwise than as bytes: in a lossless code
 * (mw_rice.h), or as int4 or int2. They are few, so all are made bytes in scratch memory first, and
 * then multiplied by the kernels of int8 weights.
 *
 * Registers and instructions per multiplication: those kernels', and 8 (a code) or 7 (int4, int2)
 * / output pixels more. The arguments are theirs, with what is stored for weights, and after it
 * where in scratch memory the weights go, how many they are, and the code's parameter or their
 * bits. */
#ifndef MW_DEPTHWISE_STORED_DSP_H
#define MW_DEPTHWISE_STORED_DSP_H

#include "mw_depthwise_conv2d_3x3_plane_s8_dsp.h"
#include "mw_depthwise_conv2d_3x3_s8_dsp.h"
#include "mw_depthwise_conv2d_s8_dsp.h"
#include "mw_dot_s8.h"
#include "mw_rice.h"

/* `count` weights of 4 or 2 bits as bytes, `offset` bytes into scratch memory. */
MW_INLINE const int8_t *mw_unpack_s8(const int8_t *packed, void *scratch, int32_t offset,
                                     int32_t count, int32_t bits)
{
    int8_t *const to = (int8_t *)scratch + offset;
    for (int32_t i = 0; i < count; i++) {
        to[i] = (int8_t)mw_weight_at(packed, i, 0, bits);
    }
    MW_BARRIER();
    return to;
}

#define mw_depthwise_conv2d_3x3_plane_coded_s8_dsp(x, y, scratch, stored, offset, count, k, ...) \
    mw_depthwise_conv2d_3x3_plane_s8_dsp(                                                      \
        x, y, scratch, mw_rice_s8(stored, scratch, offset, count, k), __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_coded_s8_dsp(x, y, scratch, stored, offset, count, k, ...)     \
    mw_depthwise_conv2d_3x3_s8_dsp(x, y, scratch,                                              \
                                   mw_rice_s8(stored, scratch, offset, count, k), __VA_ARGS__)

#define mw_depthwise_conv2d_coded_s8_dsp(x, y, scratch, stored, offset, count, k, ...)         \
    mw_depthwise_conv2d_s8_dsp(x, y, scratch, mw_rice_s8(stored, scratch, offset, count, k),   \
                               __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_plane_subbyte_dsp(x, y, scratch, stored, offset, count, bits, ...) \
    mw_depthwise_conv2d_3x3_plane_s8_dsp(                                                      \
        x, y, scratch, mw_unpack_s8(stored, scratch, offset, count, bits), __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_subbyte_dsp(x, y, scratch, stored, offset, count, bits, ...)   \
    mw_depthwise_conv2d_3x3_s8_dsp(                                                            \
        x, y, scratch, mw_unpack_s8(stored, scratch, offset, count, bits), __VA_ARGS__)

#define mw_depthwise_conv2d_subbyte_dsp(x, y, scratch, stored, offset, count, bits, ...)       \
    mw_depthwise_conv2d_s8_dsp(                                                                \
        x, y, scratch, mw_unpack_s8(stored, scratch, offset, count, bits), __VA_ARGS__)

#endif
