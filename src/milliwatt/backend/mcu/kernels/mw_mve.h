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

/* Loops of steps. The first is `step(first)`, whose VMLADAV begins the sums; `turns` more
 * `step("vmladava.s8")` follow. Four in a row share the loop's instructions: `count` holds how many
 * times they are gone through, rounded up, and the word at `entry` where they are entered, `skip`
 * bytes behind the address that MW_STEPS_ENTRY gives. Steps that know their number only as they
 * begin have it in `count`, and go by twos. */
#define MW_STEPS_LOOPS(turns) (((turns) + 3) >> 2)
#define MW_STEPS_SKIP(turns, step_bytes)                                                       \
    (1 + ((turns) > 0 ? (-(turns) & 3) * (step_bytes) : 4 * (step_bytes) + 8))

#if MW_HAS_MVE

/* Functions of such loops begin at a multiple of 4, which ADR relies on. */
#define MW_STEPS_FUNCTION static MW_ASSEMBLY __attribute__((aligned(4))) void
#define MW_STEPS_ENTRY(to) "adr " to ", 3f\n"
#define MW_STEPS(count, entry, step, first)                                                    \
    step(first)                                                                                \
    "ldr pc, " entry "\n"                                                                      \
    "3:\n"                                                                                     \
    step("vmladava.s8")                                                                        \
    step("vmladava.s8")                                                                        \
    step("vmladava.s8")                                                                        \
    step("vmladava.s8")                                                                        \
    "subs.w " count ", " count ", #1\n"                                                        \
    "bne.w 3b\n"
#define MW_STEPS_BY_TWOS(count, entry, step, first)                                            \
    step(first)                                                                                \
    "lsrs " count ", " count ", #1\n"                                                          \
    "bcc 2f\n"                                                                                 \
    step("vmladava.s8")                                                                        \
    "2:\n"                                                                                     \
    "beq 4f\n"                                                                                 \
    "3:\n"                                                                                     \
    step("vmladava.s8")                                                                        \
    step("vmladava.s8")                                                                        \
    "subs " count ", " count ", #1\n"                                                          \
    "bne 3b\n"                                                                                 \
    "4:\n"

#endif

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
