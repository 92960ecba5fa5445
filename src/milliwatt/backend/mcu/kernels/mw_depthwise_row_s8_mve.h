/* SPDX-License-Identifier: MIT */
/* One row of a depthwise convolution, one filter a channel: sixteen channels of a pixel at a time.
 *
 * Taps are taken by twos, whose products VMULL makes 16 bits wide and whose sum still fits 16 bits;
 * it is then widened and added to four vectors of sums. Registers: q0 and q1 what is multiplied, q2
 * and q3 products, q4 to q7 sums: all 8. Per two taps of 16 channels (32 multiplications): 5 loads,
 * 4 VMULL, 10 to add up = 19 instructions, 0.59 per multiplication; filters other than 3x3 take 4
 * more for addresses and loop. Where weights are so small that the sum of all products fits 16 bits
 * (`narrow`), it is widened once, and two taps take 4 loads, 4 VMULL and 4 to add up. Per 16
 * outputs: 33, 6 more where saturation is not clamp enough, 8 where negative numbers can be seen,
 * and 28 in the form for any layer. */
#ifndef MW_DEPTHWISE_ROW_S8_MVE_H
#define MW_DEPTHWISE_ROW_S8_MVE_H

#include "mw_requantize_mve.h"

/* weights: for every 16 channels their biases (64 bytes), then the channels' weights of each tap
 * in turn; `narrow` has the biases last. scales: for every 16 channels their multipliers, then their
 * shifts, or in the form for any layer left shifts, multipliers, places and right shifts
 * (mw_requantize_mve.h). Biases and scales are ordered as VMULL and VMOVL leave the channels: 0 4 8
 * 12, 2 6 10 14, 1 5 9 13, 3 7 11 15. Both tables are filled up to whole blocks. The assembly knows
 * the order. */
typedef struct {
    const int8_t *x;        /* the first output's window */
    const int32_t *offsets; /* of each tap */
    int32_t pairs;          /* of taps; their number is even, but for 3x3 */
    int32_t channels;
    int32_t step; /* bytes from one output's window to the next's */
    const int8_t *weights;
    const int32_t *scales;
    int8_t *y;
    int32_t pixels; /* outputs */
    int32_t zero, low, high;
} mw_depthwise_row_s8_mve;

#if MW_HAS_MVE

/* Products of the taps at `first` and `second`, whose sum q2 and q3 get. */
#define MW_DEPTHWISE_PAIR(first, second, weights)                                              \
    "vldrb.8 q0, " first "\n"                                                                  \
    "vldrb.8 q1, [" weights "], #16\n"                                                         \
    "vmullb.s8 q2, q0, q1\n"                                                                   \
    "vmullt.s8 q3, q0, q1\n"                                                                   \
    "vldrb.8 q0, [" second "]\n"                                                               \
    "vldrb.8 q1, [" weights "], #16\n"                                                         \
    "vmullb.s8 q0, q0, q1\n"                                                                   \
    "vadd.i16 q2, q2, q0\n"                                                                    \
    "vldrb.8 q0, [" second "], #16\n"                                                          \
    "vmullt.s8 q0, q0, q1\n"                                                                   \
    "vadd.i16 q3, q3, q0\n" MW_DEPTHWISE_ADD

/* Adds q2 and q3 to the sums. */
#define MW_DEPTHWISE_ADD                                                                       \
    "vmovlb.s16 q0, q2\n"                                                                      \
    "vadd.i32 q4, q4, q0\n"                                                                    \
    "vmovlt.s16 q1, q2\n"                                                                      \
    "vadd.i32 q5, q5, q1\n"                                                                    \
    "vmovlb.s16 q0, q3\n"                                                                      \
    "vadd.i32 q6, q6, q0\n"                                                                    \
    "vmovlt.s16 q1, q3\n"                                                                      \
    "vadd.i32 q7, q7, q1\n"

/* The first tap's products to q2 and q3; another's added to them. */
#define MW_DEPTHWISE_FIRST(x, weights)                                                         \
    "vldrb.8 q0, " x "\n"                                                                      \
    "vldrb.8 q1, [" weights "], #16\n"                                                         \
    "vmullb.s8 q2, q0, q1\n"                                                                   \
    "vmullt.s8 q3, q0, q1\n"
#define MW_DEPTHWISE_NEXT(x, weights)                                                          \
    "vldrb.8 q0, " x "\n"                                                                      \
    "vldrb.8 q1, [" weights "], #16\n"                                                         \
    "vmullb.s8 q4, q0, q1\n"                                                                   \
    "vadd.i16 q2, q2, q4\n"                                                                    \
    "vmullt.s8 q5, q0, q1\n"                                                                   \
    "vadd.i16 q3, q3, q5\n"

