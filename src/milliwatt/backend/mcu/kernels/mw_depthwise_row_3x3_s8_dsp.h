/* SPDX-License-Identifier: MIT */
/* One row of a depthwise convolution, filter 3x3, stride 1 or 2 along it: what a stream calls row
 * by row, with as little done as possible besides the row itself.
 *
 * Of two channels at a time the rows under the filter are gathered into padded lines of int16, from
 * which mw_depthwise_line_3x3_dsp.h makes the outputs. Where memory is scarce lines hold a part of
 * the row only, and parts follow each other from left to right: what two of them share is a word at
 * the end of the one and at the start of the other. So each element is gathered once, and before an
 * output of its channel is written over it. The filters' pairs are in the tables.
 *
 * Gathering: 4 registers of data; step and its triple, 3 pointers, 5 for the loops and the part:
 * all 14. 15 instructions for four elements of two channels; compilers at hand need 19. Beside
 * 16 instructions an output that is 1.9 for each element gathered, 15 to 40 a channel and part. */
#ifndef MW_DEPTHWISE_ROW_3X3_S8_DSP_H
#define MW_DEPTHWISE_ROW_3X3_S8_DSP_H

#include "mw_depthwise_line_3x3_dsp.h"
#include "mw_depthwise_lines_s8_dsp.h"

/* A part of a row, in the order in which the assembly reads it: what each line begins with, what is
 * gathered, what it ends with. */
typedef struct {
    int32_t plane;     /* bytes between two channels' lines */
    int32_t start;     /* byte from which the first word comes; -1: half of it is padding; or 0 */
    int32_t count;     /* elements gathered besides that half word's */
    int32_t rows;      /* rows of the image */
    int32_t step;      /* bytes between elements */
    int32_t x_skip;    /* bytes from where a row's elements end to the next row */
    int32_t line_skip; /* bytes from where a line's words end to the next line */
    int32_t right;     /* words of padding at the end */
    int32_t fill;      /* a pair of padding */
    int32_t bytes;     /* from the part's first element to the next part's */
} mw_part_3x3;

static MW_NOINLINE __attribute__((unused)) void mw_gather_part_3x3(const int8_t *x, mw_word *line,
                                                                   const mw_part_3x3 *part)
{
    MW_BARRIER();
    const int32_t step = part->step;
    for (int32_t rows = part->rows; rows > 0; rows--) {
        int32_t count = part->count;
        if (part->start > 0) {
            *line = line[part->start >> 2];
            line++;
        } else if (part->start < 0) {
            *line++ = mw_pair(part->fill, *x);
            x += step;
        }
        for (; count >= 2; count -= 2) {
            *line++ = mw_pair(x[0], x[step]);
            x += 2 * step;
        }
        if (part->count & 1) {
            *line++ = mw_pair(*x, part->fill);
            x += step;
        }
        mw_fill_pairs(line, part->right, part->fill);
        x += part->x_skip;
        line += part->right + (part->line_skip >> 2);
    }
}

#if MW_HAS_DSP

