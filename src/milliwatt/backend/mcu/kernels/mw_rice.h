/* SPDX-License-Identifier: MIT */
/* Weights kept in flash in a lossless code, decoded into scratch memory.
 *
 * The code is Golomb's and Rice's with parameter k, 1 to 7, the same for a table: a byte v has a
 * magnitude m, v or ~v. It is written as m >> (k - 1) zeros, a one, a bit that says whether v is
 * negative, and the k - 1 low bits of m; or where those would be more than 7 zeros, as 8 zeros and
 * v. No code exceeds 16 bits. Bits are read from the highest of each 16-bit unit downwards.
 * Registers: window, bits in it, 3 of the code, 2 pointers, end. About 20 instructions a byte,
 * however often it is then multiplied; no table of codes. */
#ifndef MW_RICE_H
#define MW_RICE_H

#include "mw_common.h"

#define MW_RICE_LONGEST_ZEROS 7

/* Codes from the next bit on: `have` bits, at least 16 when one is decoded, at the top of
 * `window`. */
typedef struct {
    const uint16_t *next;
    uint32_t window;
    int32_t have;
} mw_rice;

MW_INLINE mw_rice mw_rice_begin(const uint16_t *codes)
{
    const mw_rice reader = {codes, 0, 0};
    return reader;
}

MW_INLINE int8_t mw_rice_byte(mw_rice *reader, int32_t k)
{
    if (reader->have < 16) {
        reader->window |= (uint32_t)*reader->next++ << (16 - reader->have);
        reader->have += 16;
    }
    uint32_t window = reader->window;
    const int32_t zeros = __builtin_clz(window);
    if (zeros > MW_RICE_LONGEST_ZEROS) {
        reader->window = window << 16;
        reader->have -= 16;
        return (int8_t)((window >> 16) & 0xFFu);
    }
    window <<= zeros + 1;
    const uint32_t low = k > 1 ? (window << 1) >> (33 - k) : 0;
    const int32_t magnitude = (int32_t)((uint32_t)zeros << (k - 1) | low);
    reader->window = window << k;
    reader->have -= zeros + 1 + k;
    return (int8_t)(magnitude ^ ((int32_t)window >> 31));
}

/* The next `count` bytes. */
MW_INLINE void mw_rice_bytes(mw_rice *reader, int8_t *to, int32_t count, int32_t k)
{
    mw_rice local = *reader;
    for (const int8_t *const end = to + count; to != end;) {
        *to++ = mw_rice_byte(&local, k);
    }
    *reader = local;
}

/* A whole table of bytes, or of words, decoded to `offset` bytes into scratch memory. */
MW_INLINE const int8_t *mw_rice_s8(const uint16_t *codes, void *scratch, int32_t offset,
                                   int32_t count, int32_t k)
{
    mw_rice reader = mw_rice_begin(codes);
    int8_t *const to = (int8_t *)scratch + offset;
    mw_rice_bytes(&reader, to, count, k);
    MW_BARRIER();
    return to;
}

MW_INLINE const int32_t *mw_rice_words(const uint16_t *codes, void *scratch, int32_t offset,
                                       int32_t count, int32_t k)
{
    return (const void *)mw_rice_s8(codes, scratch, offset, count, k);
}

#endif
