/* SPDX-License-Identifier: MIT */
/* int8 depthwise convolution of one image, channel by channel, four outputs at a time.
 *
 * A line (a row or a column of the image) of one channel is widened to words, with its padding.
 * Element p lies in list p % stride at place p / stride, so that a tap of neighbouring outputs
 * reads neighbouring words. A ring holds the lines that the next output line needs; each is there
 * twice, `ring` lines apart, so that those of a window follow one another. Each element having been
 * widened once, outputs may be written over the inputs.
 *
 * Cortex-M0+: 2.9 instructions a product. */
#ifndef MW_DEPTHWISE_CONV2D_S8_SWAR_H
#define MW_DEPTHWISE_CONV2D_S8_SWAR_H

#include "mw_scale_swar.h"
#include "mw_swar.h"

/* The image along and across the lines; steps are bytes. */
typedef struct {
    int32_t along, across, step_along, step_across;
    int32_t stride, pad, fill;
    int32_t list_words, line_words, ring;
} mw_swar_lines;

/* A tap: its weight, and the bytes from a block's first word to the word it reads. */
typedef struct {
    int32_t weight, offset;
} mw_swar_depthwise_tap;

/* Widens line `index` of the channel at `x` to both of its places. */
static MW_NOINLINE __attribute__((unused)) void mw_swar_load_line(const int8_t *x,
                                                                  const mw_swar_lines *shape,
                                                                  int32_t index, int32_t *line)
{
    const int32_t again = shape->ring * shape->line_words;
    const int32_t outside = index < 0 || index >= shape->across;
    const int32_t stride = shape->stride;
    const int32_t step = outside ? 0 : stride * shape->step_along;
    int8_t fill = (int8_t)shape->fill;
    x = outside ? &fill : x + index * shape->step_across;
    for (int32_t list = 0; list < stride; list++) {
        /* The first element of the list that is not padding, and how many follow. */
        const int32_t place = list >= shape->pad ? 0 : (shape->pad - list + stride - 1) / stride;
        const int32_t element = place * stride + list - shape->pad;
        const int8_t *from = x + (outside ? 0 : element * shape->step_along);
        const int32_t most = shape->list_words - place;
        int32_t *to = line + list * shape->list_words + place;
        const int32_t there = (shape->along - element + stride - 1) / stride;
        for (int32_t i = mw_min_i32(there, most); i > 0; i--) {
            const int32_t value = *from;
            to[0] = value;
            to[again] = value;
            to++;
            from += step;
        }
    }
}

#if defined(__ARM_ARCH_6M__)

/* Registers: r0 to r3 words; r4 weight; r5 where its words are; r6 taps; r7 their end; r8 to r11
 * sums; r12 the block. A tap is 11 instructions for 4 products. */
#define MW_SWAR_TAP                                                                              \
    "ldmia r6!, {r4, r5}\n"                                                                      \
    "add r5, r12\n"                                                                              \
    "ldmia r5!, {r0, r1, r2, r3}\n"                                                              \
    "muls r0, r4, r0\n"                                                                          \
    "add r8, r0\n"                                                                               \
    "muls r1, r4, r1\n"                                                                          \
    "add r9, r1\n"                                                                               \
    "muls r2, r4, r2\n"                                                                          \
    "add r10, r2\n"                                                                              \
    "muls r3, r4, r3\n"                                                                          \
    "add r11, r3\n"
#define MW_SWAR_SUMS(turn)                                                                       \
    {                                                                                            \
        register int32_t *to __asm__("r0") = sums;                                               \
        register const int32_t *from __asm__("r1") = block;                                      \
        register int32_t start __asm__("r2") = bias;                                             \
        register const mw_swar_depthwise_tap *end __asm__("r3") = taps + count;                  \
        register const mw_swar_depthwise_tap *tap __asm__("r6") = taps;                          \
        __asm__ volatile(".syntax unified\n"                                                     \
                         "push {r0, r7}\n"                                                       \
                         "mov r8, r2\n"                                                          \
                         "mov r9, r2\n"                                                          \
                         "mov r10, r2\n"                                                         \
                         "mov r11, r2\n"                                                         \
                         "mov r12, r1\n"                                                         \
                         "movs r7, r3\n"                                                         \
                         "1:\n" turn "cmp r6, r7\n"                                              \
                         "bne 1b\n"                                                              \
                         "pop {r0, r7}\n"                                                        \
                         "mov r1, r8\n"                                                          \
                         "mov r2, r9\n"                                                          \
                         "mov r3, r10\n"                                                         \
                         "mov r4, r11\n"                                                         \
                         "stmia r0!, {r1, r2, r3, r4}\n"                                         \
                         : "+r"(to), "+r"(from), "+r"(start), "+r"(end), "+r"(tap)               \
                         :                                                                       \
                         : "r4", "r5", "r8", "r9", "r10", "r11", "r12", "cc", "memory");         \
    }

