/* SPDX-License-Identifier: MIT */
/* Weights kept in flash in a lossless code, decoded into scratch memory.
 *
 * The code is Golomb's and Rice's with parameter k, 1 to 7, the same for a table, in two parts. A
 * byte v has a magnitude m, v or ~v. Its sign and the k - 1 low bits of m go to the first part, k
 * bits each, where eight bytes' fill k bytes: so words of four are spread at once. m >> (k - 1),
 * the quotient, goes to the second part: as many zeros and a one, or where those would be more than
 * 11 zeros, as 12 zeros and 7 bits. Half of these bits are ones, whatever k is: so one table, of
 * the quotients in each six bits, serves all layers.
 *
 * Registers: 8 for quotients, then 14 for low bits. Cortex-M4: 3.9 instructions a byte for
 * quotients and 3.3 for low bits, however often it is then multiplied. */
#ifndef MW_RICE_H
#define MW_RICE_H

#include "mw_dsp.h"

#define MW_RICE_LONGEST_ZEROS 11

/* Where the next bytes' codes begin: low bits, and so many bits into the quotients. */
typedef struct {
    const uint8_t *low, *quotients;
    uint32_t position;
} mw_rice;

/* codes: `low_bytes` of low bits, then quotients. */
MW_INLINE mw_rice mw_rice_begin(const uint8_t *codes, int32_t low_bytes)
{
    const mw_rice reader = {codes, codes + low_bytes, 0};
    return reader;
}

/* Up to three quotients that end within six bits, a byte each; how many, in the highest four bits;
 * how many bits they take, in the four below. 0: the first does not end there. */
static const uint32_t mw_rice_sixes[64] __attribute__((unused)) = {
    0x00000000u, 0x16000005u, 0x15000004u, 0x26000004u, 0x14000003u, 0x26000103u,
    0x25000003u, 0x36000003u, 0x13000002u, 0x26000202u, 0x25000102u, 0x36000102u,
    0x24000002u, 0x36010002u, 0x35000002u, 0x35000002u, 0x12000001u, 0x26000301u,
    0x25000201u, 0x36000201u, 0x24000101u, 0x36010101u, 0x35000101u, 0x35000101u,
    0x23000001u, 0x36020001u, 0x35010001u, 0x35010001u, 0x34000001u, 0x34000001u,
    0x34000001u, 0x34000001u, 0x11000000u, 0x26000400u, 0x25000300u, 0x36000300u,
    0x24000200u, 0x36010200u, 0x35000200u, 0x35000200u, 0x23000100u, 0x36020100u,
    0x35010100u, 0x35010100u, 0x34000100u, 0x34000100u, 0x34000100u, 0x34000100u,
    0x22000000u, 0x36030000u, 0x35020000u, 0x35020000u, 0x34010000u, 0x34010000u,
    0x34010000u, 0x34010000u, 0x33000000u, 0x33000000u, 0x33000000u, 0x33000000u,
    0x33000000u, 0x33000000u, 0x33000000u, 0x33000000u,
};

#if MW_HAS_DSP

/* The quotients of the bytes up to `end`, as bytes; up to 1 byte behind `end` is overwritten.
 * Registers: next bits in r6, position in r5, table in r3. A look-up takes 8 instructions and gives
 * 2.5 quotients; every four look-ups take 7 more. What is no three quotients from the end, or has
 * more than five zeros, is read one by one. */
