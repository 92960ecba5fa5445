/* SPDX-License-Identifier: MIT */
/* One row of a depthwise convolution, one filter a channel: sixteen channels of a pixel at a time.
 *
 * Nine taps: mw_depthwise_row_3x3_s8_mve.h. Others come in groups whose sums fit 16 bits
 * (mw_depthwise_lanes_s8_mve.h). Until the last group is done no sum is wider, so that products
 * have registers; earlier groups wait on the stack. Per two taps of 16 channels (32
 * multiplications): 4 loads, 4 VMULL, 4 to add up, 4 for addresses and loop = 16 instructions, 0.5
 * per multiplication. Per block of channels 23, and for every further group 17. Where that would be
 * more, groups are pairs, added up as they come: 23 instructions each, and 6 a block. Per 16
 * outputs: 20 where sums are rounded once, elsewhere 30, 6 more where saturation is not clamp
 * enough, 8 where negative numbers can be seen, and 28 in the form for any layer. */
#ifndef MW_DEPTHWISE_ROW_S8_MVE_H
#define MW_DEPTHWISE_ROW_S8_MVE_H

#include "mw_depthwise_row_3x3_s8_mve.h"

/* How taps are grouped. */
#define MW_TAPS_ANY 0
#define MW_TAPS_NINE_TWOS 1
#define MW_TAPS_NINE_THREE_TWOS 2
#define MW_TAPS_NINE_THREES 3
#define MW_TAPS_NINE_ALL 4
#define MW_TAPS_PAIRS 5

/* offsets: of nine taps in the order of their groups; of pairs, behind their number; elsewhere for
 * each group the number of its pairs, then their offsets, and 0 behind the last.
 *
 * weights: for every 16 channels their biases (64 bytes), then the channels' weights of each tap in
 * the order of the offsets; with MW_TAPS_ANY biases come last. scales: for every 16
 * channels their multipliers, then, unless sums are rounded once, their shifts, or in the form for
 * any layer left shifts, multipliers, places and right shifts (mw_requantize_mve.h). Biases and
 * scales are in the order of mw_lane_mve. Both tables are filled up to whole blocks. The assembly
 * knows the order. */
typedef struct {
    const int8_t *x; /* the first output's window */
    const int32_t *offsets;
    int32_t channels;
    int32_t step; /* bytes from one output's window to the next's */
    const int8_t *weights;
    const int32_t *scales;
    int8_t *y;
    int32_t pixels; /* outputs */
    int32_t zero, low, high;
} mw_depthwise_row_s8_mve;

#if MW_HAS_MVE

/* The sums of a block of channels, whose weights and then biases r1 points to. */
#define MW_GROUPS(wide)                                                                        \
    "ldr r2, [r3, #4]\n"                                                                       \
    "movs r10, #0\n"                                                                           \
    "ldr r4, [r2], #4\n"                                                                       \
    "3:\n"                                                                                     \
    "vmov.i32 q2, #0\n"                                                                        \
    "vmov.i32 q3, #0\n"                                                                        \
    "dls lr, r4\n"                                                                             \
    "4:\n"                                                                                     \
    "ldrd r4, r5, [r2], #8\n"                                                                  \
    "add r4, r4, r0\n"                                                                         \
    "add r5, r5, r0\n"                                                                         \
    MW_LANES_NEXT("[r4]", "[r1], #16")                                                         \
    MW_LANES_NEXT("[r5]", "[r1], #16")                                                         \
    "le lr, 4b\n"                                                                              \
    "ldr r4, [r2], #4\n"                                                                       \
    "cbz r4, 5f\n"                                                                             \
    "vpush {d4-d7}\n"                                                                          \
    "adds r10, r10, #1\n"                                                                      \
    "b 3b\n"                                                                                   \
    "5:\n"                                                                                     \
    MW_LANES_BEGIN(wide, "[r1], #16", "[r1], #16", "[r1], #16", "[r1], #16")                   \
    "cmp r10, #0\n"                                                                            \
    "beq 7f\n"                                                                                 \
    "6:\n"                                                                                     \
    "vpop {d4-d7}\n"                                                                           \
    MW_LANES_ADD(wide)                                                                         \
    "subs r10, r10, #1\n"                                                                      \
    "bne 6b\n"                                                                                 \
    "7:\n"

