/* SPDX-License-Identifier: MIT */
/* int8 1x1 convolution, four pixels at a time. Registers and instructions per product:
 * mw_matmul_s8_swar.h. */
#ifndef MW_CONV2D_1X1_S8_SWAR_H
#define MW_CONV2D_1X1_S8_SWAR_H

#include "mw_matmul_s8_swar.h"

/* scratch: the words of four pixels, 8 bytes a tap. */
MW_INLINE void mw_conv2d_1x1_s8_swar(const int8_t *x, int8_t *y, void *scratch,
                                     const int8_t *MW_RESTRICT weights,
                                     const int32_t *MW_RESTRICT bias,
                                     const int32_t *MW_RESTRICT scales,
                                     const uint16_t *MW_RESTRICT rest, int32_t pixels,
                                     int32_t depth, int32_t channels, int32_t taps,
                                     int32_t low_shift, int32_t shift, int32_t least,
                                     int32_t span, int32_t step, int32_t group, int32_t has_rest,
                                     int32_t falls, int32_t treatment, int32_t plain)
{
    int32_t *const words = (int32_t *)scratch;
    const mw_swar_layer layer = {weights, bias,     scales, rest,
                                 channels, taps, {low_shift, shift, least, span, step}};
    for (int32_t i = 2 * depth; i < 2 * taps; i++) {
        words[i] = 0;
    }
    for (; pixels > 0; pixels -= MW_SWAR_PIXELS) {
        const int32_t count = mw_min_i32(pixels, MW_SWAR_PIXELS);
        const int8_t *const b = count > 1 ? x + depth : x;
        const int8_t *const c = count > 2 ? b + depth : b;
        const int8_t *const sources[MW_SWAR_PIXELS] = {x, b, c, count > 3 ? c + depth : c};
        mw_swar_pack(sources, depth, words);
        MW_BARRIER();
        mw_matmul_s8_swar(words, y, count, &layer, group, has_rest, falls, treatment, plain);
        MW_BARRIER();
        x += count * depth;
        y += count * channels;
    }
}

#endif
