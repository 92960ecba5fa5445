/* SPDX-License-Identifier: MIT */
/* Depthwise convolution, filter 3x3, stride 1 or 2 both ways, channel by channel: lines are
 * gathered once (mw_depthwise_lines_s8_dsp.h), three of them are kept, and each three make one
 * line of outputs (mw_depthwise_line_3x3_dsp.h). */
#ifndef MW_DEPTHWISE_CONV2D_3X3_S8_DSP_H
#define MW_DEPTHWISE_CONV2D_3X3_S8_DSP_H

#include "mw_depthwise_line_3x3_dsp.h"
#include "mw_depthwise_lines_s8_dsp.h"

/* Makes room for the next of the first channel's three lines under the filter, which is returned.
 * `layer` says how far the next channel's lie. */
MW_INLINE mw_word *mw_turn_ring_3x3(mw_word **line, mw_lines_3x3 *layer)
{
    mw_word *const freed = line[0];
    line[0] = line[1];
    line[1] = line[2];
    line[2] = freed;
    layer->skip[0] = layer->skip[1];
    layer->skip[1] = layer->skip[2];
    return freed;
}

/* weights: channel after channel, filter line after filter line. bias, scales, form:
 * mw_depthwise_channel_s8_dsp.h. Channels are taken four at a time where `multiplier` is 1 and as
 * many are left; `fours` is 1 where they always are, -1 where they never shall be. Scratch memory:
 * three lines for each channel taken at a time. */
MW_INLINE void mw_depthwise_conv2d_3x3_s8_dsp(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *bias,
    const int32_t *scales, int32_t channels, int32_t multiplier, int32_t fours, int32_t along,
    int32_t across, int32_t out_along, int32_t out_across, int32_t by_rows, int32_t stride,
    int32_t pad_along, int32_t pad_across, int32_t line_words, int32_t x_zero, int32_t y_zero,
    int32_t low, int32_t high, int32_t form)
{
    const mw_steps_s8 steps = mw_steps_of_lines(along, across, channels / multiplier, by_rows);
    const mw_steps_s8 out = mw_steps_of_lines(out_along, out_across, channels, by_rows);
    const mw_lines_s8 lines = {along, across, steps.along, steps.across, pad_along, x_zero};
    mw_lines_3x3 layer = mw_make_lines_3x3(y_zero, out.along, out_along, 1, stride, 0, 1);
    mw_word *ring[3] = {scratch, (mw_word *)scratch + line_words,
                        (mw_word *)scratch + 2 * line_words};
    mw_fill_pairs(scratch,
                  3 * line_words *
                      (fours > 0 || (fours == 0 && multiplier == 1 && channels >= 4) ? 4 : 1),
                  x_zero);
    scales = mw_first_scale(bias, scales, channels, form);
    layer.channel_step = (int32_t)sizeof(mw_channel_3x3);
    for (int32_t c = 0, taken; c < channels; c += taken) {
        mw_channel_3x3 channel[4];
        int8_t *to = y + c;
        int32_t next = -pad_across;
        taken = fours > 0 || (fours == 0 && multiplier == 1 && channels - c >= 4) ? 4 : 1;
        for (int32_t i = 0; i < taken; i++) {
            mw_make_channel_3x3(weights, *bias++, scales, form, &channel[i]);
            scales = mw_next_scale(scales, form);
            weights += 9;
        }
        layer.lines = taken;
        for (int32_t o = 0; o < out_across; o++) {
            for (const int32_t end = o * stride - pad_across + 3; next < end; next++) {
                mw_word *const line = mw_turn_ring_3x3(ring, &layer);
                if (next < 0 || next >= across) {
                    mw_fill_pairs(line, line_words, x_zero);
                    layer.skip[2] = -layer.block_bytes;
                } else if (multiplier == 1 && taken == 4) {
                    mw_load_lines_s8_of_4(x, &lines, next, line, 3 * line_words);
                    layer.skip[2] = 12 * line_words - layer.block_bytes;
                } else {
                    mw_load_line_s8(x, &lines, next, line);
                }
            }
            mw_depthwise_lines_3x3(ring[0], ring[1], ring[2], channel, to, &layer, stride,
                                   mw_rounds_once(form));
            to += out.across;
        }
        x += multiplier == 1 ? taken : (c + 1) % multiplier == 0;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, out_along * out_across * channels, low, high);
    }
}

#endif
