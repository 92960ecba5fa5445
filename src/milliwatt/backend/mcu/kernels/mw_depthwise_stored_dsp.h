/* SPDX-License-Identifier: MIT */
/* Depthwise convolutions whose weights lie in flash otherwise than as bytes: in a lossless code
 * (mw_rice.h), or as int4 or int2. They are few, so all are made bytes in scratch memory first, and
 * then multiplied by the kernels of int8 weights.
 *
 * Registers and instructions per multiplication: those kernels', and 8 (a code) or 7 (int4, int2)
 * / output pixels more. The arguments are theirs, with what is stored for weights, and after it
 * where in scratch memory the weights go, how many they are, and the code's parameter, or their
 * bits and the power of two that they are multiplied by. */
#ifndef MW_DEPTHWISE_STORED_DSP_H
#define MW_DEPTHWISE_STORED_DSP_H

#include "mw_depthwise_conv2d_3x3_plane_s8_dsp.h"
#include "mw_depthwise_conv2d_3x3_s8_dsp.h"
#include "mw_depthwise_conv2d_s8_dsp.h"
#include "mw_rice.h"

/* Weights of 4 or 2 bits, times 2**shift, as the bytes up to `end`, and up to 3 more. */
static MW_NOINLINE __attribute__((unused)) void mw_unpack_bytes(const int8_t *packed, int8_t *to,
                                                                const int8_t *end, int32_t bits,
                                                                int32_t shift)
{
    MW_BARRIER();
    while (to < end) {
        const int32_t byte = *packed++;
        for (int32_t left = 32 - bits; left >= 24; left -= bits) {
            *to++ = (int8_t)(((int32_t)((uint32_t)byte << left) >> (32 - bits)) * (1 << shift));
        }
    }
}

/* `count` of them, `offset` bytes into scratch memory. */
MW_INLINE const int8_t *mw_unpack_s8(const int8_t *packed, void *scratch, int32_t offset,
                                     int32_t count, int32_t bits, int32_t shift)
{
    int8_t *const to = (int8_t *)scratch + offset;
    mw_unpack_bytes(packed, to, to + count, bits, shift);
    MW_BARRIER();
    return to;
}

#define mw_depthwise_conv2d_3x3_plane_coded_s8_dsp(x, y, scratch, stored, offset, count, k, ...)\
    mw_depthwise_conv2d_3x3_plane_s8_dsp(                                                      \
        x, y, scratch, mw_rice_s8(stored, scratch, offset, count, k), __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_coded_s8_dsp(x, y, scratch, stored, offset, count, k, ...)     \
    mw_depthwise_conv2d_3x3_s8_dsp(x, y, scratch,                                              \
                                   mw_rice_s8(stored, scratch, offset, count, k), __VA_ARGS__)

#define mw_depthwise_conv2d_coded_s8_dsp(x, y, scratch, stored, offset, count, k, ...)         \
    mw_depthwise_conv2d_s8_dsp(x, y, scratch, mw_rice_s8(stored, scratch, offset, count, k),   \
                               __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_plane_subbyte_dsp(x, y, scratch, stored, offset, count, bits,  \
                                                  shift, ...)                                  \
    mw_depthwise_conv2d_3x3_plane_s8_dsp(                                                      \
        x, y, scratch, mw_unpack_s8(stored, scratch, offset, count, bits, shift), __VA_ARGS__)

#define mw_depthwise_conv2d_3x3_subbyte_dsp(x, y, scratch, stored, offset, count, bits, shift, ...)\
    mw_depthwise_conv2d_3x3_s8_dsp(                                                            \
        x, y, scratch, mw_unpack_s8(stored, scratch, offset, count, bits, shift), __VA_ARGS__)

#define mw_depthwise_conv2d_subbyte_dsp(x, y, scratch, stored, offset, count, bits, shift, ...)\
    mw_depthwise_conv2d_s8_dsp(                                                                \
        x, y, scratch, mw_unpack_s8(stored, scratch, offset, count, bits, shift), __VA_ARGS__)

#endif
