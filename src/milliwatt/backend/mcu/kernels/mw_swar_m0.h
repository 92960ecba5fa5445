/* SPDX-License-Identifier: MIT */
/* What the Cortex-M0+ assembly of the kernels for two products in one shares. */
#ifndef MW_SWAR_M0_H
#define MW_SWAR_M0_H

#if defined(__ARM_ARCH_6M__)

#include <stddef.h>

/* Stops the compiler where a member does not lie where the assembly reads it. */
#define MW_M0_AT(type, member, bytes)                                                            \
    typedef char type##_##member[offsetof(type, member) == (bytes) ? 1 : -1]

/* Scales the sum in register `sum` to int8, -128..127 (mw_scale_swar.h): r2 the fine factor, r3 the
 * coarse one, lr the offset, r5 and r6 the shifts. Leaves the output in r1; uses r0.
 * 12 instructions, 2 more where the output saturates. */
#define MW_M0_SCALE(sum)                                                                         \
    "mov r0, " sum "\n"                                                                          \
    "asrs r1, r0, #2\n"                                                                          \
    "muls r1, r2, r1\n"                                                                          \
    "asrs r1, r1, r5\n"                                                                          \
    "muls r0, r3, r0\n"                                                                          \
    "adds r0, r0, r1\n"                                                                          \
    "add r0, lr\n"                                                                               \
    "movs r1, r0\n"                                                                              \
    "lsrs r1, r1, r6\n"                                                                          \
    "cmp r1, #255\n"                                                                             \
    "bls 7f\n"                                                                                   \
    "asrs r0, r0, #31\n"                                                                         \
    "mvns r1, r0\n"                                                                              \
    "7:\n"                                                                                       \
    "subs r1, r1, #128\n"

#endif

#endif
