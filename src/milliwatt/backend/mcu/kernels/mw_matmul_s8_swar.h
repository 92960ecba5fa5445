/* SPDX-License-Identifier: MIT */
/* Four pixels' windows, packed two to a word (mw_swar.h), times all filters.
 *
 * Cortex-M0+, per product: 1.5 instructions for the taps, 0.4 to 0.1 for groups of 4 to 16 taps.
 * Registers: mw_matmul_s8_swar_m0.h. */
#ifndef MW_MATMUL_S8_SWAR_H
#define MW_MATMUL_S8_SWAR_H

#include "mw_matmul_s8_swar_m0.h"
#include "mw_scale_swar.h"
#include "mw_swar.h"

#define MW_SWAR_PIXELS 4

/* A layer's constants: weights in blocks of 8 channels, biases, scales, weights in excess. */
typedef struct {
    const int8_t *weights;
    const int32_t *bias, *scales;
    const uint16_t *rest;
    int32_t channels, taps; /* taps with those that fill up the last group */
    mw_scale scale;
} mw_swar_layer;

/* Packs `count` taps of four pixels: 3.5 instructions an input. */
MW_INLINE int32_t *mw_swar_pack(const int8_t *const *pixels, int32_t count, int32_t *words)
{
    const int8_t *a = pixels[0], *b = pixels[1], *c = pixels[2], *d = pixels[3];
    for (int32_t i = 0; i < count; i++) {
        words[0] = mw_swar_word(a[i], b[i]);
        words[1] = mw_swar_word(c[i], d[i]);
        words += 2;
    }
    return words;
}

/* One channel's outputs; y: of each pixel, its first channel. */
MW_INLINE void mw_swar_scale_four(const int32_t *sums, int8_t *const *y, int32_t c,
                                  const int32_t *scales, const mw_scale *scale, int32_t falls,
                                  int32_t treatment)
{
    const mw_channel_scale channel = mw_channel_scale_at(scales, falls, treatment);
    y[3][c] = mw_scale_swar(sums[3], &channel, scale, falls, treatment);
    y[2][c] = mw_scale_swar(sums[2], &channel, scale, falls, treatment);
    y[1][c] = mw_scale_swar(sums[1], &channel, scale, falls, treatment);
    y[0][c] = mw_scale_swar(sums[0], &channel, scale, falls, treatment);
}

#if defined(__ARM_ARCH_6M__)

/* All channels; plain: channels have scales of their own without falls and limits, and outputs are
 * -128..127. */
MW_INLINE void mw_swar_channels(const int32_t *words, int8_t *const *y,
                                const mw_swar_layer *layer, int32_t group, int32_t has_rest,
                                int32_t falls, int32_t treatment, int32_t plain)
{
    const int32_t groups = layer->taps / group;
    const int32_t *scales = layer->scales;
    mw_swar_frame frame = {layer->bias,
                           groups * MW_SWAR_HALF,
                           (intptr_t)layer->weights - (intptr_t)words,
                           words,
                           MW_SWAR_HALF,
                           layer->rest,
                           scales,
                           layer->scale.low_shift,
                           layer->scale.shift,
                           0,
                           0,
                           {y[0], y[1], y[2], y[3]},
                           words + 2 * layer->taps,
                           groups & 1,
                           {0, 0, 0, 0}};
    while (frame.channel < layer->channels) {
        frame.end_channel = mw_min_i32(frame.channel + MW_SWAR_CHANNELS, layer->channels);
        if (plain) {
            mw_swar_channels_m0(&frame, group, has_rest);
        } else {
            for (; frame.channel < frame.end_channel; frame.channel++) {
                mw_swar_channel_sums_m0(&frame, group, has_rest);
                mw_swar_scale_four(frame.sums, y, frame.channel, scales, &layer->scale, falls,
                                   treatment);
                scales += layer->scale.step;
            }
        }
        frame.weights += MW_SWAR_CHANNELS * (layer->taps - 1);
    }
}

#else

MW_INLINE void mw_swar_channels(const int32_t *words, int8_t *const *y,
                                const mw_swar_layer *layer, int32_t group, int32_t has_rest,
                                int32_t falls, int32_t treatment, int32_t plain)
{
    const int32_t channels = layer->channels, taps = layer->taps;
    const int8_t *w = layer->weights;
    const int32_t *scales = layer->scales;
    const uint16_t *rest = layer->rest;
    (void)plain;
    for (int32_t c = 0; c < channels; c += MW_SWAR_TOGETHER) {
        int32_t sums[MW_SWAR_TOGETHER * MW_SWAR_PIXELS];
        mw_swar_sums(sums, w, words, taps, group, layer->bias + c, channels - 1 - c);
        for (int32_t k = 0; k < MW_SWAR_TOGETHER && c + k < channels; k++) {
            int32_t *const own = sums + k * MW_SWAR_PIXELS;
            if (has_rest) {
                rest = mw_swar_rest(own, rest, words);
            }
            mw_swar_scale_four(own, y, c + k, scales, &layer->scale, falls, treatment);
            scales += layer->scale.step;
        }
        w += (c & (MW_SWAR_CHANNELS - 1)) == MW_SWAR_CHANNELS - MW_SWAR_TOGETHER
                 ? MW_SWAR_CHANNELS * (taps - 1) + MW_SWAR_TOGETHER
                 : MW_SWAR_TOGETHER;
    }
}

#endif

/* The outputs of `pixels` (1 to 4) pixels whose windows are at `words`. Absent ones are computed
 * and stored where the first one's outputs are stored after them. */
MW_INLINE void mw_matmul_s8_swar(const int32_t *words, int8_t *y, int32_t pixels,
                                 const mw_swar_layer *layer, int32_t group, int32_t has_rest,
                                 int32_t falls, int32_t treatment, int32_t plain)
{
    const int32_t channels = layer->channels;
    int8_t *const outputs[MW_SWAR_PIXELS] = {y, y + (pixels > 1 ? channels : 0),
                                             y + (pixels > 2 ? 2 * channels : 0),
                                             y + (pixels > 3 ? 3 * channels : 0)};
    mw_swar_channels(words, outputs, layer, group, has_rest, falls, treatment, plain);
}

#endif
