/* SPDX-License-Identifier: MIT */
/* Softmax of int8 rows of two elements: each result depends on their difference alone. */
#ifndef MW_SOFTMAX_PAIRS_S8_H
#define MW_SOFTMAX_PAIRS_S8_H

#include "mw_common.h"

/* of_difference[255 + d]: the result of an element that is d above the other. */
MW_INLINE void mw_softmax_pairs_s8(const int8_t *x, int8_t *y,
                                   const int8_t *MW_RESTRICT of_difference, int32_t rows)
{
    for (; rows > 0; rows--) {
        const int32_t difference = x[0] - x[1];
        y[0] = of_difference[255 + difference];
        y[1] = of_difference[255 - difference];
        x += 2;
        y += 2;
    }
}

#endif