/* The same for two channels. */
MW_ASSEMBLY static void mw_gather_part_3x3_of_2(const int8_t *x __attribute__((unused)),
                                                mw_word *line __attribute__((unused)),
                                                const mw_part_3x3 *part __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n"
                     "push {r4-r11, lr}\n"
                     "mov r12, r2\n"
                     "mov r3, r1\n"
                     "ldmia.w r2, {r4, r10, r11, lr}\n"
                     "ldr r1, [r2, #16]\n"
                     "add r4, r3\n"
                     "add.w r2, r1, r1, lsl #1\n"

                     "1:\n"
                     "cmp.w r10, #0\n"
                     "beq 3f\n"
                     "blt 2f\n"
                     "ldr.w r6, [r3, r10]\n"
                     "ldr.w r7, [r4, r10]\n"
                     "str r6, [r3], #4\n"
                     "str r7, [r4], #4\n"
                     "b 3f\n"
                     "2:\n"
                     "ldrsb.w r6, [r0]\n"
                     "ldrsb.w r7, [r0, #1]\n"
                     "ldr.w r8, [r12, #32]\n"
                     "add r0, r1\n"
                     "pkhbt r6, r8, r6, lsl #16\n"
                     "pkhbt r7, r8, r7, lsl #16\n"
                     "str r6, [r3], #4\n"
                     "str r7, [r4], #4\n"

                     "3:\n"
                     "lsrs.w r5, r11, #2\n"
                     "beq 5f\n"
                     "4:\n"
                     "ldrh r6, [r0]\n"
                     "ldrh r7, [r0, r1]\n"
                     "ldrh.w r8, [r0, r1, lsl #1]\n"
                     "ldrh.w r9, [r0, r2]\n"
                     "add.w r0, r0, r1, lsl #2\n"
                     "pkhbt r6, r6, r7, lsl #16\n"
                     "pkhbt r8, r8, r9, lsl #16\n"
                     "sxtb16 r7, r6, ror #8\n"
                     "sxtb16 r9, r8, ror #8\n"
                     "sxtb16 r6, r6\n"
                     "sxtb16 r8, r8\n"
                     "subs r5, #1\n"
                     "strd r7, r9, [r4], #8\n"
                     "strd r6, r8, [r3], #8\n"
                     "bne 4b\n"

                     "5:\n"
                     "tst.w r11, #2\n"
                     "beq 6f\n"
                     "ldrh r6, [r0]\n"
                     "ldrh r7, [r0, r1]\n"
                     "add.w r0, r0, r1, lsl #1\n"
                     "pkhbt r6, r6, r7, lsl #16\n"
                     "sxtb16 r7, r6, ror #8\n"
                     "sxtb16 r6, r6\n"
                     "str r7, [r4], #4\n"
                     "str r6, [r3], #4\n"

                     "6:\n"
                     "tst.w r11, #1\n"
                     "ldrd r5, r8, [r12, #28]\n"
                     "beq 7f\n"
                     "ldrsb.w r6, [r0]\n"
                     "ldrsb.w r7, [r0, #1]\n"
                     "add r0, r1\n"
                     "pkhbt r6, r6, r8, lsl #16\n"
                     "pkhbt r7, r7, r8, lsl #16\n"
                     "str r6, [r3], #4\n"
                     "str r7, [r4], #4\n"

                     "7:\n"
                     "cbz r5, 9f\n"
                     "8:\n"
                     "str r8, [r3], #4\n"
                     "str r8, [r4], #4\n"
                     "subs r5, #1\n"
                     "bne 8b\n"

                     "9:\n"
                     "ldrd r6, r7, [r12, #20]\n"
                     "subs.w lr, lr, #1\n"
                     "add r0, r6\n"
                     "add r3, r7\n"
                     "add r4, r7\n"
                     "bgt 1b\n"
                     "pop {r4-r11, pc}\n");
}

#else

static __attribute__((unused)) void mw_gather_part_3x3_of_2(const int8_t *x, mw_word *line,
                                                            const mw_part_3x3 *part)
{
    mw_gather_part_3x3(x, line, part);
    mw_gather_part_3x3(x + 1, line + (part->plane >> 2), part);
}

#endif

/* The part of `count` outputs from output `begin` on; parts before it have `block` outputs each. */
MW_INLINE mw_part_3x3 mw_make_part_3x3(int32_t begin, int32_t count, int32_t block, int32_t step,
                                       int32_t width, int32_t rows, int32_t stride,
                                       int32_t pad_left, int32_t line_words, int32_t fill)
{
    const int32_t there = begin > 0 ? 2 : pad_left;
    const int32_t from = begin > 0 ? begin * stride + 2 - pad_left : 0;
    const int32_t words = ((count - 1) * stride + 4) >> 1;
    const int32_t elements = mw_clamp_i32(width - from, 0, 2 * words - there);
    const mw_part_3x3 part = {12 * line_words,
                              begin > 0 ? 2 * block * stride : -(pad_left & 1),
                              elements - (there & 1),
                              rows,
                              step,
                              (width - elements) * step,
                              4 * (line_words - words + (begin > 0 ? 0 : pad_left >> 1)),
                              words - ((there + elements + 1) >> 1),
                              fill,
                              elements * step};
    return part;
}

