/* SPDX-License-Identifier: MIT */
/* Winograd's F(4x4, 3x3): into the transformed domain, and out of it, exactly.
 *
 * A tile is 4x4 outputs, of 6x6 inputs d. The usual matrices have quarters, sixths and
 * twenty-fourths; scaling their rows leaves whole ones. With
 *   B' = [4 0 -5 0 1 0; 0 -4 -4 1 1 0; 0 4 -4 -1 1 0; 0 -2 -1 2 1 0; 0 2 -1 -2 1 0; 0 4 0 -5 0 1],
 *   G' = [6 0 0; -1 -1 -1; -1 1 -1; 1 2 4; 1 -2 4; 0 0 6],
 *   A' = [1 4 4 1 1 0; 0 2 -2 1 -1 0; 0 1 1 1 1 0; 0 1 -1 2 -2 1] and f = (1, 2, 4, 4),
 * output (i, j) of A'((G' w G)(B' d B))A is 576 / (f_i f_j) times that of w * d.
 *
 * |G'wG| <= 49 * 128 fits 16 bits. A pair of inputs is added, subtracted and shifted as the one
 * number low + 2**16 * high, whose halves are right where low >= 0. So 128 is added to the low half
 * of every input, which B' and B make 36 * 128 at position (1, 1) and 0 elsewhere; and 100 * 128,
 * which |B'dB| never exceeds, to inputs (4..5, 4..5), of which they make 100 * 128 at every
 * position. Then 0 <= low <= 236 * 128 fits 16 bits as well. It is as if inputs were larger by so
 * much; the biases say so: one for all outputs but those four that read inputs (4..5, 4..5).
 *
 * Sums wrap modulo 2**32. There 9 has an inverse: what is left is 64 / (f_i f_j) times the sum of
 * products, right because lowering/dsp/winograd.py proves that below 2**31, and a shift divides it.
 *
 * Inputs: about 170 instructions per input channel of a tile, that is 1.2 / output channels for
 * each multiplication. Outputs: about 21 per output, 2.3 / input channels. Registers: 6 words of
 * inputs, 6 numbers made of them and one more, a pointer; 6 sums, 7 constants. */
#ifndef MW_WINOGRAD_TILES_4X4_DSP_H
#define MW_WINOGRAD_TILES_4X4_DSP_H

#include "mw_winograd_blocks_dsp.h"

/* A channel's constants: twice the bias, multiplier, divisor, then twice the biases of outputs
 * (2, 2), (2, 3), (3, 2) and (3, 3). */
#define MW_WINO_4X4_WORDS 7

#if MW_HAS_DSP

/* B' times the numbers d0-d5, in place: rows 0 to 5 are then in d0, d1, d4, d3, more, d5. */
#define MW_WINO_INTO(d0, d1, d2, d3, d4, d5, more)                                             \
    "sub " more "," d4 "," d2 "\n"                                                             \
    "sub " d0 "," d0 "," d2 "\n"                                                               \
    "sub " d4 "," d4 "," d2 ",lsl #2\n"                                                        \
    "sub " d5 "," d5 "," d3 "\n"                                                               \
    "sub " d2 "," d3 "," d1 "\n"                                                               \
    "sub " d3 "," d3 "," d1 ",lsl #2\n"                                                        \
    "add " d0 "," more "," d0 ",lsl #2\n"                                                      \
    "sub " d5 "," d5 "," d2 ",lsl #2\n"                                                        \
    "add " d1 "," d4 "," d3 "\n"                                                               \
    "sub " d4 "," d4 "," d3 "\n"                                                               \
    "add " d3 "," more "," d2 ",lsl #1\n"                                                      \
    "sub " more "," more "," d2 ",lsl #1\n"