#define MW_ROW_PAIRS(wide)                                                                     \
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
    MW_LANES_FIRST("[r4]", "[r1], #16")                                                        \
    MW_LANES_MORE("r5", "[r1], #16")                                                           \
    MW_LANES_ADD(wide)                                                                         \
    "le lr, 3b\n"

/* r0 window, r1 weights, r2 offsets, r3 the struct, r4 and r5 taps, r6 outputs, r7 channels left,
 * r8 scales, r9 the pixel's window, r10 groups on the stack or pairs, r11 pixels left. */
#define MW_ANY_ROW(first, sums, wide, outputs)                                                 \
    __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                     "sub sp, sp, #4\n"                                                        \
                     "vpush {d8-d15}\n"                                                        \
                     "mov r3, r0\n"                                                            \
                     "ldrd r9, r10, [r3]\n"                                                    \
                     first                                                                     \
                     "ldrd r6, r11, [r3, #24]\n"                                               \
                     "1:\n"                                                                    \
                     "mov r0, r9\n"                                                            \
                     "ldrd r7, r2, [r3, #8]\n"                                                 \
                     "ldrd r1, r8, [r3, #16]\n"                                                \
                     "add r9, r9, r2\n"                                                        \
                     "2:\n"                                                                    \
                     sums(wide)                                                                \
                     outputs("r8", "ldr r12, [r3, #32]\n", "ldr r12, [r3, #36]\n",             \
                             "ldr r12, [r3, #40]\n")                                           \
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

#define MW_DEPTHWISE_NINE(taps, form, wide, outputs, sums, last)                               \
    static MW_ASSEMBLY void mw_depthwise_row_##taps##_##form(                                  \
        const mw_depthwise_row_s8_mve *row __attribute__((unused)))                            \
    {                                                                                          \
        MW_NINE_ROW(sums, wide, outputs, last);                                                \
    }
#define MW_DEPTHWISE_ROWS(form, wide, outputs, last)                                           \
    static MW_ASSEMBLY void mw_depthwise_row_any_##form(                                       \
        const mw_depthwise_row_s8_mve *row __attribute__((unused)))                            \
    {                                                                                          \
        MW_ANY_ROW("", MW_GROUPS, wide, outputs);                                              \
    }                                                                                          \
    static MW_ASSEMBLY void mw_depthwise_row_pairs_##form(                                     \
        const mw_depthwise_row_s8_mve *row __attribute__((unused)))                            \
    {                                                                                          \
        MW_ANY_ROW("ldr r10, [r10, #-4]\n", MW_ROW_PAIRS, wide, outputs);                      \
    }                                                                                          \
    MW_DEPTHWISE_NINE(twos, form, wide, outputs, MW_NINE_TWOS, last)                           \
    MW_DEPTHWISE_NINE(three_twos, form, wide, outputs, MW_NINE_THREE_TWOS, last)               \
    MW_DEPTHWISE_NINE(threes, form, wide, outputs, MW_NINE_THREES, last)                       \
    MW_DEPTHWISE_NINE(nine, form, wide, outputs, MW_NINE_ALL, last)

MW_DEPTHWISE_ROWS(plain, MW_LANES_WIDE, MW_LANES_PLAIN, MW_NINE_LAST)
MW_DEPTHWISE_ROWS(relu, MW_LANES_WIDE, MW_LANES_RELU, MW_NINE_LAST)
MW_DEPTHWISE_ROWS(relu_clamped, MW_LANES_WIDE, MW_LANES_RELU_CLAMPED, MW_NINE_LAST)
MW_DEPTHWISE_ROWS(any, MW_LANES_WIDE, MW_LANES_ANY, MW_NINE_LAST)
MW_DEPTHWISE_ROWS(once, MW_LANES_WIDE_ONCE, MW_LANES_ONCE, MW_NINE_LAST_ONCE)

