/* SPDX-License-Identifier: MIT */
/* Convolutions whose weights lie in flash in a lossless code: decoded whole (mw_rice.h), then
 * multiplied by a kernel of plain ones.
 *
 * Registers and instructions per multiplication: those kernels', and 8 / output pixels more. The
 * arguments are theirs, with codes for weights, and after them where in scratch memory the weights
 * go, and how many bytes; the code's parameter, the bytes of its first part, and 0. */
#ifndef MW_CONV2D_CODED_S8_DSP_H
#define MW_CONV2D_CODED_S8_DSP_H

#include "mw_conv2d_1x1_s8_dsp.h"
#include "mw_conv2d_s8_dsp.h"
#include "mw_conv2d_small_s8_dsp.h"
#include "mw_stored.h"

#define MW_CODED(kernel, x, y, scratch, codes, at, count, k, low_bytes, bits, ...)             \
    kernel(x, y, scratch, mw_stored_words(codes, scratch, at, count, k, low_bytes, bits),      \
           __VA_ARGS__)

#define mw_conv2d_coded_s8_dsp(...) MW_CODED(mw_conv2d_s8_dsp, __VA_ARGS__)
#define mw_conv2d_1x1_coded_s8_dsp(...) MW_CODED(mw_conv2d_1x1_s8_dsp, __VA_ARGS__)
#define mw_conv2d_small_coded_s8_dsp(...) MW_CODED(mw_conv2d_small_s8_dsp, __VA_ARGS__)
#define mw_conv2d_1x1_small_coded_s8_dsp(...) MW_CODED(mw_conv2d_1x1_small_s8_dsp, __VA_ARGS__)

#endif