/* Bytes 0 and 2, or 1 and 3, of r1-r6 as pairs, lifted, and B' times them. */
#define MW_WINO_HALF(bytes, lift, d0, d1, d2, d3, d4, d5, more)                                \
    "mov " lift ",#128\n"                                                                      \
    "sxtab16 " d0 "," lift ",r1" bytes "\n"                                                    \
    "sxtab16 " d1 "," lift ",r2" bytes "\n"                                                    \
    "sxtab16 " d2 "," lift ",r3" bytes "\n"                                                    \
    "sxtab16 " d3 "," lift ",r4" bytes "\n"                                                    \
    "ldr " lift ",[sp,#288]\n"                                                                 \
    "sxtab16 " d4 "," lift ",r5" bytes "\n"                                                    \
    "sxtab16 " d5 "," lift ",r6" bytes "\n"                                                    \
    MW_WINO_INTO(d0, d1, d2, d3, d4, d5, more)

/* Numbers 48 bytes apart, and B' times them 8 * depth apart: r0 is where they are, r1-r3 are 1, 3
 * and 5 times 8 * depth. */
#define MW_WINO_INPUT_ROW(at0, at1, at2, at3, at4, at5, to)                                    \
    "ldr r4,[r0,#" at0 "]\n"                                                                   \
    "ldr r5,[r0,#" at1 "]\n"                                                                   \
    "ldr r6,[r0,#" at2 "]\n"                                                                   \
    "ldr r7,[r0,#" at3 "]\n"                                                                   \
    "ldr r8,[r0,#" at4 "]\n"                                                                   \
    "ldr r9,[r0,#" at5 "]\n"                                                                   \
    MW_WINO_INTO("r4", "r5", "r6", "r7", "r8", "r9", "r10")                                    \
    "str r4,[" to "]\n"                                                                        \
    "str r5,[" to ",r1]\n"                                                                     \
    "str r8,[" to ",r1,lsl #1]\n"                                                              \
    "str r7,[" to ",r2]\n"                                                                     \
    "str r10,[" to ",r1,lsl #2]\n"                                                             \
    "str r9,[" to ",r3]\n"                                                                     \
    "add " to "," to ",r2,lsl #1\n"

/* The stack holds 6 columns of 6 numbers of even bytes and 6 of odd ones; then, from 288: what
 * lifts inputs 4 and 5, end of the columns lifted so; 1, 3 and 5 times `row_bytes`, depth; end of
 * the first pixel's channels, the tile's address; that of the output, the column's; padding, 8
 * saved registers, lr. Loops, not copies: the code then stays in a cache of 1 KB. */
