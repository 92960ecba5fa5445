/* SPDX-License-Identifier: MIT */
/* Functions of 8-bit elements by table. */
#ifndef MW_LOOKUP_H
#define MW_LOOKUP_H

#include "mw_common.h"

/* table[i] is the result for the element whose bits, read as uint8, are i. */
MW_INLINE void mw_lookup_s8(const int8_t *x, int8_t *y, const int8_t *MW_RESTRICT table,
                            int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = table[(uint8_t)x[i]];
    }
}

#endif
