/* SPDX-License-Identifier: MIT */
/* Borders around a tensor of elements of 1, 2 or 4 bytes. */
#ifndef MW_PAD_H
#define MW_PAD_H

#include "mw_common.h"

/* count elements, each of the low bytes of value. */
MW_INLINE uint8_t *mw_fill_elements(uint8_t *y, int32_t count, int32_t value, int32_t element)
{
    if (element == 1) {
        __builtin_memset(y, (int)(uint8_t)value, (size_t)count);
        return y + count;
    }
    for (int32_t i = 0; i < count; i++) {
        if (element == 2) {
            const uint16_t half = (uint16_t)value;
            __builtin_memcpy(y, &half, 2);
        } else {
            __builtin_memcpy(y, &value, 4);
        }
        y += element;
    }
    return y;
}

/* x[d0, d1, d2, n] with `before` and `after` elements on each side of each dimension. */
MW_INLINE void mw_pad(const void *x, void *y, int32_t d0, int32_t d1, int32_t d2, int32_t n,
                      int32_t before0, int32_t after0, int32_t before1, int32_t after1,
                      int32_t before2, int32_t after2, int32_t before, int32_t after,
                      int32_t value, int32_t element)
{
    const uint8_t *source = x;
    uint8_t *target = y;
    for (int32_t i0 = -before0; i0 < d0 + after0; i0++) {
        for (int32_t i1 = -before1; i1 < d1 + after1; i1++) {
            for (int32_t i2 = -before2; i2 < d2 + after2; i2++) {
                if (i0 < 0 || i0 >= d0 || i1 < 0 || i1 >= d1 || i2 < 0 || i2 >= d2) {
                    target = mw_fill_elements(target, before + n + after, value, element);
                } else {
                    target = mw_fill_elements(target, before, value, element);
                    __builtin_memcpy(target, source, (size_t)(n * element));
                    source += n * element;
                    target = mw_fill_elements(target + n * element, after, value, element);
                }
            }
        }
    }
}

#endif
