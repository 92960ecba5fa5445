/* SPDX-License-Identifier: MIT */
/* Winograd's F(2x2, 3x3): into the transformed domain, and out of it, exactly.
 *
 * A tile is 2x2 outputs, of 4x4 inputs d. With B' = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1],
 * G' = [2 0 0; 1 1 1; 1 -1 1; 0 0 2] (twice the usual one, so that it is whole) and
 * A' = [1 1 1 0; 0 1 -1 -1], A'((G' w G)(B' d B))A = 4 * (w * d), so one division by 4 is exact.
 * |B'dB| <= 4 * 128 and |G'wG| <= 9 * 128 fit 16 bits; sums wrap modulo 2**32, and the result is
 * right because lowering/dsp/winograd.py proves 4 * (w * d) below 2**31.
 *
 * Inputs: about 50 instructions per input channel of a tile, that is 1.4 / output channels for
 * each multiplication. Outputs: about 19 per output, 2.1 / input channels. Registers: 8 of a row of
 * pairs; 4 columns of sums and 4 of the channel's. */
#ifndef MW_WINOGRAD_TILES_DSP_H
#define MW_WINOGRAD_TILES_DSP_H

#include "mw_winograd_blocks_dsp.h"

#if MW_HAS_DSP
MW_INLINE int32_t mw_sub_pairs(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("ssub16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}
#else
MW_INLINE int32_t mw_sub_pairs(int32_t a, int32_t b)
{
    return mw_pair(mw_low_half(a) - mw_low_half(b), mw_high_half(a) - mw_high_half(b));
}
#endif

/* Row `i` of B' d: rows a and b of the tile, added or subtracted, times B. Four inputs of position
 * (i, j) go to to[j * step] and, the odd ones, four words further. */
MW_INLINE void mw_winograd_line(const int8_t *a, const int8_t *b, int32_t depth, int32_t add,
                                int32_t *to, int32_t step)
{
    int32_t even[4], odd[4];
    MW_UNROLL
    for (int32_t j = 0; j < 4; j++) {
        const int32_t first = mw_load_i32(a + j * depth), second = mw_load_i32(b + j * depth);
        const int32_t even0 = mw_even_bytes(first), even1 = mw_even_bytes(second);
        const int32_t odd0 = mw_odd_bytes(first), odd1 = mw_odd_bytes(second);
        even[j] = add ? mw_add_pairs(even0, even1) : mw_sub_pairs(even0, even1);
        odd[j] = add ? mw_add_pairs(odd0, odd1) : mw_sub_pairs(odd0, odd1);
    }
    to[0] = mw_sub_pairs(even[0], even[2]);
    to[4] = mw_sub_pairs(odd[0], odd[2]);
    to += step;
    to[0] = mw_add_pairs(even[1], even[2]);
    to[4] = mw_add_pairs(odd[1], odd[2]);
    to += step;
    to[0] = mw_sub_pairs(even[2], even[1]);
    to[4] = mw_sub_pairs(odd[2], odd[1]);
    to += step;
    to[0] = mw_sub_pairs(even[1], even[3]);
    to[4] = mw_sub_pairs(odd[1], odd[3]);
}

/* One tile. Each row of B' d by itself, so that no register is spilled. */
static MW_NOINLINE __attribute__((unused)) void mw_winograd_input_2x2(const int8_t *x,
                                                                      int32_t row_bytes,
                                                                      int32_t depth, int32_t *to)
{
    MW_BARRIER();
    const int32_t step = 2 * depth;
    const int8_t *const second = x + row_bytes, *const third = second + row_bytes;
    for (int32_t c = 0; c < depth; c += 4) {
        mw_winograd_line(x + c, third + c, depth, 0, to, step);
        mw_winograd_line(second + c, third + c, depth, 1, to + 4 * step, step);
        mw_winograd_line(third + c, second + c, depth, 0, to + 8 * step, step);
        mw_winograd_line(second + c, third + row_bytes + c, depth, 0, to + 12 * step, step);
        to += 8;
    }
}

/* A channel's constants: twice the bias, multiplier, divisor. */
#define MW_WINO_2X2_WORDS 3

#if MW_HAS_DSP

/* Column `j`: row 0 of A' times it in `top`, row 1 in `bottom`. */
#define MW_WINO_COLUMN(offset0, offset1, offset2, offset3, top, bottom)                        \
    "ldr " top ",[r0,#" offset0 "]\n"                                                          \
    "ldr r2,[r0,#" offset1 "]\n"                                                               \
    "ldr r3,[r0,#" offset2 "]\n"                                                               \
    "ldr lr,[r0,#" offset3 "]\n"                                                               \
    "add " top "," top ",r2\n"                                                                 \
    "sub " bottom ",r2,r3\n"                                                                   \
    "add " top "," top ",r3\n"                                                                 \
    "sub " bottom "," bottom ",lr\n"

#define MW_WINO_ROW(first, second, third, fourth)                                              \
    "add " first "," first "," second "\n"                                                     \
    "sub " second "," second "," third "\n"                                                    \
    "add " first "," first "," third "\n"                                                      \
    "sub " second "," second "," fourth "\n"

/* int8 output from 4 times a sum: twice the bias in r2, multiplier in r3, divisor in lr, zero point
 * in r7. */
#define MW_WINO_FINISH(sum)                                                                    \
    "add " sum ",r2," sum ",asr #1\n"                                                          \
    "smmulr " sum "," sum ",r3\n"                                                              \
    "add " sum "," sum "," sum ",asr #31\n"                                                    \
    "smmlsr " sum "," sum ",lr,r7\n"                                                           \
    "ssat " sum ",#8," sum "\n"

/* Four tiles of one channel. The stack holds: end of the sums' tiles, constants, places, channel, 8
 * saved registers, lr. Registers: 8 sums of columns in r4-r11, 4 of the column's, first outputs in
 * r12. */
MW_ASSEMBLY static void mw_winograd_output_2x2(int32_t *sums __attribute__((unused)),
                                               const int32_t *channel __attribute__((unused)),
                                               const mw_winograd_places *places
                                               __attribute__((unused)),
                                               int32_t at __attribute__((unused)))
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r0-r11, lr}\n"
        "add r12, r2, #12\n"
        "add r1, r0, #16\n"
        "str r1, [sp]\n"
        "1:\n"
        MW_WINO_COLUMN("0", "128", "256", "384", "r4", "r8")
        MW_WINO_COLUMN("32", "160", "288", "416", "r5", "r9")
        MW_WINO_COLUMN("64", "192", "320", "448", "r6", "r10")
        MW_WINO_COLUMN("96", "224", "352", "480", "r7", "r11")
        MW_WINO_ROW("r4", "r5", "r6", "r7")
        MW_WINO_ROW("r8", "r9", "r10", "r11")
        "ldrd r1, r10, [sp, #4]\n"
        "ldm r1, {r2, r3, lr}\n"
        "ldm r10, {r6, r7, r10}\n"
        MW_WINO_FINISH("r4") MW_WINO_FINISH("r5") MW_WINO_FINISH("r8") MW_WINO_FINISH("r9")
        "ldr r1, [r12], #4\n"
        "ldr r2, [sp, #12]\n"
        "add r1, r1, r2\n"
        "strb r4, [r1]\n"
        "strb r5, [r1, r6]\n"
        "add r1, r1, r10\n"
        "strb r8, [r1]\n"
        "strb r9, [r1, r6]\n"
        "ldr r1, [sp]\n"
        "add r0, r0, #4\n"
        "cmp r0, r1\n"
        "bne.w 1b\n"
        "add sp, sp, #16\n"
        "pop {r4-r11, pc}\n");
}

