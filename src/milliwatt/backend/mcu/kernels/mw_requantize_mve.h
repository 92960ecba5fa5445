/* SPDX-License-Identifier: MIT */
/* gemmlowp's two roundings, four sums at a time.
 *
 * VQRDMULH rounds 2 * acc * m / 2**32 with ties upward, as the definition does. VRSHL by `shift`,
 * which is not positive, rounds ties upward too, where the definition rounds them away from zero:
 * a negative number is made one less first, which moves its ties and nothing else, as long as the
 * shift is at least 1. Under a clamp at the zero point or above no negative number is seen, and
 * that step is left out (`RELU`); there a shift of 0 is exact too. tests/kernels/test_mve_requantize.py compares it with the
 * definition. */
#ifndef MW_REQUANTIZE_MVE_H
#define MW_REQUANTIZE_MVE_H

#include "mw_mve.h"
#include "mw_requantize.h"

/* Assembly: makes the number in vector register `x` one less where it is negative. */
#define MW_MVE_AWAY(x, spare)                                                                  \
    "vshr.s32 " spare ", " x ", #31\n"                                                         \
    "vadd.i32 " x ", " x ", " spare "\n"
#define MW_MVE_AWAY_RELU(x, spare) ""

/* The int8 output of one sum: the twin of the assembly. */
MW_INLINE int8_t mw_requantize_s8_mve(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero,
                                      int32_t low, int32_t high)
{
    const int32_t scaled = mw_requantize_down(acc, multiplier, shift);
    return (int8_t)mw_clamp_i32(scaled + zero, low, high);
}

#endif
