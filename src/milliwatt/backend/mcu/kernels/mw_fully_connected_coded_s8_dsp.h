/* SPDX-License-Identifier: MIT */
/* Fully connected layer whose weights lie in flash in a lossless code: four channels' at a time are
 * decoded (mw_rice.h), then multiplied as mw_fully_connected_s8_dsp does.
 *
 * Registers and instructions per multiplication: that kernel's, and 8 more, since each weight is
 * used once. Scratch memory: four channels' words. */
#ifndef MW_FULLY_CONNECTED_CODED_S8_DSP_H
#define MW_FULLY_CONNECTED_CODED_S8_DSP_H

#include "mw_fully_connected_s8_dsp.h"
#include "mw_rice.h"

/* codes: the words of mw_fully_connected_s8_dsp, byte by byte; block_bytes: those of four
 * channels; low_bytes: of the code's first part. The layer has one row. */
MW_INLINE void mw_fully_connected_coded_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                               const uint8_t *codes, const int32_t *scales,
                                               int32_t depth, int32_t channels,
                                               int32_t block_bytes, int32_t zero, int32_t low,
                                               int32_t high, int32_t packed, int32_t per_channel,
                                               int32_t coarse, int32_t low_bytes, int32_t k)
{
    const int32_t scale_step = per_channel ? mw_scale_words(coarse) : 0;
    mw_rice reader = mw_rice_begin(codes, low_bytes);
    int32_t last = 0;
    for (int32_t i = depth - 1; i >= (depth & ~3); i--) {
        last = (int32_t)((uint32_t)last << 8) | (uint8_t)x[i];
    }
    for (int32_t c = 0; c < channels; c += 4) {
        const int32_t left = channels - c;
        mw_rice_bytes(&reader, scratch, left > 2 ? block_bytes : block_bytes >> 1, k);
        if (left > 2) {
            mw_fully_connected_block_s8(x, depth, last, scratch, scales, y + c, left, zero, 2,
                                        packed, scale_step, coarse);
        } else {
            mw_fully_connected_block_s8(x, depth, last, scratch, scales, y + c, left, zero, 1,
                                        packed, scale_step, coarse);
        }
        scales += 4 * scale_step;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, channels, low, high);
    }
}

#endif