/* filters: of each channel the words of mw_channel_3x3, but for the divisor where sums are rounded
 * `once` (1, or 2 for large factors). `rows` rows of the image, `pad_top` rows of padding above
 * them. The last part begins with output `end`, those before it have `block` outputs, a multiple
 * of 4; padding on the left is at most one column unless there is one part only. `odd`: whether
 * the number of channels is. Scratch memory: three lines of `line_words` for each of two channels,
 * or for the only one. */
MW_INLINE void mw_depthwise_row_3x3_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                           const int32_t *filters, int32_t channels, int32_t odd,
                                           int32_t width, int32_t rows, int32_t out_width,
                                           int32_t stride, int32_t pad_left, int32_t pad_top,
                                           int32_t block, int32_t end, int32_t line_words,
                                           int32_t x_zero, int32_t y_zero, int32_t low,
                                           int32_t high, int32_t once)
{
    const int32_t fill = mw_pair(x_zero, x_zero), channel_words = once ? 8 : 9;
    mw_word *const first = scratch, *const second = first + line_words;
    mw_word *const third = second + line_words;
    mw_word *const inside = first + pad_top * line_words + (pad_left >> 1);
    mw_part_3x3 parts[3]; /* the first, those after it, the last unless it is the first */
    mw_lines_3x3 lines[2]; /* of a part that is not the last, of the last */
    for (int32_t i = end > 0 ? 0 : 1; i < 2; i++) {
        const int32_t count = i ? out_width - end : block;
        lines[i] = mw_make_lines_3x3(y_zero, channels, count, 2, stride, 12 * line_words, 1);
        lines[i].channel_step = 4 * channel_words;
    }
    for (int32_t i = 0; i < 3; i++) {
        const int32_t begin = i == 0 ? 0 : i == 1 ? block : end;
        if (i == 0 || (i == 1 && block < end) || (i == 2 && end > 0)) {
            parts[i] = mw_make_part_3x3(begin, begin == end ? out_width - end : block, block,
                                        channels, width, rows, stride, pad_left, line_words, fill);
        }
    }
    for (int32_t i = 0; i < (channels > 1 ? 2 : 1); i++) {
        mw_word *const padded = first + i * 3 * line_words;
        const int32_t below = pad_top + rows;
        for (int32_t k = 0; k < 3; k++) {
            mw_fill_pairs(padded + k * line_words, pad_left >> 1, fill);
        }
        mw_fill_pairs(padded, pad_top * line_words, fill);
        mw_fill_pairs(padded + below * line_words, (3 - below) * line_words, fill);
    }
    for (int32_t c = 0; c < channels; c += 2) {
        const int8_t *from = x + c;
        int8_t *to = y + c;
        for (int32_t begin = 0; begin <= end; begin += block) {
            const mw_part_3x3 *const part = &parts[begin == 0 ? 0 : begin < end ? 1 : 2];
            mw_lines_3x3 *const outputs = &lines[begin == end];
            if (odd && c + 1 == channels) {
                outputs->lines = 1;
                mw_gather_part_3x3(from, inside, part);
            } else {
                mw_gather_part_3x3_of_2(from, inside, part);
            }
            mw_depthwise_lines_3x3(first, second, third,
                                   (const mw_channel_3x3 *)(const void *)filters, to, outputs,
                                   stride, once);
            from += part->bytes;
            to += block * channels;
        }
        filters += 2 * channel_words;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, out_width * channels, low, high);
    }
}

#endif
