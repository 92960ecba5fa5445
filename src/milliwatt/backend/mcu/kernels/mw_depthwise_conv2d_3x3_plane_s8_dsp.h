/* SPDX-License-Identifier: MIT */
/* Depthwise convolution of a small image, filter 3x3, stride 1 or 2 both ways: a channel's whole
 * padded plane is gathered (mw_depthwise_lines_s8_dsp.h), then all its lines of outputs are made in
 * one call (mw_depthwise_line_3x3_dsp.h), where calls for each line would cost as much as the
 * multiplications. A channel is gathered whole before it is written, so outputs may be written
 * over the inputs. */
#ifndef MW_DEPTHWISE_CONV2D_3X3_PLANE_S8_DSP_H
#define MW_DEPTHWISE_CONV2D_3X3_PLANE_S8_DSP_H

#include "mw_depthwise_line_3x3_dsp.h"
#include "mw_depthwise_lines_s8_dsp.h"

/* Tables as in mw_depthwise_conv2d_3x3_s8_dsp.h. Channels are taken four at a time where as many
 * are left; `fours` says that they always are. Scratch memory: `plane_lines` lines for each channel
 * taken at a time. */
MW_INLINE void mw_depthwise_conv2d_3x3_plane_s8_dsp(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *bias,
    const int32_t *scales, int32_t channels, int32_t fours, int32_t along, int32_t across,
    int32_t out_along, int32_t out_across, int32_t by_rows, int32_t stride, int32_t pad_along,
    int32_t pad_across, int32_t line_words, int32_t plane_lines, int32_t x_zero, int32_t y_zero,
    int32_t low, int32_t high, int32_t form)
{
    const mw_steps_s8 steps = mw_steps_of_lines(along, across, channels, by_rows);
    const mw_steps_s8 out = mw_steps_of_lines(out_along, out_across, channels, by_rows);
    mw_word *const plane = scratch;
    mw_word *const first = plane + pad_across * line_words + (pad_along >> 1);
    const int32_t plane_words = plane_lines * line_words;
    const mw_lines_3x3 layer = mw_make_lines_3x3(y_zero, out.along, out_along, out_across, stride,
                                                 4 * stride * line_words, out.across);
    mw_fill_s16(scratch, 2 * plane_words * (fours || channels >= 4 ? 4 : 1), x_zero);
    scales = mw_first_scale(bias, scales, channels, form);
    for (int32_t c = 0, taken; c < channels; c += taken) {
        taken = fours || channels - c >= 4 ? 4 : 1;
        for (int32_t k = 0; k < across; k++) {
            if (taken == 4) {
                mw_gather_lines_s8_of_4(x + c + k * steps.across, steps.along, along,
                                        first + k * line_words, plane_words, pad_along & 1);
            } else {
                mw_gather_line_s8(x + c + k * steps.across, steps.along, along,
                                  (mw_half *)(void *)(first + k * line_words) + (pad_along & 1),
                                  pad_along & 1);
            }
        }
        for (int32_t i = 0; i < taken; i++) {
            mw_channel_3x3 channel;
            const mw_word *const top = plane + i * plane_words;
            mw_make_channel_3x3(weights, *bias++, scales, form, &channel);
            mw_depthwise_lines_3x3(top, top + line_words, top + 2 * line_words, &channel,
                                   y + c + i, &layer, stride, mw_rounds_once(form));
            scales = mw_next_scale(scales, form);
            weights += 9;
        }
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, out_along * out_across * channels, low, high);
    }
}

#endif
