/* SPDX-License-Identifier: MIT */
/* Layers computed a few rows at a time: numbers of rows, and strips of memory that hold a few rows
 * of a map. The rows at a strip's start are dropped turn by turn. */
#ifndef MW_STREAM_H
#define MW_STREAM_H

#include "mw_common.h"

/* A number of rows: none before the first, and no more than there are. */
MW_INLINE int32_t mw_rows(int32_t rows, int32_t total) { return mw_clamp_i32(rows, 0, total); }

/* The same address, of which a compiler no longer knows how much memory there is: kernels that
 * choose between blocks of pixels at run time have code for blocks that never come, and memory for
 * none. */
MW_INLINE void *mw_opaque(uint8_t *address)
{
    __asm__("" : "+r"(address));
    return address;
}

/* Copies bytes upwards; `to` may lie anywhere below `from`, or apart from it. Four words at a time
 * where both begin at a word and none of the four is still to be read. gcc warns of writes in what
 * it unrolls for counts that never come. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#endif
static MW_NOINLINE __attribute__((unused)) void mw_move_bytes(uint8_t *to, const uint8_t *from,
                                                              int32_t count)
{
    MW_BARRIER();
    const uintptr_t distance = (uintptr_t)from - (uintptr_t)to;
    if (distance >= 16 && (((uintptr_t)from | (uintptr_t)to) & 3u) == 0) {
        for (; count >= 16; count -= 16) {
            __builtin_memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4),
                             16);
            from += 16;
            to += 16;
        }
    }
    for (; count > 0; count--) {
        *to++ = *from++;
    }
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/* Drops `dropped` rows at the start of a strip that holds `held` rows of `row_bytes`: the others
 * move there. */
MW_INLINE void mw_drop_rows(uint8_t *strip, int32_t dropped, int32_t held, int32_t row_bytes)
{
    if (dropped > 0) {
        mw_move_bytes(strip, strip + dropped * row_bytes, (held - dropped) * row_bytes);
    }
}

#endif