/* The sums of four outputs over `count` taps, a multiple of `turn`, which is 1 or 3. */
MW_INLINE void mw_swar_depthwise_sums(int32_t *sums, const int32_t *block,
                                      const mw_swar_depthwise_tap *taps, int32_t count,
                                      int32_t bias, int32_t turn)
{
    if (turn == 3) {
        MW_SWAR_SUMS(MW_SWAR_TAP MW_SWAR_TAP MW_SWAR_TAP)
    } else {
        MW_SWAR_SUMS(MW_SWAR_TAP)
    }
}

#undef MW_SWAR_TAP
#undef MW_SWAR_SUMS

#else

MW_INLINE void mw_swar_depthwise_sums(int32_t *sums, const int32_t *block,
                                      const mw_swar_depthwise_tap *taps, int32_t count,
                                      int32_t bias, int32_t turn)
{
    int32_t a = bias, b = bias, c = bias, d = bias;
    (void)turn;
    for (int32_t k = 0; k < count; k++) {
        const int32_t weight = taps[k].weight;
        const int32_t *const words = block + (taps[k].offset >> 2);
        a += words[0] * weight;
        b += words[1] * weight;
        c += words[2] * weight;
        d += words[3] * weight;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

#endif

/* weights: of each channel, line after line of the filter; offsets: of each tap, as
 * mw_swar_depthwise_tap has them. scratch: `count` taps, then 2 * ring lines. `size` is that of the
 * image along and across lines, `out` of the output. */
MW_INLINE void mw_depthwise_conv2d_s8_swar(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *MW_RESTRICT weights,
    const int32_t *MW_RESTRICT bias, const int32_t *MW_RESTRICT scales,
    const int32_t *MW_RESTRICT offsets, int32_t channels, int32_t per_input, int32_t along,
    int32_t across, int32_t step_along, int32_t step_across, int32_t out_along, int32_t out_across,
    int32_t out_step_along, int32_t out_step_across, int32_t stride, int32_t stride_across,
    int32_t pad, int32_t pad_across, int32_t list_words, int32_t ring, int32_t count,
    int32_t x_zero, int32_t low_shift, int32_t shift, int32_t least, int32_t span,
    int32_t step, int32_t turn, int32_t falls, int32_t limited)
{
    mw_swar_depthwise_tap *const taps = (mw_swar_depthwise_tap *)scratch;
    int32_t *const lines = (int32_t *)(void *)(taps + count);
    const int32_t line_words = stride * list_words;
    const mw_swar_lines shape = {along, across, step_along, step_across, stride,
                                 pad,   x_zero, list_words, line_words,  ring};
    const mw_scale scale = {low_shift, shift, least, span, step};
    int32_t left = per_input;
    for (int32_t i = 0; i < 2 * ring * line_words; i++) {
        lines[i] = x_zero;
    }
    for (int32_t k = 0; k < count; k++) {
        taps[k].offset = offsets[k];
    }
    for (int32_t c = 0; c < channels; c++) {
        const mw_channel_scale channel = mw_channel_scale_at(scales, falls, limited);
        int32_t loaded = -pad_across, slot = 0;
        for (int32_t k = 0; k < count; k++) {
            taps[k].weight = weights[k];
        }
        for (int32_t line = 0; line < out_across; line++) {
            const int32_t first = line * stride_across - pad_across;
            int8_t *to = y + line * out_step_across;
            /* Lines between two windows are passed over. */
            while (loaded < first + ring) {
                if (loaded >= first) {
                    MW_BARRIER();
                    mw_swar_load_line(x, &shape, loaded, lines + slot * line_words);
                    MW_BARRIER();
                }
                loaded++;
                slot = slot + 1 == ring ? 0 : slot + 1;
            }
            const int32_t *block = lines + slot * line_words;
            for (int32_t i = 0; i < out_along; i += 4) {
                int32_t sums[4];
                const int32_t outputs = out_along - i;
                int8_t *const to1 = to + (outputs > 1 ? out_step_along : 0);
                int8_t *const to2 = to + (outputs > 2 ? 2 * out_step_along : 0);
                int8_t *const to3 = to + (outputs > 3 ? 3 * out_step_along : 0);
                mw_swar_depthwise_sums(sums, block, taps, count, bias[c], turn);
                *to3 = mw_scale_swar(sums[3], &channel, &scale, falls, limited);
                *to2 = mw_scale_swar(sums[2], &channel, &scale, falls, limited);
                *to1 = mw_scale_swar(sums[1], &channel, &scale, falls, limited);
                *to = mw_scale_swar(sums[0], &channel, &scale, falls, limited);
                to += 4 * out_step_along;
                block += 4;
            }
        }
        y++;
        weights += count;
        scales += step;
        if (--left == 0) {
            left = per_input;
            x++;
        }
    }
}

#endif
