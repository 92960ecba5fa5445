/* SPDX-License-Identifier: MIT */
/* Convolutions whose weights lie in flash in a lossless code: decoded whole (mw_rice.h), then
 * multiplied by mw_conv2d_s8_dsp or mw_conv2d_1x1_s8_dsp.
 *
 * Registers and instructions per multiplication: those kernels', and 8 / output pixels more. The
 * arguments are theirs, with codes for weights, and after them where in scratch memory the weights
 * go, their bytes, and the code's parameter. */
#ifndef MW_CONV2D_CODED_S8_DSP_H
#define MW_CONV2D_CODED_S8_DSP_H

#include "mw_conv2d_1x1_s8_dsp.h"
#include "mw_conv2d_s8_dsp.h"
#include "mw_rice.h"

#define mw_conv2d_coded_s8_dsp(x, y, scratch, codes, offset, bytes, k, ...)                    \
    mw_conv2d_s8_dsp(x, y, scratch, mw_rice_words(codes, scratch, offset, bytes, k), __VA_ARGS__)

#define mw_conv2d_1x1_coded_s8_dsp(x, y, scratch, codes, offset, bytes, k, ...)                \
    mw_conv2d_1x1_s8_dsp(x, y, scratch, mw_rice_words(codes, scratch, offset, bytes, k),       \
                         __VA_ARGS__)

#endif