/* q2 and q3 widened, with the biases. */
#define MW_DEPTHWISE_WIDEN(weights)                                                            \
    "vldrw.32 q0, [" weights "], #16\n"                                                        \
    "vmovlb.s16 q4, q2\n"                                                                      \
    "vldrw.32 q1, [" weights "], #16\n"                                                        \
    "vmovlt.s16 q5, q2\n"                                                                      \
    "vadd.i32 q4, q4, q0\n"                                                                    \
    "vldrw.32 q0, [" weights "], #16\n"                                                        \
    "vmovlb.s16 q6, q3\n"                                                                      \
    "vadd.i32 q5, q5, q1\n"                                                                    \
    "vldrw.32 q1, [" weights "], #16\n"                                                        \
    "vmovlt.s16 q7, q3\n"                                                                      \
    "vadd.i32 q6, q6, q0\n"                                                                    \
    "vadd.i32 q7, q7, q1\n"

/* Four sums in `x`, rescaled; `scales` points to the multipliers, 64 bytes further are the
 * shifts. */
#define MW_DEPTHWISE_SCALE(x, scales, away)                                                    \
    "vldrw.32 q1, [" scales ", #64]\n"                                                         \
    "vldrw.32 q0, [" scales "], #16\n"                                                         \
    "vqrdmulh.s32 " x ", " x ", q0\n" away(x, "q0") "vrshl.s32 " x ", " x ", q1\n"
#define MW_DEPTHWISE_SCALE_ALL(scales, away)                                                   \
    MW_DEPTHWISE_SCALE("q4", scales, away)                                                     \
    MW_DEPTHWISE_SCALE("q5", scales, away)                                                     \
    MW_DEPTHWISE_SCALE("q6", scales, away)                                                     \
    MW_DEPTHWISE_SCALE("q7", scales, away)                                                     \
    "add " scales ", " scales ", #64\n"

/* The same in the form for any layer: left shifts, multipliers, places, right shifts. */
#define MW_DEPTHWISE_SCALE_FOUR(x, scales)                                                     \
    "vldrw.32 q1, [" scales ", #64]\n"                                                         \
    "vldrw.32 q0, [" scales "], #16\n"                                                         \
    "vshl.s32 " x ", " x ", q0\n"                                                              \
    "vldrw.32 q0, [" scales ", #112]\n"                                                        \
    "vqrdmulh.s32 " x ", " x ", q1\n"                                                          \
    "vldrw.32 q2, [" scales ", #176]\n" MW_MVE_AWAY_ANY(x, "q0", "q1")                         \
    "vrshl.s32 " x ", " x ", q2\n"
#define MW_DEPTHWISE_SCALE_ANY(scales)                                                         \
    MW_DEPTHWISE_SCALE_FOUR("q4", scales)                                                      \
    MW_DEPTHWISE_SCALE_FOUR("q5", scales)                                                      \
    MW_DEPTHWISE_SCALE_FOUR("q6", scales)                                                      \
    MW_DEPTHWISE_SCALE_FOUR("q7", scales)                                                      \
    "add " scales ", " scales ", #192\n"

/* Rescaled sums as 16 outputs in q4; `zero`, `low` and `high` load r12. */
#define MW_DEPTHWISE_NARROWED                                                                  \
    "vmovnt.i32 q4, q5\n"                                                                      \
    "vmovnt.i32 q6, q7\n"
#define MW_DEPTHWISE_SATURATED                                                                 \
    "vqmovnb.s32 q4, q4\n"                                                                     \
    "vqmovnt.s32 q4, q5\n"                                                                     \
    "vqmovnb.s32 q6, q6\n"                                                                     \
    "vqmovnt.s32 q6, q7\n"
#define MW_DEPTHWISE_BYTES(zero)                                                               \
    zero                                                                                       \
    "vqadd.s16 q4, q4, r12\n"                                                                  \
    "vqadd.s16 q6, q6, r12\n"                                                                  \
    "vqmovnb.s16 q4, q4\n"                                                                     \
    "vqmovnt.s16 q4, q6\n"
#define MW_DEPTHWISE_CLAMP(low, high)                                                          \
    low "vdup.8 q0, r12\n" high "vdup.8 q1, r12\n"                                             \
    "vmax.s8 q4, q4, q0\n"                                                                     \
    "vmin.s8 q4, q4, q1\n"

