/* SPDX-License-Identifier: MIT */
/* int8 a + b of equal shape, four elements at a time.
 *
 * `a` is the operand of the larger scale: its factor is 1/2, of which nothing is lost. Per four
 * elements 18 instructions, 2 more where negative results can be seen; 4 fewer where both scales
 * are equal. Registers: q0 and q1 operands, q2 for their sign, q3 and q4 the clamp; 3 pointers,
 * count and 7 numbers of the layer in r0 to r10. */
#ifndef MW_ADD_S8_MVE_H
#define MW_ADD_S8_MVE_H

#include "mw_requantize_mve.h"

/* The assembly knows the order. */
typedef struct {
    const int8_t *a, *b;
    int8_t *y;
    int32_t count, a_zero, b_zero, b_multiplier, b_shift, y_multiplier, y_shift, y_zero;
    int32_t low, high;
} mw_sum_s8_mve;

#if MW_HAS_MVE

/* (b - zero) * 2**20 in q1, halved or rescaled. */
#define MW_SUM_HALF "vshl.i32 q1, q1, #19\n"
#define MW_SUM_SCALED                                                                          \
    "vshl.i32 q1, q1, #20\n"                                                                   \
    "vqrdmulh.s32 q1, q1, r6\n" MW_MVE_AWAY("q1", "q2") "vrshl.s32 q1, r7\n"

#define MW_SUM_FUNCTION(name, second, away)                                                    \
    static MW_ASSEMBLY void name(const mw_sum_s8_mve *sum __attribute__((unused)))             \
    {                                                                                          \
        __asm__ volatile("push {r4-r11, lr}\n"                                                 \
                         "vpush {d8-d9}\n"                                                     \
                         "mov r12, r0\n"                                                       \
                         "ldm r12!, {r0-r11}\n"                                                \
                         "ldr r12, [r12]\n"                                                    \
                         "vdup.32 q3, r11\n"                                                   \
                         "vdup.32 q4, r12\n"                                                   \
                         "wlstp.32 lr, r3, 2f\n"                                               \
                         "1:\n"                                                                \
                         "vldrb.s32 q1, [r1], #4\n"                                            \
                         "vsub.i32 q1, q1, r5\n"                                               \
                         "vldrb.s32 q0, [r0], #4\n"                                            \
                         second                                                                \
                         "vsub.i32 q0, q0, r4\n"                                               \
                         "vshl.i32 q0, q0, #19\n"                                              \
                         "vadd.i32 q0, q0, q1\n"                                               \
                         "vqrdmulh.s32 q0, q0, r8\n"                                           \
                         away("q0", "q1")                                                      \
                         "vrshl.s32 q0, r9\n"                                                  \
                         "vadd.i32 q0, q0, r10\n"                                              \
                         "vmax.s32 q0, q0, q3\n"                                               \
                         "vmin.s32 q0, q0, q4\n"                                               \
                         "vstrb.32 q0, [r2], #4\n"                                             \
                         "letp lr, 1b\n"                                                       \
                         "2:\n"                                                                \
                         "vpop {d8-d9}\n"                                                      \
                         "pop {r4-r11, pc}\n");                                                \
    }

MW_SUM_FUNCTION(mw_sum_s8_mve_half, MW_SUM_HALF, MW_MVE_AWAY)
MW_SUM_FUNCTION(mw_sum_s8_mve_half_relu, MW_SUM_HALF, MW_MVE_AWAY_RELU)
MW_SUM_FUNCTION(mw_sum_s8_mve_scaled, MW_SUM_SCALED, MW_MVE_AWAY)
MW_SUM_FUNCTION(mw_sum_s8_mve_scaled_relu, MW_SUM_SCALED, MW_MVE_AWAY_RELU)

#endif

/* half_b: 1 where b's factor is 1/2 too. relu: 1 where the least output is not below the zero
 * point. */
MW_INLINE void mw_add_s8_mve(const int8_t *a, const int8_t *b, int8_t *y, int32_t count,
                             int32_t a_zero, int32_t b_zero, int32_t b_multiplier,
                             int32_t b_shift, int32_t y_zero, int32_t y_multiplier,
                             int32_t y_shift, int32_t low, int32_t high, int32_t half_b,
                             int32_t relu)
{
#if MW_HAS_MVE
    const mw_sum_s8_mve sum = {a,       b,            y,       count,  a_zero, b_zero, b_multiplier,
                               b_shift, y_multiplier, y_shift, y_zero, low,    high};
    if (half_b && relu) {
        mw_sum_s8_mve_half_relu(&sum);
    } else if (half_b) {
        mw_sum_s8_mve_half(&sum);
    } else if (relu) {
        mw_sum_s8_mve_scaled_relu(&sum);
    } else {
        mw_sum_s8_mve_scaled(&sum);
    }
#else
    (void)relu;
    for (int32_t i = 0; i < count; i++) {
        const int32_t first = (a[i] - a_zero) * (1 << 19);
        const int32_t wide = (b[i] - b_zero) * (1 << 20);
        const int32_t second = half_b ? wide / 2 : mw_requantize_down(wide, b_multiplier, b_shift);
        y[i] = mw_requantize_s8_mve(first + second, y_multiplier, y_shift, y_zero, low, high);
    }
#endif
}

#endif
