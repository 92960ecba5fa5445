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
 * of every input, which B' and B make 36 * 128 at position (1, 1) and 0 elsewhere; and L = 100 * 128,
 * which |B'dB| never exceeds, to inputs (4..5, 4..5), of which they make L at every position. Then
 * 0 <= low <= 2 * L + 36 * 128 fits 16 bits as well. It is as if inputs were larger by so much; the
 * biases say so: one for all outputs but those four that read inputs (4..5, 4..5).
 *
 * Sums wrap modulo 2**32. There 9 has an inverse: what is left is 64 / (f_i f_j) times the sum of
 * products, right because lowering/winograd.py proves that below 2**31, and a shift divides it.
 *
 * Inputs: about 160 instructions per input channel of a tile, that is 1.1 / output channels for each
 * multiplication. Outputs: about 20 per output, 2.2 / input channels. Registers: 6 words of inputs,
 * 6 numbers made of them and one more, a pointer; 6 sums, 7 constants. */
#ifndef MW_WINOGRAD_TILES_4X4_DSP_H
#define MW_WINOGRAD_TILES_4X4_DSP_H

#include "mw_winograd_blocks_dsp.h"

/* A channel's constants: twice the bias, multiplier, divisor, then twice the biases of outputs (2, 2),
 * (2, 3), (3, 2) and (3, 3). */
#define MW_WINO_4X4_WORDS 7

#if MW_HAS_DSP

/* B' times the numbers d0-d5, in place, but for row 4, which comes in `more`. */
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
/* Then rows 0 to 5 are in d0, d1, d4, d3, more, d5. */

/* The sum of lr and two bytes as a pair. */
#define MW_WINO_EXTEND(to, from, bytes) "sxtab16 " to ",lr," from bytes "\n"

/* Half a column's numbers, of even or odd bytes of r1-r6, into words `at` of the stack. */
#define MW_WINO_HALF(bytes, low, at0, at1, at2, at3, at4, at5)                                 \
    "mov lr,#128\n"                                                                            \
    MW_WINO_EXTEND("r7", "r1", bytes) MW_WINO_EXTEND("r8", "r2", bytes)                        \
    MW_WINO_EXTEND("r9", "r3", bytes) MW_WINO_EXTEND("r10", "r4", bytes)                       \
    low                                                                                        \
    MW_WINO_EXTEND("r11", "r5", bytes) MW_WINO_EXTEND("r12", "r6", bytes)                      \
    MW_WINO_INTO("r7", "r8", "r9", "r10", "r11", "r12", "lr")                                  \
    "str r7,[sp,#" at0 "]\n"                                                                   \
    "str r8,[sp,#" at1 "]\n"                                                                   \
    "str r11,[sp,#" at2 "]\n"                                                                  \
    "str r10,[sp,#" at3 "]\n"                                                                  \
    "str lr,[sp,#" at4 "]\n"                                                                   \
    "str r12,[sp,#" at5 "]\n"

/* A column of six words at r0, which moves on to the next. */
#define MW_WINO_LOAD                                                                           \
    "ldrd r7,r8,[sp,#288]\n"                                                                   \
    "ldrd r9,r10,[sp,#296]\n"                                                                  \
    "ldr r1,[r0]\n"                                                                            \
    "ldr r2,[r0,r7]\n"                                                                         \
    "ldr r3,[r0,r7,lsl #1]\n"                                                                  \
    "ldr r4,[r0,r8]\n"                                                                         \
    "ldr r5,[r0,r7,lsl #2]\n"                                                                  \
    "ldr r6,[r0,r9]\n"                                                                         \
    "add r0,r0,r10\n"

#define MW_WINO_LOW "movw lr,#12928\n"

#define MW_WINO_INPUT_COLUMN(low, e0, e1, e2, e3, e4, e5, o0, o1, o2, o3, o4, o5)              \
    MW_WINO_LOAD                                                                               \
    MW_WINO_HALF("", low, e0, e1, e2, e3, e4, e5)                                              \
    MW_WINO_HALF(",ror #8", low, o0, o1, o2, o3, o4, o5)

/* A row of the stack's words into the transformed domain, at r0, which moves on. */
#define MW_WINO_INPUT_ROW(at0, at2, at4)                                                       \
    "ldrd r4,r5,[sp,#" at0 "]\n"                                                               \
    "ldrd r6,r7,[sp,#" at2 "]\n"                                                               \
    "ldrd r8,r9,[sp,#" at4 "]\n"                                                               \
    MW_WINO_INTO("r4", "r5", "r6", "r7", "r8", "r9", "r10")                                    \
    "str r4,[r0]\n"                                                                            \
    "str r5,[r0,r1]\n"                                                                         \
    "str r8,[r0,r1,lsl #1]\n"                                                                  \
    "str r7,[r0,r2]\n"                                                                         \
    "str r10,[r0,r1,lsl #2]\n"                                                                 \
    "str r9,[r0,r3]\n"                                                                         \
    "add r0,r0,r2,lsl #1\n"

/* The stack holds: 6 rows of 6 words of even bytes, then of odd bytes; 1, 3 and 5 times
 * `row_bytes`, depth (at 288); end of the first pixel's channels, the tile's address, that of the
 * output (at 304), padding, 8 saved registers, lr. */