/* The sums as 16 outputs in q4. */
#define MW_DEPTHWISE_PLAIN(scales, zero, low, high)                                            \
    MW_DEPTHWISE_SCALE_ALL(scales, MW_MVE_AWAY) MW_DEPTHWISE_NARROWED MW_DEPTHWISE_BYTES(zero)
#define MW_DEPTHWISE_RELU(scales, zero, low, high)                                             \
    MW_DEPTHWISE_SCALE_ALL(scales, MW_MVE_AWAY_RELU)                                           \
    MW_DEPTHWISE_NARROWED MW_DEPTHWISE_BYTES(zero)
#define MW_DEPTHWISE_RELU_CLAMPED(scales, zero, low, high)                                     \
    MW_DEPTHWISE_RELU(scales, zero, low, high) MW_DEPTHWISE_CLAMP(low, high)
#define MW_DEPTHWISE_ANY(scales, zero, low, high)                                              \
    MW_DEPTHWISE_SCALE_ANY(scales)                                                             \
    MW_DEPTHWISE_SATURATED MW_DEPTHWISE_BYTES(zero) MW_DEPTHWISE_CLAMP(low, high)

/* The sums of a block of channels, by two taps a turn. */
#define MW_DEPTHWISE_WIDE                                                                      \
    "vldrw.32 q4, [r1], #16\n"                                                                 \
    "vldrw.32 q5, [r1], #16\n"                                                                 \
    "vldrw.32 q6, [r1], #16\n"                                                                 \
    "vldrw.32 q7, [r1], #16\n"                                                                 \
    "ldr r2, [r3, #4]\n"                                                                       \
    "dls lr, r10\n"                                                                            \
    "3:\n"                                                                                     \
    "ldrd r4, r5, [r2], #8\n"                                                                  \
    "add r4, r4, r0\n"                                                                         \
    "add r5, r5, r0\n"                                                                         \
    MW_DEPTHWISE_PAIR("[r4]", "r5", "r1")                                                      \
    "le lr, 3b\n"

#define MW_DEPTHWISE_NARROW                                                                    \
    "ldr r2, [r3, #4]\n"                                                                       \
    "vmov.i32 q2, #0\n"                                                                        \
    "vmov.i32 q3, #0\n"                                                                        \
    "dls lr, r10\n"                                                                            \
    "3:\n"                                                                                     \
    "ldrd r4, r5, [r2], #8\n"                                                                  \
    "add r4, r4, r0\n"                                                                         \
    "add r5, r5, r0\n"                                                                         \
    MW_DEPTHWISE_NEXT("[r4]", "r1")                                                            \
    MW_DEPTHWISE_NEXT("[r5]", "r1")                                                            \
    "le lr, 3b\n"                                                                              \
    MW_DEPTHWISE_WIDEN("r1")

/* r0 window, r1 weights, r2 offsets, r3 the struct, r4 and r5 taps, r6 outputs, r7 channels left,
 * r8 scales, r9 the pixel's window, r10 pairs, r11 pixels left. */
#define MW_DEPTHWISE_ROW(sums, outputs)                                                        \
    __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                     "sub sp, sp, #4\n"                                                        \
                     "vpush {d8-d15}\n"                                                        \
                     "mov r3, r0\n"                                                            \
                     "ldr r9, [r3]\n"                                                          \
                     "ldr r10, [r3, #8]\n"                                                     \
                     "ldrd r6, r11, [r3, #28]\n"                                               \
                     "1:\n"                                                                    \
                     "mov r0, r9\n"                                                            \
                     "ldrd r7, r2, [r3, #12]\n"                                                \
                     "ldrd r1, r8, [r3, #20]\n"                                                \
                     "add r9, r9, r2\n"                                                        \
                     "2:\n"                                                                    \
                     sums                                                                      \
                     outputs("r8", "ldr r12, [r3, #36]\n", "ldr r12, [r3, #40]\n",             \
                             "ldr r12, [r3, #44]\n")                                           \
                     "vctp.8 r7\n"                                                             \
                     "vpst\n"                                                                  \
                     "vstrbt.8 q4, [r6], #16\n"                                                \
                     "adds r0, r0, #16\n"                                                      \
                     "subs r7, r7, #16\n"                                                      \
                     "bgt 2b\n"                                                                \
                     "add r6, r6, r7\n"                                                        \
                     "subs r11, r11, #1\n"                                                     \
                     "bne 1b\n"                                                                \
                     "vpop {d8-d15}\n"                                                         \
                     "add sp, sp, #4\n"                                                        \
                     "pop {r4-r11, pc}\n")

