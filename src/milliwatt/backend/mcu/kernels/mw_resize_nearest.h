/* SPDX-License-Identifier: MIT */
/* Nearest-neighbour resizing of pixels of any size. */
#ifndef MW_RESIZE_NEAREST_H
#define MW_RESIZE_NEAREST_H

#include "mw_common.h"

/* Output pixel (i, j) copies input pixel (row[i], column[j]). */
MW_INLINE void mw_resize_nearest(const void *x, void *y, const int16_t *MW_RESTRICT row,
                                 const int16_t *MW_RESTRICT column, int32_t batch, int32_t in_h,
                                 int32_t in_w, int32_t out_h, int32_t out_w, int32_t pixel_bytes)
{
    const uint8_t *source = x;
    uint8_t *target = y;
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t i = 0; i < out_h; i++) {
            const uint8_t *line = source + row[i] * in_w * pixel_bytes;
            for (int32_t j = 0; j < out_w; j++) {
                __builtin_memcpy(target, line + column[j] * pixel_bytes, (size_t)pixel_bytes);
                target += pixel_bytes;
            }
        }
        source += in_h * in_w * pixel_bytes;
    }
}

#endif
