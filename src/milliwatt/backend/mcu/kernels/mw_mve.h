/* SPDX-License-Identifier: MIT */
/* Helium (Armv8.1-M MVE): whether it is there, and copies and fills 16 bytes at a time.
 *
 * Kernels named _mve keep their loops in assembly, with a plain C twin beside it that runs on any
 * machine: compilers at hand neither keep eight sums in the registers that VMLADAVA wants nor make
 * low-overhead loops of it. */
#ifndef MW_MVE_H
#define MW_MVE_H

#include "mw_dsp.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && MW_HAS_DSP
#define MW_HAS_MVE 1
#else
#define MW_HAS_MVE 0
#endif

/* Bytes of a vector. */
#define MW_VECTOR 16

/* Copies `count` bytes, upwards; a `to` below `from` may overlap it. */
MW_INLINE void mw_copy_mve(int8_t *to, const int8_t *from, int32_t count)
{
#if MW_HAS_MVE
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n"
                     "1:\n"
                     "vldrb.8 q0, [%[from]], #16\n"
                     "vstrb.8 q0, [%[to]], #16\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : [to] "+&r"(to), [from] "+&r"(from)
                     : [count] "r"(count)
                     : "lr", "q0", "memory");
#else
    for (int32_t i = 0; i < count; i++) {
        to[i] = from[i];
    }
#endif
}

/* Fills `count` bytes. */
MW_INLINE void mw_fill_mve(int8_t *to, int32_t value, int32_t count)
{
#if MW_HAS_MVE
    __asm__ volatile("vdup.8 q0, %[value]\n"
                     "wlstp.8 lr, %[count], 2f\n"
                     "1:\n"
                     "vstrb.8 q0, [%[to]], #16\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : [to] "+&r"(to)
                     : [value] "r"(value), [count] "r"(count)
                     : "lr", "q0", "memory");
#else
    for (int32_t i = 0; i < count; i++) {
        to[i] = (int8_t)value;
    }
#endif
}

#endif