MW_ASSEMBLY static void mw_winograd_input_4x4(const int8_t *x __attribute__((unused)),
                                              int32_t row_bytes __attribute__((unused)),
                                              int32_t depth __attribute__((unused)),
                                              int32_t *to __attribute__((unused)))
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r11, lr}\n"
        "sub sp, sp, #332\n"
        "add r4, r1, r1, lsl #1\n"
        "add r5, r1, r1, lsl #2\n"
        "strd r1, r4, [sp, #296]\n"
        "strd r5, r2, [sp, #304]\n"
        "add r2, r2, r0\n"
        "strd r2, r0, [sp, #312]\n"
        "strd r3, r0, [sp, #320]\n"
        "1:\n"
        "mov r0, sp\n"
        "mov r1, #128\n"
        "add r2, sp, #192\n"
        "2:\n"
        "strd r1, r2, [sp, #288]\n"
        "3:\n"
        "ldrd r7, r8, [sp, #296]\n"
        "ldrd r9, r10, [sp, #304]\n"
        "ldr r12, [sp, #324]\n"
        "ldr r1, [r12]\n"
        "ldr r2, [r12, r7]\n"
        "ldr r3, [r12, r7, lsl #1]\n"
        "ldr r4, [r12, r8]\n"
        "ldr r5, [r12, r7, lsl #2]\n"
        "ldr r6, [r12, r9]\n"
        "add r12, r12, r10\n"
        "str r12, [sp, #324]\n"
        MW_WINO_HALF("", "r11", "r7", "r8", "lr", "r10", "r9", "r12", "r11")
        "stmia r0!, {r7-r12}\n"
        MW_WINO_HALF(",ror #8", "r8", "r1", "r2", "r7", "r4", "r3", "r6", "r5")
        "stmia r0!, {r1-r6}\n"
        "ldr r2, [sp, #292]\n"
        "cmp r0, r2\n"
        "bne.w 3b\n"
        "add r2, sp, #288\n"
        "movw r1, #12928\n"
        "cmp r0, r2\n"
        "bne.w 2b\n"
        "mov r0, sp\n"
        "ldr r1, [sp, #308]\n"
        "ldr r11, [sp, #320]\n"
        "lsl r1, r1, #3\n"
        "add r2, r1, r1, lsl #1\n"
        "add r3, r1, r1, lsl #2\n"
        "add r12, r11, #16\n"
        "add lr, sp, #24\n"
        "4:\n"
        MW_WINO_INPUT_ROW("0", "48", "96", "144", "192", "240", "r11")
        MW_WINO_INPUT_ROW("24", "72", "120", "168", "216", "264", "r12")
        "add r0, r0, #4\n"
        "cmp r0, lr\n"
        "bne.w 4b\n"
        "ldrd r2, r0, [sp, #312]\n"
        "ldr r3, [sp, #320]\n"
        "add r0, r0, #4\n"
        "add r3, r3, #32\n"
        "str r0, [sp, #316]\n"
        "strd r3, r0, [sp, #320]\n"
        "cmp r0, r2\n"
        "bne.w 1b\n"
        "add sp, sp, #332\n"
        "pop {r4-r11, pc}\n");
}

/* A' times the numbers r4-r9, in place: rows 0 to 3 are in r4, r8, r5, r9. */
#define MW_WINO_OUT                                                                            \
    "add r5,r5,r6\n"                                                                           \
    "sub r6,r5,r6,lsl #1\n"                                                                    \
    "add r7,r7,r8\n"                                                                           \
    "sub r8,r7,r8,lsl #1\n"                                                                    \
    "add r4,r4,r7\n"                                                                           \
    "add r9,r9,r6\n"                                                                           \
    "add r4,r4,r5,lsl #2\n"                                                                    \
    "add r9,r9,r8,lsl #1\n"                                                                    \
    "add r5,r5,r7\n"                                                                           \
    "add r8,r8,r6,lsl #1\n"

#define MW_WINO_SIX(at0, at1, at2, at3, at4, at5)                                              \
    "ldr r4,[r0,#" at0 "]\n"                                                                   \
    "ldr r5,[r0,#" at1 "]\n"                                                                   \
    "ldr r6,[r0,#" at2 "]\n"                                                                   \
    "ldr r7,[r0,#" at3 "]\n"                                                                   \
    "ldr r8,[r0,#" at4 "]\n"                                                                   \
    "ldr r9,[r0,#" at5 "]\n"                                                                   \
    MW_WINO_OUT

#define MW_WINO_OUTPUT_COLUMN(at0, at1, at2, at3, at4, at5)                                    \
    MW_WINO_SIX(at0, at1, at2, at3, at4, at5)                                                  \
    "str r4,[r0,#" at0 "]\n"                                                                   \
    "str r8,[r0,#" at1 "]\n"                                                                   \
    "str r5,[r0,#" at2 "]\n"                                                                   \
    "str r9,[r0,#" at3 "]\n"

/* int8 output: the inverse of 9 in r10, multiplier in r3, divisor in r12, zero point in lr. */
#define MW_WINO_FINISH(sum, bias, shift)                                                       \
    "mul " sum "," sum ",r10\n"                                                                \
    "add " sum "," bias "," sum ",asr #" shift "\n"                                            \
    "smmulr " sum "," sum ",r3\n"                                                              \
    "add " sum "," sum "," sum ",asr #31\n"                                                    \
    "smmlsr " sum "," sum ",r12,lr\n"                                                          \
    "ssat " sum ",#8," sum "\n"