MW_ASSEMBLY static void mw_winograd_input_4x4(const int8_t *x __attribute__((unused)),
                                              int32_t row_bytes __attribute__((unused)),
                                              int32_t depth __attribute__((unused)),
                                              int32_t *to __attribute__((unused)))
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r11, lr}\n"
        "sub sp, sp, #316\n"
        "add r4, r1, r1, lsl #1\n"
        "add r5, r1, r1, lsl #2\n"
        "strd r1, r4, [sp, #288]\n"
        "strd r5, r2, [sp, #296]\n"
        "add r2, r2, r0\n"
        "strd r2, r0, [sp, #304]\n"
        "str r3, [sp, #312]\n"
        "1:\n"
        MW_WINO_INPUT_COLUMN("", "0", "24", "48", "72", "96", "120",
                             "144", "168", "192", "216", "240", "264")
        MW_WINO_INPUT_COLUMN("", "4", "28", "52", "76", "100", "124",
                             "148", "172", "196", "220", "244", "268")
        MW_WINO_INPUT_COLUMN("", "8", "32", "56", "80", "104", "128",
                             "152", "176", "200", "224", "248", "272")
        MW_WINO_INPUT_COLUMN("", "12", "36", "60", "84", "108", "132",
                             "156", "180", "204", "228", "252", "276")
        MW_WINO_INPUT_COLUMN(MW_WINO_LOW, "16", "40", "64", "88", "112", "136",
                             "160", "184", "208", "232", "256", "280")
        MW_WINO_INPUT_COLUMN(MW_WINO_LOW, "20", "44", "68", "92", "116", "140",
                             "164", "188", "212", "236", "260", "284")
        "ldr r0, [sp, #312]\n"
        "ldr r1, [sp, #300]\n"
        "lsl r1, r1, #3\n"
        "add r2, r1, r1, lsl #1\n"
        "add r3, r1, r1, lsl #2\n"
        MW_WINO_INPUT_ROW("0", "8", "16") MW_WINO_INPUT_ROW("24", "32", "40")
        MW_WINO_INPUT_ROW("48", "56", "64") MW_WINO_INPUT_ROW("72", "80", "88")
        MW_WINO_INPUT_ROW("96", "104", "112") MW_WINO_INPUT_ROW("120", "128", "136")
        "ldr r0, [sp, #312]\n"
        "add r0, r0, #16\n"
        MW_WINO_INPUT_ROW("144", "152", "160") MW_WINO_INPUT_ROW("168", "176", "184")
        MW_WINO_INPUT_ROW("192", "200", "208") MW_WINO_INPUT_ROW("216", "224", "232")
        MW_WINO_INPUT_ROW("240", "248", "256") MW_WINO_INPUT_ROW("264", "272", "280")
        "ldr r3, [sp, #312]\n"
        "add r3, r3, #32\n"
        "str r3, [sp, #312]\n"
        "ldrd r2, r0, [sp, #304]\n"
        "add r0, r0, #4\n"
        "str r0, [sp, #308]\n"
        "cmp r0, r2\n"
        "bne.w 1b\n"
        "add sp, sp, #316\n"
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
        MW_WINO_OUTPUT_COLUMN("0", "192", "384", "576", "768", "960")
        MW_WINO_OUTPUT_COLUMN("32", "224", "416", "608", "800", "992")
        MW_WINO_OUTPUT_COLUMN("64", "256", "448", "640", "832", "1024")
        MW_WINO_OUTPUT_COLUMN("96", "288", "480", "672", "864", "1056")
        MW_WINO_OUTPUT_COLUMN("128", "320", "512", "704", "896", "1088")
        MW_WINO_OUTPUT_COLUMN("160", "352", "544", "736", "928", "1120")
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
#undef MW_WINO_EXTEND
#undef MW_WINO_HALF
#undef MW_WINO_LOAD
#undef MW_WINO_LOW
#undef MW_WINO_INPUT_COLUMN
#undef MW_WINO_INPUT_ROW
#undef MW_WINO_OUT
#undef MW_WINO_SIX
#undef MW_WINO_OUTPUT_COLUMN
#undef MW_WINO_FINISH
#undef MW_WINO_OUTPUT_ROW
#undef MW_WINO_BELOW

#else

/* B' times six numbers `step` apart, in place. */
static void mw_winograd_into_4x4(int32_t *d, int32_t step)
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

static void mw_winograd_input_4x4(const int8_t *x, int32_t row_bytes, int32_t depth, int32_t *to)
{
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
static void mw_winograd_out_4x4(uint32_t *m, int32_t step)
{
    const uint32_t a = m[step] + m[2 * step], b = m[step] - m[2 * step];
    const uint32_t c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
    m[0] = m[0] + 4 * a + c;
    m[step] = 2 * b + d;
    m[2 * step] = a + c;
    m[3 * step] = b + 2 * d + m[5 * step];
}

static void mw_winograd_output_4x4(int32_t *sums, const int32_t *channel,
                                   const mw_winograd_places *places, int32_t at)
{
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