/* The sums of a block of channels, nine taps. */
#define MW_DEPTHWISE_WIDE_3X3                                                                  \
    "vldrw.32 q4, [r9], #16\n"                                                                 \
    "vldrw.32 q5, [r9], #16\n"                                                                 \
    "vldrw.32 q6, [r9], #16\n"                                                                 \
    "vldrw.32 q7, [r9], #16\n"                                                                 \
    MW_DEPTHWISE_PAIR("[r0], #16", "r1", "r9")                                                 \
    MW_DEPTHWISE_PAIR("[r2], #16", "r3", "r9")                                                 \
    MW_DEPTHWISE_PAIR("[r4], #16", "r5", "r9")                                                 \
    MW_DEPTHWISE_PAIR("[r6], #16", "r7", "r9")                                                 \
    "vldrb.8 q0, [r8], #16\n"                                                                  \
    "vldrb.8 q1, [r9], #16\n"                                                                  \
    "vmullb.s8 q2, q0, q1\n"                                                                   \
    "vmullt.s8 q3, q0, q1\n"                                                                   \
    MW_DEPTHWISE_ADD

#define MW_DEPTHWISE_NARROW_3X3                                                                \
    MW_DEPTHWISE_FIRST("[r0], #16", "r9")                                                      \
    MW_DEPTHWISE_NEXT("[r1], #16", "r9")                                                       \
    MW_DEPTHWISE_NEXT("[r2], #16", "r9")                                                       \
    MW_DEPTHWISE_NEXT("[r3], #16", "r9")                                                       \
    MW_DEPTHWISE_NEXT("[r4], #16", "r9")                                                       \
    MW_DEPTHWISE_NEXT("[r5], #16", "r9")                                                       \
    MW_DEPTHWISE_NEXT("[r6], #16", "r9")                                                       \
    MW_DEPTHWISE_NEXT("[r7], #16", "r9")                                                       \
    MW_DEPTHWISE_NEXT("[r8], #16", "r9")                                                       \
    MW_DEPTHWISE_WIDEN("r9")

/* The same for nine taps: r0 to r8 point to them, r9 weights, r10 outputs, r11 scales, lr channels
 * left. On the stack: channels, bytes from a pixel's last block to the next pixel's first, weights,
 * scales, zero, low, high, pixels left. */
#define MW_DEPTHWISE_ROW_3X3(sums, outputs)                                                    \
    __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                     "vpush {d8-d15}\n"                                                        \
                     "sub sp, sp, #36\n"                                                       \
                     "mov r12, r0\n"                                                           \
                     "ldrd r1, r2, [r12, #12]\n"                                               \
                     "ldrd r3, r4, [r12, #20]\n"                                               \
                     "ldrd r10, r8, [r12, #28]\n"                                              \
                     "ldrd r5, r6, [r12, #36]\n"                                               \
                     "ldr r7, [r12, #44]\n"                                                    \
                     "add r9, r1, #15\n"                                                       \
                     "bic r9, r9, #15\n"                                                       \
                     "subs r2, r2, r9\n"                                                       \
                     "stm sp, {r1-r8}\n"                                                       \
                     "ldrd r11, r9, [r12]\n"                                                   \
                     "ldm r9, {r0-r8}\n"                                                       \
                     MW_DEPTHWISE_MOVE_9("r11")                                                \
                     "1:\n"                                                                    \
                     "ldrd r9, r11, [sp, #8]\n"                                                \
                     "ldr lr, [sp]\n"                                                          \
                     "2:\n"                                                                    \
                     sums                                                                      \
                     outputs("r11", "ldr r12, [sp, #16]\n", "ldr r12, [sp, #20]\n",            \
                             "ldr r12, [sp, #24]\n")                                           \
                     "vctp.8 lr\n"                                                             \
                     "vpst\n"                                                                  \
                     "vstrbt.8 q4, [r10], #16\n"                                               \
                     "subs lr, lr, #16\n"                                                      \
                     "bgt 2b\n"                                                                \
                     "add r10, r10, lr\n"                                                      \
                     "ldr r12, [sp, #4]\n"                                                     \
                     "cmp r12, #0\n"                                                           \
                     "beq 3f\n"                                                                \
                     MW_DEPTHWISE_MOVE_9("r12")                                                \
                     "3:\n"                                                                    \
                     "ldr r12, [sp, #28]\n"                                                    \
                     "subs r12, r12, #1\n"                                                     \
                     "str r12, [sp, #28]\n"                                                    \
                     "bne 1b\n"                                                                \
                     "add sp, sp, #36\n"                                                       \
                     "vpop {d8-d15}\n"                                                         \
                     "pop {r4-r11, pc}\n")