MW_ASSEMBLY static void mw_rice_quotients(mw_rice *reader __attribute__((unused)),
                                          int8_t *to __attribute__((unused)),
                                          const int8_t *end __attribute__((unused)),
                                          const uint32_t *sixes __attribute__((unused)))
{
#define MW_RICE_REFILL                                                                         \
    "lsrs r6, r5, #3\n"                                                                        \
    "ldr r6, [r4, r6]\n"                                                                       \
    "and r7, r5, #7\n"                                                                         \
    "rev r6, r6\n"                                                                             \
    "lsls r6, r6, r7\n"
#define MW_RICE_SIX                                                                            \
    "lsrs r7, r6, #26\n"                                                                       \
    "ldr r7, [r3, r7, lsl #2]\n"                                                               \
    "cbz r7, 2f\n"                                                                             \
    "str r7, [r1]\n"                                                                           \
    "add r1, r1, r7, lsr #28\n"                                                                \
    "ubfx r7, r7, #24, #4\n"                                                                   \
    "lsls r6, r6, r7\n"                                                                        \
    "adds r5, r5, r7\n"
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r8, lr}\n"
        "ldrd r4, r5, [r0, #4]\n"
        "sub r8, r2, #12\n"
        "b 4f\n"
        "1:\n" MW_RICE_REFILL MW_RICE_SIX MW_RICE_SIX MW_RICE_SIX MW_RICE_SIX
        "cmp r1, r8\n"
        "bls 1b\n"
        "b 5f\n"
        "2:\n" MW_RICE_REFILL
        "clz r7, r6\n"
        "cmp r7, #11\n"
        "bhi 3f\n"
        "strb r7, [r1], #1\n"
        "adds r5, r5, r7\n"
        "adds r5, r5, #1\n"
        "b 4f\n"
        "3:\n"
        "ubfx r7, r6, #13, #7\n"
        "strb r7, [r1], #1\n"
        "adds r5, r5, #19\n"
        "4:\n"
        "cmp r1, r8\n"
        "bls 1b\n"
        "5:\n"
        "cmp r1, r2\n"
        "bne 2b\n"
        "str r5, [r0, #8]\n"
        "pop {r4-r8, pc}\n");
#undef MW_RICE_REFILL
#undef MW_RICE_SIX
}

/* Makes bytes of the quotients at to..end, eight at a time. Registers: low bits in r0, k in r3, 2k
 * in r4, k - 1 in r5, k ones in both halves of r6, 2**(k - 1) in all bytes of r7; from the first
 * four bytes' low bits to the others', r8 bytes and r9 bits. 26 instructions for eight. */
MW_ASSEMBLY static void mw_rice_low(mw_rice *reader __attribute__((unused)),
                                    int8_t *to __attribute__((unused)),
                                    const int8_t *end __attribute__((unused)),
                                    int32_t k __attribute__((unused)))
{
#define MW_RICE_SPREAD(four)                                                                   \
    "lsr r12, " four ", r4\n"                                                                  \
    "pkhbt " four ", " four ", r12, lsl #16\n"                                                 \
    "lsr r12, " four ", r3\n"                                                                  \
    "and " four ", " four ", r6\n"                                                             \
    "and r12, r12, r6\n"                                                                       \
    "orr " four ", " four ", r12, lsl #8\n"                                                    \
    "usub8 " four ", " four ", r7\n"
    __asm__ volatile(
        ".syntax unified\n"
        "push {r0, r4-r11, lr}\n"
        "ldr r0, [r0]\n"
        "lsl r4, r3, #1\n"
        "sub r5, r3, #1\n"
        "movs r6, #1\n"
        "lsl r7, r6, r5\n"
        "lsl r6, r6, r3\n"
        "sub r6, r6, #1\n"
        "orr r6, r6, r6, lsl #16\n"
        "orr r7, r7, r7, lsl #8\n"
        "orr r7, r7, r7, lsl #16\n"
        "lsr r8, r3, #1\n"
        "and r9, r3, #1\n"
        "lsl r9, r9, #2\n"
        "1:\n"
        "ldr r11, [r0, r8]\n"
        "ldr r10, [r0]\n"
        "add r0, r0, r3\n"
        "lsr r11, r11, r9\n" MW_RICE_SPREAD("r10") MW_RICE_SPREAD("r11")
        "ldrd r12, lr, [r1]\n"
        "lsl r12, r12, r5\n"
        "lsl lr, lr, r5\n"
        "eor r10, r10, r12\n"
        "eor r11, r11, lr\n"
        "strd r10, r11, [r1], #8\n"
        "cmp r1, r2\n"
        "bne 1b\n"
        "pop {r1, r4-r11, lr}\n"
        "str r0, [r1]\n"
        "bx lr\n");
#undef MW_RICE_SPREAD
}

