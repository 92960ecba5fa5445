/* SPDX-License-Identifier: MIT */
/* Layers computed a few rows at a time: numbers of rows, and strips of memory that hold a few rows
 * of a map. The rows at a strip's start are dropped turn by turn. */
#ifndef MW_STREAM_H
#define MW_STREAM_H

#include "mw_common.h"

/* A number of rows: none before the first, and no more than there are. */
MW_INLINE int32_t mw_rows(int32_t rows, int32_t total) { return mw_clamp_i32(rows, 0, total); }

/* Drops `dropped` rows at the start of a strip that holds `held` rows: the others move there. Rows
 * are `row_bytes` long. Words are copied upwards, so that a row may land on the one it follows. */
static MW_NOINLINE __attribute__((unused)) void mw_drop_rows(uint8_t *strip, int32_t dropped,
                                                             int32_t held, int32_t row_bytes)
{
    MW_BARRIER();
    const uint8_t *from = strip + dropped * row_bytes;
    uint8_t *to = strip;
    int32_t rest = dropped > 0 ? (held - dropped) * row_bytes : 0;
    if (dropped * row_bytes >= 16) {
        for (; rest >= 16; rest -= 16) {
            __builtin_memcpy(to, from, 16);
            from += 16;
            to += 16;
        }
    }
    for (; rest > 0; rest--) {
        *to++ = *from++;
    }
}

#endif
