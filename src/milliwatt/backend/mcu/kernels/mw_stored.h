/* SPDX-License-Identifier: MIT */
/* int8 weights kept in flash otherwise than as bytes: in a lossless code (mw_rice.h), or as int4 or
 * int2. They are made bytes in scratch memory, where kernels of int8 weights read them.
 *
 * int4 and int2, each with an offset that makes it positive, lie in words: the lowest bits of its
 * four bytes are the first four weights. Registers: word, mask, offset, 2 pointers, end, 2 shifts.
 * 5 instructions for four weights, 2 of them for shifts. */
#ifndef MW_STORED_H
#define MW_STORED_H

#include "mw_rice.h"

/* Where the next weights are. */
typedef struct {
    mw_rice codes;
    const mw_word *packed;
} mw_stored;

/* low_bytes: of the code's first part; 0 without code. */
MW_INLINE mw_stored mw_stored_begin(const void *stored, int32_t low_bytes)
{
    const mw_stored reader = {mw_rice_begin(stored, low_bytes), stored};
    return reader;
}

/* Weights of 4 or 2 bits, times 2**shift, as bytes up to `end`, and up to 15 more; exclusive-ored
 * with `flip`. Returns the next ones. */
static MW_NOINLINE __attribute__((unused)) const mw_word *mw_unpack_words(const mw_word *packed,
                                                                          mw_word *to,
                                                                          const mw_word *end,
                                                                          int32_t bits,
                                                                          int32_t shift,
                                                                          uint32_t flip)
{
    MW_BARRIER();
    const uint32_t mask = (bits == 4 ? 0x0F0F0F0Fu : 0x03030303u);
    /* A number n is n - 2**(bits - 1): the sum carries into no other byte. */
    const uint32_t offset = (0x80u - ((uint32_t)1 << (bits - 1 + shift))) * 0x01010101u;
    flip ^= 0x80808080u;
    while (to < end) {
        uint32_t word = (uint32_t)*packed++;
        for (int32_t left = 8; left > 0; left -= bits) {
            *to++ = (int32_t)((((word & mask) << shift) + offset) ^ flip);
            word >>= bits;
        }
    }
    return packed;
}

/* The next `count` weights as bytes, filled up to a multiple of 16; `bits` is 0 for codes, whose
 * parameter is then `k`; else weights are times 2**k. The bytes' words are exclusive-ored with
 * `flip`. */
MW_INLINE void mw_stored_bytes(mw_stored *reader, void *to, int32_t count, int32_t k, int32_t bits,
                               uint32_t flip)
{
    mw_word *const words = to, *const end = words + ((count + 3) >> 2);
    if (bits > 0) {
        reader->packed = mw_unpack_words(reader->packed, words, end, bits, k, flip);
    } else {
        mw_rice_bytes(&reader->codes, to, count, k);
        for (mw_word *word = words; flip != 0 && word != end; word++) {
            *word ^= (int32_t)flip;
        }
    }
    MW_BARRIER();
}

/* All weights, `offset` bytes into scratch memory. */
MW_INLINE const int8_t *mw_stored_s8(const void *stored, void *scratch, int32_t offset,
                                     int32_t count, int32_t k, int32_t low_bytes, int32_t bits)
{
    mw_stored reader = mw_stored_begin(stored, low_bytes);
    int8_t *const to = (int8_t *)scratch + offset;
    mw_stored_bytes(&reader, to, count, k, bits, 0);
    return to;
}

MW_INLINE const int32_t *mw_stored_words(const void *stored, void *scratch, int32_t offset,
                                         int32_t count, int32_t k, int32_t low_bytes,
                                         int32_t bits)
{
    return (const void *)mw_stored_s8(stored, scratch, offset, count, k, low_bytes, bits);
}

#endif