#else

/* The 25 bits, or more, from `position` on; the highest first. */
MW_INLINE uint32_t mw_rice_bits(const uint8_t *quotients, uint32_t position)
{
    const uint8_t *const at = quotients + (position >> 3);
    const uint32_t word =
        (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
    return word << (position & 7u);
}

/* The quotients of the bytes up to `end`, as bytes; up to 1 byte behind `end` is overwritten. */
static MW_NOINLINE __attribute__((unused)) void mw_rice_quotients(mw_rice *reader, int8_t *to,
                                                                  const int8_t *end,
                                                                  const uint32_t *sixes)
{
    MW_BARRIER();
    const uint8_t *const quotients = reader->quotients;
    uint32_t position = reader->position;
    while (to != end) {
        uint32_t bits = mw_rice_bits(quotients, position), six = sixes[bits >> 26];
        for (int32_t left = end - to < 12 ? 0 : 4; six != 0 && left > 0; left--) {
            to[0] = (int8_t)(six & 0xFFu);
            to[1] = (int8_t)(six >> 8 & 0xFFu);
            to[2] = (int8_t)(six >> 16 & 0xFFu);
            to += six >> 28;
            const uint32_t taken = six >> 24 & 15u;
            position += taken;
            bits <<= taken;
            six = sixes[bits >> 26];
        }
        if (six != 0 && end - to >= 12) {
            continue;
        }
        if (to == end) {
            break;
        }
        bits = mw_rice_bits(quotients, position);
        int8_t zeros = 0;
        for (; (bits >> 31) == 0 && zeros <= MW_RICE_LONGEST_ZEROS; bits <<= 1) {
            zeros++;
        }
        const int32_t escapes = zeros > MW_RICE_LONGEST_ZEROS;
        *to++ = escapes ? (int8_t)(bits >> 25) : zeros;
        position += (uint32_t)zeros + (escapes ? 7u : 1u);
    }
    reader->position = position;
}

/* Four bytes as a word, the first lowest; compilers at hand would call memcpy. */
MW_INLINE uint32_t mw_rice_word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Four numbers of k bits, in a byte each. */
MW_INLINE uint32_t mw_rice_spread(uint32_t four, int32_t k)
{
    const uint32_t mask = ((uint32_t)1 << k) - 1u;
    return (four & mask) | (four >> k & mask) << 8 | (four >> (2 * k) & mask) << 16 |
           (four >> (3 * k) & mask) << 24;
}

/* Makes bytes of the quotients at to..end, eight at a time. */
static MW_NOINLINE __attribute__((unused)) void mw_rice_low(mw_rice *reader, int8_t *to,
                                                            const int8_t *end, int32_t k)
{
    MW_BARRIER();
    const uint8_t *low = reader->low;
    /* A number n is n - 2**(k - 1): the sum carries into no other byte. */
    const uint32_t offset = (0x80u - ((uint32_t)1 << (k - 1))) * 0x01010101u;
    mw_word *words = (mw_word *)(void *)to;
    for (; words != (const mw_word *)(const void *)end; words += 2) {
        const uint32_t first = mw_rice_word(low);
        const uint32_t second = mw_rice_word(low + (k >> 1)) >> (4 * (k & 1));
        const uint32_t a = (mw_rice_spread(first, k) + offset) ^ 0x80808080u;
        const uint32_t b = (mw_rice_spread(second, k) + offset) ^ 0x80808080u;
        words[0] = (int32_t)(a ^ (uint32_t)words[0] << (k - 1));
        words[1] = (int32_t)(b ^ (uint32_t)words[1] << (k - 1));
        low += k;
    }
    reader->low = low;
}

#endif

/* The next `count` bytes, filled up to a multiple of 8. */
MW_INLINE void mw_rice_bytes(mw_rice *reader, void *to, int32_t count, int32_t k)
{
    int8_t *const bytes = to, *const end = bytes + ((count + 7) & ~7);
    mw_rice_quotients(reader, bytes, end, mw_rice_sixes);
    mw_rice_low(reader, bytes, end, k);
    MW_BARRIER();
}

#endif