#undef MW_WINO_COLUMN
#undef MW_WINO_ROW
#undef MW_WINO_FINISH

#else

/* Row 0, or 1, of A' times four numbers, modulo 2**32. */
MW_INLINE uint32_t mw_winograd_sum(const uint32_t *m) { return m[0] + m[1] + m[2]; }

MW_INLINE uint32_t mw_winograd_difference(const uint32_t *m) { return m[1] - m[2] - m[3]; }

/* int8 of 4 times a sum of products. */
MW_INLINE int8_t mw_winograd_finish(uint32_t four_times, const int32_t *channel, int32_t zero)
{
    const int32_t doubled = ((int32_t)four_times >> 1) + channel[0];
    return (int8_t)mw_requantize_s8_dsp(doubled, channel[1], channel[2], zero);
}

static MW_NOINLINE __attribute__((unused)) void mw_winograd_output_2x2(
    int32_t *sums, const int32_t *channel, const mw_winograd_places *places, int32_t at)
{
    MW_BARRIER();
    for (int32_t t = 0; t < 4; t++) {
        int8_t *const y = places->first[t] + at;
        uint32_t top[4], bottom[4];
        for (int32_t j = 0; j < 4; j++) {
            const int32_t *const m = sums + t + 8 * j;
            const uint32_t column[4] = {(uint32_t)m[0], (uint32_t)m[32], (uint32_t)m[64],
                                        (uint32_t)m[96]};
            top[j] = mw_winograd_sum(column);
            bottom[j] = mw_winograd_difference(column);
        }
        const int32_t zero = places->zero;
        y[0] = mw_winograd_finish(mw_winograd_sum(top), channel, zero);
        y[places->right] = mw_winograd_finish(mw_winograd_difference(top), channel, zero);
        y[places->below] = mw_winograd_finish(mw_winograd_sum(bottom), channel, zero);
        y[places->below + places->right] =
            mw_winograd_finish(mw_winograd_difference(bottom), channel, zero);
    }
}

#endif

#endif
