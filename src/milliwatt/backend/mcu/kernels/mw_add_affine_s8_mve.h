/* SPDX-License-Identifier: MIT */
/* int8 a + b and a - b of equal shape, four elements at a time, where one integer form equals the
 * reference's requantised sum for each of the 65,536 pairs of operands
 * (lowering/portable/affine_add.py proves it):
 * y = (a_factor * a + b_factor * b + start) >> shift, clamped.
 *
 * Per four elements 9 instructions: 3 loads and stores, 2 multiplications that add, shift, clamp,
 * loop. Registers: q0 and q1 operands, q2 a's factor, q3 and q4 the clamp; three pointers, three
 * numbers of the layer, lr counts. */
#ifndef MW_ADD_AFFINE_S8_MVE_H
#define MW_ADD_AFFINE_S8_MVE_H

#include "mw_add_affine_s8.h"
#include "mw_mve.h"

MW_INLINE void mw_add_affine_s8_mve(const int8_t *a, const int8_t *b, int8_t *y, int32_t count,
                                    int32_t a_factor, int32_t b_factor, int32_t start,
                                    int32_t shift, int32_t low, int32_t high)
{
#if MW_HAS_MVE
    /* Both ends in one word: without optimisation there are too few registers for each. */
    const uint32_t ends = ((uint32_t)low & 0xFFFFU) | (uint32_t)high << 16;
    __asm__ volatile("vdup.32 q2, %[a_factor]\n"
                     "vdup.32 q4, %[ends]\n"
                     "vmovlb.s16 q3, q4\n"
                     "vmovlt.s16 q4, q4\n"
                     "wlstp.32 lr, %[count], 2f\n"
                     "1:\n"
                     "vldrb.s32 q0, [%[a]], #4\n"
                     "vmlas.s32 q0, q2, %[start]\n"
                     "vldrb.s32 q1, [%[b]], #4\n"
                     "vmla.s32 q0, q1, %[b_factor]\n"
                     "vshl.s32 q0, %[left]\n"
                     "vmax.s32 q0, q0, q3\n"
                     "vmin.s32 q0, q0, q4\n"
                     "vstrb.32 q0, [%[y]], #4\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : [a] "+&l"(a), [b] "+&l"(b), [y] "+&l"(y)
                     : [count] "r"(count), [a_factor] "r"(a_factor), [b_factor] "r"(b_factor),
                       [start] "r"(start), [left] "r"(-shift), [ends] "r"(ends)
                     : "lr", "q0", "q1", "q2", "q3", "q4", "memory");
#else
    mw_add_affine_s8(a, b, y, count, a_factor, b_factor, start, shift, low, high);
#endif
}

#endif
