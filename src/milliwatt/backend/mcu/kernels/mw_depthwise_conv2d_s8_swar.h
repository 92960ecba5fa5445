/* SPDX-License-Identifier: MIT */
/* int8 depthwise convolution of one image, channel by channel, line of outputs by line.
 *
 * Registers and instructions per multiplication: mw_depthwise_blocks_swar.h.
 *
 * A ring holds the widened lines that the next line of outputs needs; each is there twice, `ring`
 * lines apart, so that those of a window follow one another. Each element having been widened once,
 * outputs may be written over the inputs. */
#ifndef MW_DEPTHWISE_CONV2D_S8_SWAR_H
#define MW_DEPTHWISE_CONV2D_S8_SWAR_H

#include "mw_depthwise_blocks_swar.h"
#include "mw_depthwise_lines_swar.h"

/* weights: of each channel, line after line of the filter; offsets: of each tap, as
 * mw_swar_depthwise_tap has them. ring: lines that a window spans. scratch: `count` taps, the
 * blocks of a line, 2 * ring lines. */
MW_INLINE void mw_depthwise_conv2d_s8_swar(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *MW_RESTRICT weights,
    const int32_t *MW_RESTRICT bias, const int32_t *MW_RESTRICT scales,
    const int32_t *MW_RESTRICT offsets, int32_t channels, int32_t per_input, int32_t along,
    int32_t across, int32_t step_along, int32_t step_across, int32_t out_along, int32_t out_across,
    int32_t out_step_along, int32_t out_step_across, int32_t stride, int32_t stride_across,
    int32_t pad, int32_t pad_across, int32_t list_words, int32_t ring, int32_t count,
    int32_t x_zero, int32_t low_shift, int32_t shift, int32_t least, int32_t span, int32_t step,
    int32_t turn, int32_t falls, int32_t treatment, int32_t plain)
{
    const int32_t line_words = stride * list_words, again = ring * line_words;
    const int32_t whole = out_along >> 2, blocks = (out_along + 3) >> 2;
    mw_swar_depthwise_tap *const taps = (mw_swar_depthwise_tap *)scratch;
    mw_swar_depthwise_block *const list = (mw_swar_depthwise_block *)(void *)(taps + count);
    int32_t *const lines = (int32_t *)(void *)(list + blocks);
    const mw_swar_lines shape = {along, step_along, step_across, stride, pad, list_words};
    mw_swar_depthwise_frame frame;
    int32_t left = per_input;
    frame.taps = taps;
    frame.end_tap = taps + count;
    frame.low_shift = low_shift;
    frame.shift = shift;
    frame.scale = (mw_scale){low_shift, shift, least, span, step};
    mw_swar_fill_line(lines, again, x_zero, again);
    for (int32_t k = 0; k < count; k++) {
        taps[k].offset = offsets[k];
    }
    for (int32_t i = 0; i < blocks; i++) {
        list[i].words = 16 * i;
        list[i].y = 4 * i * out_step_along;
    }
    for (int32_t c = 0; c < channels; c++) {
        int32_t loaded = -pad_across, slot = 0;
        for (int32_t k = 0; k < count; k++) {
            taps[k].weight = weights[k];
        }
        mw_swar_depthwise_channel(&frame, bias[c], scales, falls, treatment);
        for (int32_t line = 0; line < out_across; line++) {
            const int32_t first = line * stride_across - pad_across;
            /* Lines between two windows are passed over. */
            for (; loaded < first + ring; loaded++) {
                int32_t *const to = lines + slot * line_words;
                MW_BARRIER();
                if (loaded >= 0 && loaded < across && loaded >= first) {
                    mw_swar_load_line(x, &shape, loaded, to, again);
                } else {
                    mw_swar_fill_line(to, line_words, x_zero, again);
                }
                MW_BARRIER();
                slot = slot + 1 == ring ? 0 : slot + 1;
            }
            frame.words = lines + slot * line_words;
            frame.y = y + line * out_step_across;
            mw_swar_depthwise_blocks(&frame, list, list + whole, 4, out_step_along, turn, falls,
                                     treatment, plain);
            mw_swar_depthwise_blocks(&frame, list + whole, list + blocks, out_along & 3,
                                     out_step_along, turn, falls, treatment, plain);
        }
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
