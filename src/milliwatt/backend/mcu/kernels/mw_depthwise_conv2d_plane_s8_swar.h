/* SPDX-License-Identifier: MIT */
/* int8 depthwise convolution of one small image, channel by channel, each channel widened at once.
 *
 * Registers and instructions per multiplication: mw_depthwise_blocks_swar.h.
 *
 * All lines of a channel are in scratch memory, so outputs may be written over the inputs; which
 * words and outputs a block has is worked out once for all channels. */
#ifndef MW_DEPTHWISE_CONV2D_PLANE_S8_SWAR_H
#define MW_DEPTHWISE_CONV2D_PLANE_S8_SWAR_H

#include "mw_depthwise_blocks_swar.h"
#include "mw_depthwise_lines_swar.h"

/* As mw_depthwise_conv2d_s8_swar. scratch: `count` taps, all blocks, the lines of all windows. */
MW_INLINE void mw_depthwise_conv2d_plane_s8_swar(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *MW_RESTRICT weights,
    const int32_t *MW_RESTRICT bias, const int32_t *MW_RESTRICT scales,
    const int32_t *MW_RESTRICT offsets, int32_t channels, int32_t per_input, int32_t along,
    int32_t across, int32_t step_along, int32_t step_across, int32_t out_along, int32_t out_across,
    int32_t out_step_along, int32_t out_step_across, int32_t stride, int32_t stride_across,
    int32_t pad, int32_t pad_across, int32_t list_words, int32_t ring, int32_t count,
    int32_t x_zero, int32_t low_shift, int32_t shift, int32_t least, int32_t span, int32_t step,
    int32_t turn, int32_t falls, int32_t treatment, int32_t plain)
{
    const int32_t line_words = stride * list_words;
    const int32_t lines = (out_across - 1) * stride_across + ring;
    const int32_t last = mw_min_i32(across, lines - pad_across);
    const int32_t whole = (out_along >> 2) * out_across, tails = out_along & 3 ? out_across : 0;
    mw_swar_depthwise_tap *const taps = (mw_swar_depthwise_tap *)scratch;
    mw_swar_depthwise_block *const list = (mw_swar_depthwise_block *)(void *)(taps + count);
    mw_swar_depthwise_block *block = list, *tail = list + whole;
    int32_t *const words = (int32_t *)(void *)(tail + tails);
    const mw_swar_lines shape = {along, step_along, step_across, stride, pad, list_words};
    mw_swar_depthwise_frame frame;
    int32_t left = per_input;
    frame.words = words;
    frame.taps = taps;
    frame.end_tap = taps + count;
    frame.low_shift = low_shift;
    frame.shift = shift;
    frame.scale = (mw_scale){low_shift, shift, least, span, step};
    mw_swar_fill_line(words, lines * line_words, x_zero, 0);
    for (int32_t k = 0; k < count; k++) {
        taps[k].offset = offsets[k];
    }
    for (int32_t line = 0; line < out_across; line++) {
        const mw_swar_depthwise_block start = {4 * line * stride_across * line_words,
                                               line * out_step_across};
        for (int32_t i = 0; i < out_along; i += 4) {
            mw_swar_depthwise_block *const next = out_along - i < 4 ? tail++ : block++;
            next->words = start.words + 4 * i;
            next->y = start.y + i * out_step_along;
        }
    }
    for (int32_t c = 0; c < channels; c++) {
        MW_BARRIER();
        for (int32_t line = 0; line < last; line++) {
            mw_swar_load_line(x, &shape, line, words + (line + pad_across) * line_words, 0);
        }
        MW_BARRIER();
        for (int32_t k = 0; k < count; k++) {
            taps[k].weight = weights[k];
        }
        mw_swar_depthwise_channel(&frame, bias[c], scales, falls, treatment);
        frame.y = y;
        mw_swar_depthwise_blocks(&frame, list, list + whole, 4, out_step_along, turn, falls,
                                 treatment, plain);
        mw_swar_depthwise_blocks(&frame, list + whole, list + whole + tails, out_along & 3,
                                 out_step_along, turn, falls, treatment, plain);
        y++;
        weights += count;
        scales += step;
        if (--left == 0) {
            left = per_input;
            x++;
        }
    }
}

#endif