/* A row of outputs at r1, `right` in r11, by the shifts of its columns; the biases of the last two
 * in r6 and r7 or r2. */
#define MW_WINO_OUTPUT_ROW(shift0, shift1, shift2, bias2, bias3)                               \
    MW_WINO_FINISH("r4", "r2", shift0) MW_WINO_FINISH("r8", "r2", shift1)                      \
    MW_WINO_FINISH("r5", bias2, shift2) MW_WINO_FINISH("r9", bias3, shift2)                    \
    "strb r4,[r1]\n"                                                                           \
    "strb r8,[r1,r11]\n"                                                                       \
    "add r6,r1,r11\n"                                                                          \
    "strb r5,[r1,r11,lsl #1]\n"                                                                \
    "strb r9,[r6,r11,lsl #1]\n"

/* The next row, `below` further. */
#define MW_WINO_BELOW "ldr r7,[sp,#4]\nadd r1,r1,r7\n"

/* Four tiles of one channel. The stack holds: first outputs, bytes to the row below, channel,
 * constants, end of the sums' tiles, 8 saved registers, lr. */
MW_ASSEMBLY static void mw_winograd_output_4x4(int32_t *sums __attribute__((unused)),
                                               const int32_t *channel __attribute__((unused)),
                                               const mw_winograd_places *places
                                               __attribute__((unused)),
                                               int32_t at __attribute__((unused)))
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r11, lr}\n"
        "sub sp, sp, #20\n"
        "ldm r2, {r11, lr}\n"
        "ldr r4, [r2, #8]\n"
        "add r2, r2, #12\n"
        "strd r2, r4, [sp]\n"
        "strd r3, r1, [sp, #8]\n"
        "add r4, r0, #16\n"
        "str r4, [sp, #16]\n"
        "ldm r1, {r2, r3, r12}\n"
        "movw r10, #0x8e39\n"
        "movt r10, #0x38e3\n"
        "1:\n"
        "add r1, r0, #192\n"
        "2:\n"
        MW_WINO_OUTPUT_COLUMN("0", "192", "384", "576", "768", "960")
        MW_WINO_OUTPUT_COLUMN("32", "224", "416", "608", "800", "992")
        "add r0, r0, #64\n"
        "cmp r0, r1\n"
        "bne.w 2b\n");
    /* In two statements: C99 has compilers take strings of 4095 characters. */
    __asm__ volatile(
        "sub r0, r0, #192\n"
        "ldr r4, [sp]\n"
        "ldr r5, [sp, #8]\n"
        "ldr r1, [r4], #4\n"
        "str r4, [sp]\n"
        "add r1, r1, r5\n"
        MW_WINO_SIX("0", "32", "64", "96", "128", "160")
        MW_WINO_OUTPUT_ROW("5", "4", "3", "r2", "r2")
        MW_WINO_BELOW
        MW_WINO_SIX("192", "224", "256", "288", "320", "352")
        MW_WINO_OUTPUT_ROW("4", "3", "2", "r2", "r2")
        MW_WINO_BELOW
        MW_WINO_SIX("384", "416", "448", "480", "512", "544")
        "ldr r6, [sp, #12]\n"
        "ldrd r6, r7, [r6, #12]\n"
        MW_WINO_OUTPUT_ROW("3", "2", "1", "r6", "r7")
        MW_WINO_BELOW
        MW_WINO_SIX("576", "608", "640", "672", "704", "736")
        "ldr r6, [sp, #12]\n"
        "ldrd r6, r7, [r6, #20]\n"
        MW_WINO_OUTPUT_ROW("3", "2", "1", "r6", "r7")
        "ldr r4, [sp, #16]\n"
        "add r0, r0, #4\n"
        "cmp r0, r4\n"
        "bne.w 1b\n"
        "add sp, sp, #20\n"
        "pop {r4-r11, pc}\n");
}

