/* SPDX-License-Identifier: MIT */
/* Weights kept in flash in a lossless code, decoded into scratch memory.
 *
 * The code is Golomb's and Rice's with parameter k, 1 to 7, the same for a table: a byte v has a
 * magnitude m, v or ~v. It is written as m >> (k - 1) zeros, a one, a bit that says whether v is
 * negative, and the k - 1 low bits of m; or where those would be more than 7 zeros, as 8 zeros and
 * v. No code exceeds 16 bits. Bits are read from the highest of each 16-bit unit downwards.
 * Registers: window, bits in it, 5 for the code, 2 pointers, end. About 19 instructions a byte,
 * however often it is then multiplied; no table of codes. */
#ifndef MW_RICE_DSP_H
#define MW_RICE_DSP_H

#include "mw_dsp.h"

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

#if MW_HAS_DSP

/* The next bytes up to `end`, at least one. Registers: next in r4, window in r5, bits in it less 16
 * in r6, code in r7 and r10, k - 1 and 32 - k in r8 and r9. 17 instructions a byte, and 6 for every
 * 16 bits of code. */
MW_ASSEMBLY static void mw_rice_decode(mw_rice *reader __attribute__((unused)),
                                       int8_t *to __attribute__((unused)),
                                       const int8_t *end __attribute__((unused)),
                                       int32_t k __attribute__((unused)))
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r10, lr}\n"
        "ldm r0, {r4, r5, r6}\n"
        "sub r8, r3, #1\n"
        "rsb r9, r3, #32\n"
        "subs r6, r6, #16\n"
        "blt 3f\n"
        "1:\n"
        "clz r7, r5\n"
        "cmp r7, #7\n"
        "bhi 4f\n"
        "add r10, r7, #1\n"
        "lsl r5, r5, r10\n"
        "sub r6, r6, r10\n"
        "bic r10, r5, #0x80000000\n"
        "lsl r7, r7, r8\n"
        "lsr r10, r10, r9\n"
        "orr r7, r7, r10\n"
        "eor r7, r7, r5, asr #31\n"
        "lsl r5, r5, r3\n"
        "strb r7, [r1], #1\n"
        "subs r6, r6, r3\n"
        "blt 3f\n"
        "2:\n"
        "cmp r1, r2\n"
        "bne 1b\n"
        "add r6, r6, #16\n"
        "stm r0, {r4, r5, r6}\n"
        "pop {r4-r10, pc}\n"
        "3:\n"
        "ldrh r7, [r4], #2\n"
        "rsb r10, r6, #0\n"
        "lsl r7, r7, r10\n"
        "orr r5, r5, r7\n"
        "add r6, r6, #16\n"
        "b 2b\n"
        "4:\n"
        "lsr r7, r5, #16\n"
        "lsl r5, r5, #16\n"
        "strb r7, [r1], #1\n"
        "subs r6, r6, #16\n"
        "blt 3b\n"
        "b 2b\n");
}

#else

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
    const uint32_t low = (window & 0x7FFFFFFFu) >> (32 - k);
    const int32_t magnitude = (int32_t)((uint32_t)zeros << (k - 1) | low);
    reader->window = window << k;
    reader->have -= zeros + 1 + k;
    return (int8_t)(magnitude ^ ((int32_t)window >> 31));
}

static MW_NOINLINE __attribute__((unused)) void mw_rice_decode(mw_rice *reader, int8_t *to,
                                                               const int8_t *end, int32_t k)
{
    MW_BARRIER();
    while (to != end) {
        *to++ = mw_rice_byte(reader, k);
    }
}

#endif

/* The next `count` bytes, at least one. */
MW_INLINE void mw_rice_bytes(mw_rice *reader, int8_t *to, int32_t count, int32_t k)
{
    mw_rice_decode(reader, to, to + count, k);
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
