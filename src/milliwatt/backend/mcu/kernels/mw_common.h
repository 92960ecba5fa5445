/* SPDX-License-Identifier: MIT */
/* What every kernel needs: inlining, aliasing, clamps. Freestanding C99. */
#ifndef MW_COMMON_H
#define MW_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* Kernels are inlined into one function per layer, so that the literals a layer passes become
 * constants of its code. */
#define MW_INLINE static inline __attribute__((always_inline))
#define MW_NOINLINE __attribute__((noinline))

/* Before a short loop whose number of turns every layer knows: gcc then lays them out one by one at
 * any level of optimisation, as clang does unasked. */
#if defined(__GNUC__) && !defined(__clang__)
#define MW_UNROLL _Pragma("GCC unroll 16")
#else
#define MW_UNROLL
#endif

/* For tables of constants: a store to the output never changes them. Activations may share
 * memory, so their pointers never carry it. */
#define MW_RESTRICT restrict

/* Layers see the arena through pointers of different types; no access moves across this. */
#define MW_BARRIER() __asm__ volatile("" ::: "memory")

MW_INLINE int32_t mw_min_i32(int32_t a, int32_t b) { return a < b ? a : b; }

MW_INLINE int32_t mw_max_i32(int32_t a, int32_t b) { return a > b ? a : b; }

MW_INLINE int32_t mw_clamp_i32(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : (x > high ? high : x);
}

/* a + b modulo 2**32, as accumulators wrap. */
MW_INLINE int32_t mw_wrapping_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* zero + x, x however large, clamped to [low, high]; the sum itself never overflows. */
MW_INLINE int32_t mw_offset_clamp(int32_t x, int32_t zero, int32_t low, int32_t high)
{
    return zero + mw_clamp_i32(x, low - zero, high - zero);
}

/* Smallest k >= 0 with start + k * step >= 0: the first tap of a window that lies on the map. */
MW_INLINE int32_t mw_first_tap(int32_t start, int32_t step)
{
    return start >= 0 ? 0 : (step == 1 ? -start : (step - 1 - start) / step);
}

/* Number of k in [0, taps) with start + k * step < extent. */
MW_INLINE int32_t mw_end_tap(int32_t start, int32_t step, int32_t taps, int32_t extent)
{
    const int32_t room = extent - start;
    if (room <= 0) {
        return 0;
    }
    return mw_min_i32(taps, step == 1 ? room : (room + step - 1) / step);
}

#endif