/* Adds `distance` to the pointers to nine taps. */
#define MW_DEPTHWISE_MOVE_9(distance)                                                          \
    "add r0, r0, " distance "\n"                                                               \
    "add r1, r1, " distance "\n"                                                               \
    "add r2, r2, " distance "\n"                                                               \
    "add r3, r3, " distance "\n"                                                               \
    "add r4, r4, " distance "\n"                                                               \
    "add r5, r5, " distance "\n"                                                               \
    "add r6, r6, " distance "\n"                                                               \
    "add r7, r7, " distance "\n"                                                               \
    "add r8, r8, " distance "\n"

#define MW_DEPTHWISE_ROWS(form, outputs)                                                       \
    static MW_ASSEMBLY void mw_depthwise_row_wide_##form(                                           \
        const mw_depthwise_row_s8_mve *row __attribute__((unused)))                            \
    {                                                                                          \
        MW_DEPTHWISE_ROW(MW_DEPTHWISE_WIDE, outputs);                                          \
    }                                                                                          \
    static MW_ASSEMBLY void mw_depthwise_row_narrow_##form(                                    \
        const mw_depthwise_row_s8_mve *row __attribute__((unused)))                            \
    {                                                                                          \
        MW_DEPTHWISE_ROW(MW_DEPTHWISE_NARROW, outputs);                                        \
    }                                                                                          \
    static MW_ASSEMBLY void mw_depthwise_row_3x3_##form(                                       \
        const mw_depthwise_row_s8_mve *row __attribute__((unused)))                            \
    {                                                                                          \
        MW_DEPTHWISE_ROW_3X3(MW_DEPTHWISE_WIDE_3X3, outputs);                                  \
    }                                                                                          \
    static MW_ASSEMBLY void mw_depthwise_row_3x3_narrow_##form(                                \
        const mw_depthwise_row_s8_mve *row __attribute__((unused)))                            \
    {                                                                                          \
        MW_DEPTHWISE_ROW_3X3(MW_DEPTHWISE_NARROW_3X3, outputs);                                \
    }

MW_DEPTHWISE_ROWS(plain, MW_DEPTHWISE_PLAIN)
MW_DEPTHWISE_ROWS(relu, MW_DEPTHWISE_RELU)
MW_DEPTHWISE_ROWS(relu_clamped, MW_DEPTHWISE_RELU_CLAMPED)
MW_DEPTHWISE_ROWS(any, MW_DEPTHWISE_ANY)

#endif

/* nine: 1 where there are nine taps. narrow: 1 where all sums without bias fit 16 bits. */
MW_INLINE void mw_depthwise_row_s8(const mw_depthwise_row_s8_mve *row, int32_t nine,
                                   int32_t narrow, int32_t form)
{
#if MW_HAS_MVE
    if (nine && narrow) {
        MW_MVE_CALL(mw_depthwise_row_3x3_narrow, form, row);
    } else if (nine) {
        MW_MVE_CALL(mw_depthwise_row_3x3, form, row);
    } else if (narrow) {
        MW_MVE_CALL(mw_depthwise_row_narrow, form, row);
    } else {
        MW_MVE_CALL(mw_depthwise_row_wide, form, row);
    }
#else
    const int32_t taps = nine ? 9 : 2 * row->pairs;
    int8_t *y = row->y;
    for (int32_t p = 0; p < row->pixels; p++) {
        for (int32_t c = 0; c < row->channels; c++) {
            const int8_t *block = row->weights + (c >> 4) * (64 + 16 * taps);
            const int8_t *weights = block + (narrow ? 0 : 64);
            const int8_t *biases = block + (narrow ? 16 * taps : 0);
            const int32_t place = 8 * (c & 1) + 2 * (c & 2) + ((c >> 2) & 3);
            const int32_t *scales = row->scales + (c >> 4) * 16 * mw_scale_words_mve(form) + place;
            int32_t sum = mw_load_i32(biases + 4 * place);
            for (int32_t t = 0; t < taps; t++) {
                sum += row->x[p * row->step + row->offsets[t] + c] * weights[16 * t + (c & 15)];
            }
            *y++ = mw_rescale_s8_mve(sum, scales, 16, row->zero, row->low, row->high, form);
        }
    }
#endif
}

#endif
