/* SPDX-License-Identifier: MIT */
/* The DSP instructions of Armv7E-M (Cortex-M4, M7, M33 with DSP), each as one function. Elsewhere
 * the same functions are plain C, so that kernels made of them run on any machine.
 *
 * A "pair" is two int16 in one 32-bit word, the first in the low half. */
#ifndef MW_DSP_H
#define MW_DSP_H

#include "mw_common.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP == 1 && defined(__thumb2__)
#define MW_HAS_DSP 1
#else
#define MW_HAS_DSP 0
#endif

/* Scratch memory seen now as pairs, now as their halves. */
typedef int32_t mw_word __attribute__((may_alias));
typedef int16_t mw_half __attribute__((may_alias));

/* Accesses that need no alignment, and may alias anything. */
MW_INLINE int32_t mw_load_i32(const void *from)
{
    int32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

MW_INLINE void mw_store_i32(void *to, int32_t word)
{
    __builtin_memcpy(to, &word, sizeof word);
}

MW_INLINE int32_t mw_low_half(int32_t pair) { return (int16_t)((uint32_t)pair & 0xFFFFu); }

MW_INLINE int32_t mw_high_half(int32_t pair) { return pair >> 16; }

#if MW_HAS_DSP

/* A function whose body is assembly, which reads its arguments where the calling convention puts
 * them: the compiler must neither drop nor move them. */
#if defined(__clang__)
#define MW_ASSEMBLY __attribute__((naked, noinline, unused))
#else
#define MW_ASSEMBLY __attribute__((naked, noinline, noclone, noipa, unused))
#endif

/* Defines `name(a, b)` as one instruction of two operands. */
#define MW_DSP_BINARY(name, instruction)                                                       \
    MW_INLINE int32_t name(int32_t a, int32_t b)                                               \
    {                                                                                          \
        int32_t result;                                                                        \
        __asm__(instruction " %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));                    \
        return result;                                                                         \
    }

/* Defines `name(a, b, acc)` as one instruction of three operands. */
#define MW_DSP_TERNARY(name, instruction)                                                      \
    MW_INLINE int32_t name(int32_t a, int32_t b, int32_t acc)                                  \
    {                                                                                          \
        int32_t result;                                                                        \
        __asm__(instruction " %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));      \
        return result;                                                                         \
    }

/* Bytes 0 and 2 of a word as a pair; bytes 1 and 3 as a pair. */
MW_INLINE int32_t mw_even_bytes(int32_t word)
{
    int32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
}

MW_INLINE int32_t mw_odd_bytes(int32_t word)
{
    int32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

/* (a.low + b's byte 1, a.high + b's byte 3) */
MW_INLINE int32_t mw_add_odd_bytes(int32_t a, int32_t b)
{
    int32_t pair;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(pair) : "r"(a), "r"(b));
    return pair;
}

/* The pair (low half of a, low half of b). */
MW_INLINE int32_t mw_pair(int32_t a, int32_t b)
{
    int32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
    return pair;
}

/* The pair (high half of a, high half of b). */
MW_INLINE int32_t mw_pair_of_highs(int32_t a, int32_t b)
{
    int32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
    return pair;
}

/* x limited to -128..127. */
MW_INLINE int32_t mw_saturate_s8(int32_t x)
{
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(x));
    return result;
}

/* x / 2**10, rounded down, limited to -128..127. */
MW_INLINE int32_t mw_saturate_s8_q10(int32_t x)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #10" : "=r"(result) : "r"(x));
    return result;
}

/* x / 2**5, rounded down, limited to -128..127. */
MW_INLINE int32_t mw_saturate_s8_q5(int32_t x)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #5" : "=r"(result) : "r"(x));
    return result;
}

/* x / 2**16, rounded down, limited to -128..127. */
MW_INLINE int32_t mw_saturate_s8_q16(int32_t x)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #16" : "=r"(result) : "r"(x));
    return result;
}

MW_DSP_BINARY(mw_add_even_bytes, "sxtab16")    /* (a.low + b's byte 0, a.high + b's byte 2) */
MW_DSP_BINARY(mw_add_pairs, "sadd16")          /* (a.low + b.low, a.high + b.high) */
MW_DSP_TERNARY(mw_dot_pairs, "smlad")          /* acc + a.low * b.low + a.high * b.high */
MW_DSP_TERNARY(mw_mac_low_low, "smlabb")       /* acc + a.low * b.low */
MW_DSP_TERNARY(mw_mac_low_high, "smlabt")      /* acc + a.low * b.high */
MW_DSP_TERNARY(mw_mac_high_low, "smlatb")      /* acc + a.high * b.low */
MW_DSP_TERNARY(mw_mac_high_high, "smlatt")     /* acc + a.high * b.high */
MW_DSP_BINARY(mw_high_mul_round, "smmulr")     /* a * b / 2**32 to nearest, ties upward */
MW_DSP_TERNARY(mw_high_mul_sub_round, "smmlsr") /* acc - a * b / 2**32 to nearest, ties upward */
MW_DSP_TERNARY(mw_high_mul_add, "smmla")       /* acc + a * b / 2**32, rounded down */

#undef MW_DSP_BINARY
#undef MW_DSP_TERNARY

#else

MW_INLINE int32_t mw_pair(int32_t a, int32_t b)
{
    return (int32_t)(((uint32_t)a & 0xFFFFu) | ((uint32_t)b << 16));
}

MW_INLINE int32_t mw_pair_of_highs(int32_t a, int32_t b)
{
    return mw_pair(mw_high_half(a), mw_high_half(b));
}

MW_INLINE int32_t mw_even_bytes(int32_t word)
{
    return mw_pair((int8_t)((uint32_t)word & 0xFFu), (int8_t)(((uint32_t)word >> 16) & 0xFFu));
}

MW_INLINE int32_t mw_odd_bytes(int32_t word)
{
    return mw_pair((int8_t)(((uint32_t)word >> 8) & 0xFFu), (int8_t)((uint32_t)word >> 24));
}

MW_INLINE int32_t mw_saturate_s8(int32_t x) { return mw_clamp_i32(x, -128, 127); }

MW_INLINE int32_t mw_saturate_s8_q10(int32_t x) { return mw_saturate_s8(x >> 10); }

MW_INLINE int32_t mw_saturate_s8_q5(int32_t x) { return mw_saturate_s8(x >> 5); }

MW_INLINE int32_t mw_saturate_s8_q16(int32_t x) { return mw_saturate_s8(x >> 16); }

MW_INLINE int32_t mw_add_pairs(int32_t a, int32_t b)
{
    return mw_pair(mw_low_half(a) + mw_low_half(b), mw_high_half(a) + mw_high_half(b));
}

MW_INLINE int32_t mw_add_even_bytes(int32_t a, int32_t b)
{
    return mw_add_pairs(a, mw_even_bytes(b));
}

MW_INLINE int32_t mw_add_odd_bytes(int32_t a, int32_t b)
{
    return mw_add_pairs(a, mw_odd_bytes(b));
}

/* acc + a * b, modulo 2**32 as the instructions have it. */
MW_INLINE int32_t mw_wrapping_mac(int32_t a, int32_t b, int32_t acc)
{
    return (int32_t)((uint32_t)acc + (uint32_t)(a * b));
}

MW_INLINE int32_t mw_mac_low_low(int32_t a, int32_t b, int32_t acc)
{
    return mw_wrapping_mac(mw_low_half(a), mw_low_half(b), acc);
}

MW_INLINE int32_t mw_mac_low_high(int32_t a, int32_t b, int32_t acc)
{
    return mw_wrapping_mac(mw_low_half(a), mw_high_half(b), acc);
}

MW_INLINE int32_t mw_mac_high_low(int32_t a, int32_t b, int32_t acc)
{
    return mw_wrapping_mac(mw_high_half(a), mw_low_half(b), acc);
}

MW_INLINE int32_t mw_mac_high_high(int32_t a, int32_t b, int32_t acc)
{
    return mw_wrapping_mac(mw_high_half(a), mw_high_half(b), acc);
}

MW_INLINE int32_t mw_dot_pairs(int32_t a, int32_t b, int32_t acc)
{
    return mw_mac_high_high(a, b, mw_mac_low_low(a, b, acc));
}

MW_INLINE int32_t mw_high_mul_round(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

MW_INLINE int32_t mw_high_mul_add(int32_t a, int32_t b, int32_t acc)
{
    return acc + (int32_t)(((int64_t)a * b) >> 32);
}

MW_INLINE int32_t mw_high_mul_sub_round(int32_t a, int32_t b, int32_t acc)
{
    return acc + (int32_t)((((int64_t)1 << 31) - (int64_t)a * b) >> 32);
}

#endif

#endif