#define MW_DEPTHWISE_CALL(taps, form, row)                                                     \
    do {                                                                                       \
        if ((form) == MW_MVE_ONCE) {                                                           \
            mw_depthwise_row_##taps##_once(row);                                               \
        } else {                                                                               \
            MW_MVE_CALL(mw_depthwise_row_##taps, form, row);                                   \
        }                                                                                      \
    } while (0)

#else

/* The taps stored, of which `offsets` begins with the first group's. */
MW_INLINE int32_t mw_depthwise_taps_mve(const int32_t *offsets, int32_t taps)
{
    if (taps == MW_TAPS_PAIRS) {
        return 2 * offsets[-1];
    }
    if (taps != MW_TAPS_ANY) {
        return 9;
    }
    int32_t stored = 0;
    for (; *offsets > 0; offsets += 2 * *offsets + 1) {
        stored += 2 * *offsets;
    }
    return stored;
}

/* The sum of all products of channel `c` of a pixel, at `x`; its weights are at `weights`. */
MW_INLINE int32_t mw_depthwise_products_mve(const int8_t *x, const int32_t *offsets,
                                            const int8_t *weights, int32_t taps)
{
    const int32_t stored = mw_depthwise_taps_mve(offsets, taps);
    int32_t left = taps == MW_TAPS_ANY ? 2 * *offsets++ : stored;
    int32_t sum = 0;
    for (int32_t t = 0; t < stored; t++) {
        if (left == 0) {
            left = 2 * *offsets++;
        }
        sum += x[*offsets++] * weights[MW_VECTOR * t];
        left--;
    }
    return sum;
}

#endif

/* taps: how they are grouped. */
MW_INLINE void mw_depthwise_row_s8(const mw_depthwise_row_s8_mve *row, int32_t taps, int32_t form)
{
#if MW_HAS_MVE
    if (taps == MW_TAPS_NINE_TWOS) {
        MW_DEPTHWISE_CALL(twos, form, row);
    } else if (taps == MW_TAPS_NINE_THREE_TWOS) {
        MW_DEPTHWISE_CALL(three_twos, form, row);
    } else if (taps == MW_TAPS_NINE_THREES) {
        MW_DEPTHWISE_CALL(threes, form, row);
    } else if (taps == MW_TAPS_NINE_ALL) {
        MW_DEPTHWISE_CALL(nine, form, row);
    } else if (taps == MW_TAPS_PAIRS) {
        MW_DEPTHWISE_CALL(pairs, form, row);
    } else {
        MW_DEPTHWISE_CALL(any, form, row);
    }
#else
    const int32_t weight_bytes = MW_VECTOR * mw_depthwise_taps_mve(row->offsets, taps);
    const int32_t words = form == MW_MVE_ONCE ? 1 : mw_scale_words_mve(form);
    int8_t *y = row->y;
    for (int32_t p = 0; p < row->pixels; p++) {
        for (int32_t c = 0; c < row->channels; c++) {
            const int8_t *block = row->weights + (c >> 4) * (64 + weight_bytes);
            const int8_t *weights = block + (taps == MW_TAPS_ANY ? 0 : 64);
            const int8_t *biases = block + (taps == MW_TAPS_ANY ? weight_bytes : 0);
            const int32_t *scales = row->scales + (c >> 4) * 16 * words + mw_lane_mve(c);
            const int32_t bias = mw_load_i32(biases + 4 * mw_lane_mve(c));
            const int32_t sum = mw_depthwise_products_mve(row->x + p * row->step + c,
                                                          row->offsets, weights + (c & 15), taps);
            *y++ = form == MW_MVE_ONCE
                       ? mw_depthwise_once_mve(1024 * sum + bias, scales[0])
                       : mw_rescale_s8_mve(sum + bias, scales, 16, row->zero, row->low, row->high,
                                           form);
        }
    }
#endif
}

#endif