#undef MW_WINO_INTO
#undef MW_WINO_HALF
#undef MW_WINO_INPUT_ROW
#undef MW_WINO_OUT
#undef MW_WINO_SIX
#undef MW_WINO_OUTPUT_COLUMN
#undef MW_WINO_FINISH
#undef MW_WINO_OUTPUT_ROW
#undef MW_WINO_BELOW

#else

/* B' times six numbers `step` apart, in place. */
MW_INLINE void mw_winograd_into_4x4(int32_t *d, int32_t step)
{
    const int32_t d0 = d[0], d1 = d[step], d2 = d[2 * step];
    const int32_t d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    d[0] = 4 * d0 - 5 * d2 + d4;
    d[step] = d3 + d4 - 4 * (d1 + d2);
    d[2 * step] = 4 * (d1 - d2) - d3 + d4;
    d[3 * step] = 2 * (d3 - d1) + d4 - d2;
    d[4 * step] = 2 * (d1 - d3) + d4 - d2;
    d[5 * step] = 4 * d1 - 5 * d3 + d5;
}

static MW_NOINLINE __attribute__((unused)) void mw_winograd_input_4x4(const int8_t *x,
                                                                      int32_t row_bytes,
                                                                      int32_t depth, int32_t *to)
{
    MW_BARRIER();
    for (int32_t c = 0; c < depth; c++) {
        int32_t d[36];
        for (int32_t p = 0; p < 36; p++) {
            const int32_t lift = (c & 2) != 0 ? 0 : 128 + (p >= 24 && p % 6 >= 4 ? 12800 : 0);
            d[p] = x[p / 6 * row_bytes + p % 6 * depth + c] + lift;
        }
        for (int32_t i = 0; i < 6; i++) {
            mw_winograd_into_4x4(d + i, 6);
        }
        for (int32_t i = 0; i < 6; i++) {
            mw_winograd_into_4x4(d + 6 * i, 1);
        }
        for (int32_t p = 0; p < 36; p++) {
            int32_t *const pair = to + (p * (depth >> 1) + (c >> 2) * 2 + (c & 1)) * 4;
            *pair = (c & 2) != 0 ? mw_pair(*pair, d[p]) : mw_pair(d[p], 0);
        }
    }
}

/* A' times six numbers `step` apart, modulo 2**32, in place. */
MW_INLINE void mw_winograd_out_4x4(uint32_t *m, int32_t step)
{
    const uint32_t a = m[step] + m[2 * step], b = m[step] - m[2 * step];
    const uint32_t c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
    m[0] = m[0] + 4 * a + c;
    m[step] = 2 * b + d;
    m[2 * step] = a + c;
    m[3 * step] = b + 2 * d + m[5 * step];
}

static MW_NOINLINE __attribute__((unused)) void mw_winograd_output_4x4(
    int32_t *sums, const int32_t *channel, const mw_winograd_places *places, int32_t at)
{
    MW_BARRIER();
    static const int32_t factor_bits[4] = {0, 1, 2, 2};
    for (int32_t t = 0; t < 4; t++) {
        uint32_t m[36];
        for (int32_t p = 0; p < 36; p++) {
            m[p] = (uint32_t)sums[8 * p + t];
        }
        for (int32_t i = 0; i < 6; i++) {
            mw_winograd_out_4x4(m + i, 6);
        }
        for (int32_t i = 0; i < 4; i++) {
            mw_winograd_out_4x4(m + 6 * i, 1);
            for (int32_t j = 0; j < 4; j++) {
                const int32_t shift = 5 - factor_bits[i] - factor_bits[j];
                const int32_t bias = channel[i < 2 || j < 2 ? 0 : 2 * i + j - 3];
                const int32_t twice = (int32_t)(m[6 * i + j] * 0x38E38E39u) >> shift;
                places->first[t][at + i * places->below + j * places->right] =
                    (int8_t)mw_requantize_s8_dsp(mw_wrapping_add(twice, bias), channel[1],
                                                 channel[2], places->zero);
            }
        }
    }
}

#endif

#endif
