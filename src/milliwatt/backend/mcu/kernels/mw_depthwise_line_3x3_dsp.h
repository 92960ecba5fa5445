/* SPDX-License-Identifier: MIT */
/* Lines of outputs, filter 3x3, each from three padded lines of int16.
 *
 * Four outputs a..d are in flight. Of each filter line, `e` holds weights (0, 1) and `f` (1, 2):
 * a word of the line is then right for an output that begins in its low half and for one that
 * begins in its high half. Registers: 4 sums, 3 words of the line, e, f, 3 lines, channel, output:
 * all 14. Stride 1: 62 instructions for 4 outputs, 33 of them for the 36 multiplications; stride
 * 2: 65. Two outputs left at the end take 31 or 34, one takes 22, the step to the next line 16.
 * Compilers at hand spill and need 75 to 83, hence the assembly. The `_once` functions are for
 * layers that may round once (mw_requantize_dsp.h), the `_large` ones where factors are large too: 8
 * instructions less for 4 outputs. */
#ifndef MW_DEPTHWISE_LINE_3X3_DSP_H
#define MW_DEPTHWISE_LINE_3X3_DSP_H

#include "mw_depthwise_channel_s8_dsp.h"

/* A channel: the lines of its filter as pairs, and what rescales its sums, as the assembly reads
 * it. */
typedef struct {
    mw_word filter[6];
    int32_t bias, multiplier, divisor; /* rounded once: no divisor */
} mw_channel_3x3;

/* What lines need besides, in the order in which the assembly reads it. */
typedef struct {
    int32_t zero, step;       /* zero point (rounded once: offset); bytes between outputs */
    int32_t lines, rest;      /* lines of outputs; outputs of a line, modulo 4 */
    int32_t block_bytes;      /* what a line's blocks read of each of the three */
    int32_t channel_step;     /* bytes from a line's channel to the next line's */
    int32_t skip[3], y_skip;  /* bytes from where a line's reads, writes end to the next */
} mw_lines_3x3;

/* Blocks of a line: four outputs, or the three that end it. */
MW_INLINE int32_t mw_blocks_3x3(int32_t count) { return (count + 1) >> 2; }

/* The values for `lines` lines of `count` outputs, `y_pitch` bytes apart; what they read lies
 * `pitch` bytes apart. All are the same channel's, until `channel_step` says otherwise. */
MW_INLINE mw_lines_3x3 mw_make_lines_3x3(int32_t zero, int32_t step, int32_t count, int32_t lines,
                                         int32_t stride, int32_t pitch, int32_t y_pitch)
{
    const int32_t written = (count >> 2) * 4 + ((count & 3) == 3 ? 2 : 0);
    const int32_t block_bytes = 8 * stride * mw_blocks_3x3(count), skip = pitch - block_bytes;
    const mw_lines_3x3 values = {
        zero, step, lines, count & 3, block_bytes, 0, {skip, skip, skip}, y_pitch - step * written};
    return values;
}

/* (a, b) times 256. */
MW_INLINE int32_t mw_pair_256(int8_t a, int8_t b)
{
    return (int32_t)(((uint32_t)(uint8_t)a | (uint32_t)(uint8_t)b << 16) << 8);
}

/* Nine weights as the filter's pairs (0, 1), (1, 2) of each line, doubled or times 256 as `form`
 * wants them. */
MW_INLINE void mw_depthwise_filter_3x3(const int8_t *weights, mw_word *filter, int32_t form)
{
    const int32_t once = mw_rounds_once(form);
    for (int32_t k = 0; k < 3; k++) {
        const int8_t *const w = weights + 3 * k;
        const int32_t e = once ? mw_pair_256(w[0], w[1]) : mw_pair(w[0], w[1]);
        const int32_t f = once ? mw_pair_256(w[1], w[2]) : mw_pair(w[1], w[2]);
        filter[2 * k] = once ? e : mw_add_pairs(e, e);
        filter[2 * k + 1] = once ? f : mw_add_pairs(f, f);
    }
}

/* The channel of these weights; bias, scales, form: mw_depthwise_channel_s8_dsp.h. */
MW_INLINE void mw_make_channel_3x3(const int8_t *weights, int32_t bias, const int32_t *scales,
                                   int32_t form, mw_channel_3x3 *to)
{
    const mw_depthwise_channel_s8 values = mw_depthwise_channel(bias, scales, form);
    mw_depthwise_filter_3x3(weights, to->filter, form);
    to->bias = values.bias;
    to->multiplier = values.multiplier;
    if (!mw_rounds_once(form)) {
        to->divisor = values.divisor;
    }
}

#if MW_HAS_DSP

/* Products of one filter line, at `offset` of the filter; the sums start from a0..d0. */
#define MW_3X3_STRIDE_1(line, offset, a0, b0, c0, d0)                                          \
    "ldrd r8, r9, [" line "], #8\n"                                                            \
    "ldrd r11, lr, [r3, #" offset "]\n"                                                        \
    "ldr.w r10, [" line "]\n"                                                                  \
    "smlad r4, r8, r11, " a0 "\n"                                                              \
    "smlatb r5, r8, r11, " b0 "\n"                                                             \
    "smlad r6, r9, r11, " c0 "\n"                                                              \
    "smlatb r7, r9, r11, " d0 "\n"                                                             \
    "smlabt r4, r9, lr, r4\n"                                                                  \
    "smlad r5, r9, lr, r5\n"                                                                   \
    "smlabt r6, r10, lr, r6\n"                                                                 \
    "smlad r7, r10, lr, r7\n"

#define MW_3X3_STRIDE_2(line, offset, a0, b0, c0, d0)                                          \
    "ldrd r8, r9, [" line "], #8\n"                                                            \
    "ldrd r11, lr, [r3, #" offset "]\n"                                                        \
    "smlad r4, r8, r11, " a0 "\n"                                                              \
    "smlad r5, r9, r11, " b0 "\n"                                                              \
    "ldrd r8, r10, [" line "], #8\n"                                                           \
    "smlabt r4, r9, lr, r4\n"                                                                  \
    "smlad r6, r8, r11, " c0 "\n"                                                              \
    "ldr.w r9, [" line "]\n"                                                                   \
    "smlad r7, r10, r11, " d0 "\n"                                                             \
    "smlabt r5, r8, lr, r5\n"                                                                  \
    "smlabt r6, r10, lr, r6\n"                                                                 \
    "smlabt r7, r9, lr, r7\n"

/* The same for two outputs, in r4 and r5. */
#define MW_3X3_STRIDE_1_OF_2(line, offset, a0, b0)                                             \
    "ldrd r8, r9, [" line "]\n"                                                                \
    "ldrd r11, lr, [r3, #" offset "]\n"                                                        \
    "smlad r4, r8, r11, " a0 "\n"                                                              \
    "smlatb r5, r8, r11, " b0 "\n"                                                             \
    "smlabt r4, r9, lr, r4\n"                                                                  \
    "smlad r5, r9, lr, r5\n"

#define MW_3X3_STRIDE_2_OF_2(line, offset, a0, b0)                                             \
    "ldrd r8, r9, [" line "]\n"                                                                \
    "ldrd r11, lr, [r3, #" offset "]\n"                                                        \
    "ldr.w r10, [" line ", #8]\n"                                                              \
    "smlad r4, r8, r11, " a0 "\n"                                                              \
    "smlad r5, r9, r11, " b0 "\n"                                                              \
    "smlabt r4, r9, lr, r4\n"                                                                  \
    "smlabt r5, r10, lr, r5\n"

#define MW_3X3_REQUANTIZE(sum)                                                                 \
    "smmulr " sum ", " sum ", r8\n"                                                            \
    "add.w " sum ", " sum ", " sum ", asr #31\n"                                               \
    "smmlsr " sum ", " sum ", r9, r10\n"                                                       \
    "ssat " sum ", #8, " sum "\n"

#define MW_3X3_REQUANTIZE_ONCE(sum)                                                            \
    "smmla " sum ", " sum ", r8, r10\n"                                                        \
    "ssat " sum ", #8, " sum ", asr #10\n"

#define MW_3X3_REQUANTIZE_LARGE(sum)                                                           \
    "smmla " sum ", " sum ", r8, r10\n"                                                        \
    "ssat " sum ", #8, " sum ", asr #5\n"

#define MW_3X3_SCALES "ldrd r8, r9, [r3, #28]\n"
#define MW_3X3_SCALES_ONCE "ldr.w r8, [r3, #28]\n"

/* The outputs left at a line's end, whose number is in r4: none, one, or two. Where code counts
 * most a single one is computed as two, else by itself at the function's end. */
#ifdef __OPTIMIZE_SIZE__

#define MW_3X3_REST(products_of_2, scales, requantize)                                         \
    "cmp r4, #0\n"                                                                             \
    "beq 5f\n"                                                                                 \
    "ldr r5, [r3, #24]\n"                                                                      \
    products_of_2("r0", "0", "r5", "r5")                                                       \
    products_of_2("r1", "8", "r4", "r5")                                                       \
    products_of_2("r2", "16", "r4", "r5") scales                                               \
    "ldrd r10, r11, [sp]\n"                                                                    \
    requantize("r4") requantize("r5")                                                          \
    "ldr r6, [sp, #12]\n"                                                                      \
    "strb.w r4, [r12]\n"                                                                       \
    "cmp r6, #2\n"                                                                             \
    "blt 5f\n"                                                                                 \
    "strb.w r5, [r12, r11]\n"

#define MW_3X3_SINGLE(scales, requantize)

#else

#define MW_3X3_REST(products_of_2, scales, requantize)                                         \
    "cmp r4, #1\n"                                                                             \
    "blt 5f\n"                                                                                 \
    "beq 7f\n"                                                                                 \
    "ldr r5, [r3, #24]\n"                                                                      \
    products_of_2("r0", "0", "r5", "r5")                                                       \
    products_of_2("r1", "8", "r4", "r5")                                                       \
    products_of_2("r2", "16", "r4", "r5") scales                                               \
    "ldrd r10, r11, [sp]\n"                                                                    \
    requantize("r4") requantize("r5")                                                          \
    "strb.w r4, [r12]\n"                                                                       \
    "strb.w r5, [r12, r11]\n"

#define MW_3X3_OF_1(line, offset)                                                              \
    "ldrd r8, r9, [" line "]\n"                                                                \
    "ldrd r11, lr, [r3, #" offset "]\n"                                                        \
    "smlad r4, r8, r11, r4\n"                                                                  \
    "smlabt r4, r9, lr, r4\n"

#define MW_3X3_SINGLE(scales, requantize)                                                      \
    "7:\n"                                                                                     \
    "ldr r4, [r3, #24]\n"                                                                      \
    MW_3X3_OF_1("r0", "0") MW_3X3_OF_1("r1", "8") MW_3X3_OF_1("r2", "16") scales               \
    "ldrd r10, r11, [sp]\n"                                                                    \
    requantize("r4")                                                                           \
    "strb.w r4, [r12]\n"                                                                       \
    "b 5b\n"

#endif

/* On the stack: zero, step, lines left, outputs left, end of the first line's blocks, 9 saved
 * registers, y, and the layer. A line's last block comes to 3 without its fourth output. */
#define MW_3X3_LINES(products, products_of_2, scales, requantize)                              \
    ".syntax unified\n"                                                                        \
    "push {r4-r11, lr}\n"                                                                      \
    "ldrd r12, r4, [sp, #36]\n"                                                                \
    "ldmia.w r4, {r5-r9}\n"                                                                    \
    "cmp r9, #0\n"                                                                             \
    "add r9, r9, r0\n"                                                                         \
    "push {r5-r9}\n"                                                                           \
    "beq 2f\n"                                                                                 \
                                                                                               \
    "1:\n"                                                                                     \
    "ldr r7, [r3, #24]\n"                                                                      \
    products("r0", "0", "r7", "r7", "r7", "r7")                                                \
    products("r1", "8", "r4", "r5", "r6", "r7")                                                \
    products("r2", "16", "r4", "r5", "r6", "r7") scales                                        \
    "ldrd r10, r11, [sp]\n"                                                                    \
    requantize("r4") requantize("r5") requantize("r6") requantize("r7")                        \
    "ldr.w lr, [sp, #16]\n"                                                                    \
    "strb.w r4, [r12]\n"                                                                       \
    "strb.w r5, [r12, r11]\n"                                                                  \
    "add.w r12, r12, r11, lsl #1\n"                                                            \
    "cmp r0, lr\n"                                                                             \
    "strb.w r6, [r12]\n"                                                                       \
    "beq 3f\n"                                                                                 \
    "strb.w r7, [r12, r11]\n"                                                                  \
    "add.w r12, r12, r11, lsl #1\n"                                                            \
    "b 1b\n"                                                                                   \
                                                                                               \
    "2:\n"                                                                                     \
    "ldr r4, [sp, #12]\n"                                                                      \
    "b 4f\n"                                                                                   \
                                                                                               \
    "3:\n"                                                                                     \
    "ldr r4, [sp, #12]\n"                                                                      \
    "cmp r4, #3\n"                                                                             \
    "beq 5f\n"                                                                                 \
    "strb.w r7, [r12, r11]\n"                                                                  \
    "add.w r12, r12, r11, lsl #1\n"                                                            \
    "4:\n"                                                                                     \
    MW_3X3_REST(products_of_2, scales, requantize)                                             \
                                                                                               \
    "5:\n"                                                                                     \
    "ldr r4, [sp, #8]\n"                                                                       \
    "subs r4, r4, #1\n"                                                                        \
    "beq 6f\n"                                                                                 \
    "str r4, [sp, #8]\n"                                                                       \
    "ldr r4, [sp, #60]\n"                                                                      \
    "adds r4, r4, #16\n"                                                                       \
    "ldmia.w r4, {r4-r9}\n"                                                                    \
    "add r3, r3, r5\n"                                                                         \
    "add r0, r0, r6\n"                                                                         \
    "add r1, r1, r7\n"                                                                         \
    "add r2, r2, r8\n"                                                                         \
    "add r12, r12, r9\n"                                                                       \
    "cmp r4, #0\n"                                                                             \
    "add r4, r0\n"                                                                             \
    "str r4, [sp, #16]\n"                                                                      \
    "bne 1b\n"                                                                                 \
    "b 2b\n"                                                                                   \
                                                                                               \
    "6:\n"                                                                                     \
    "add sp, sp, #20\n"                                                                        \
    "pop {r4-r11, pc}\n"                                                                       \
    MW_3X3_SINGLE(scales, requantize)

#define MW_3X3_FUNCTION(name, products, products_of_2, scales, requantize)                     \
    MW_ASSEMBLY static void name(                                                              \
        const mw_word *first __attribute__((unused)), const mw_word *second                    \
        __attribute__((unused)), const mw_word *third __attribute__((unused)),                 \
        const mw_channel_3x3 *channel __attribute__((unused)),                                 \
        int8_t *y __attribute__((unused)), const mw_lines_3x3 *layer __attribute__((unused)))  \
    {                                                                                          \
        __asm__ volatile(MW_3X3_LINES(products, products_of_2, scales, requantize));           \
    }

MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_1, MW_3X3_STRIDE_1, MW_3X3_STRIDE_1_OF_2,
                MW_3X3_SCALES, MW_3X3_REQUANTIZE)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_2, MW_3X3_STRIDE_2, MW_3X3_STRIDE_2_OF_2,
                MW_3X3_SCALES, MW_3X3_REQUANTIZE)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_1_once, MW_3X3_STRIDE_1, MW_3X3_STRIDE_1_OF_2,
                MW_3X3_SCALES_ONCE, MW_3X3_REQUANTIZE_ONCE)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_2_once, MW_3X3_STRIDE_2, MW_3X3_STRIDE_2_OF_2,
                MW_3X3_SCALES_ONCE, MW_3X3_REQUANTIZE_ONCE)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_1_large, MW_3X3_STRIDE_1, MW_3X3_STRIDE_1_OF_2,
                MW_3X3_SCALES_ONCE, MW_3X3_REQUANTIZE_LARGE)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_2_large, MW_3X3_STRIDE_2, MW_3X3_STRIDE_2_OF_2,
                MW_3X3_SCALES_ONCE, MW_3X3_REQUANTIZE_LARGE)

#undef MW_3X3_OF_1
#undef MW_3X3_REST
#undef MW_3X3_SINGLE
#undef MW_3X3_STRIDE_1
#undef MW_3X3_STRIDE_2
#undef MW_3X3_STRIDE_1_OF_2
#undef MW_3X3_STRIDE_2_OF_2
#undef MW_3X3_REQUANTIZE
#undef MW_3X3_REQUANTIZE_ONCE
#undef MW_3X3_REQUANTIZE_LARGE
#undef MW_3X3_SCALES
#undef MW_3X3_SCALES_ONCE
#undef MW_3X3_LINES
#undef MW_3X3_FUNCTION

#else

/* One filter line's products for the output that begins `from` halves into `line`. */
MW_INLINE int32_t mw_line_3x3_products(const mw_word *line, int32_t from, const mw_word *filter,
                                       int32_t sum)
{
    const int32_t first = line[from >> 1], second = line[(from >> 1) + 1];
    if (from & 1) {
        return mw_dot_pairs(second, filter[1], mw_mac_high_low(first, filter[0], sum));
    }
    return mw_mac_low_high(second, filter[1], mw_dot_pairs(first, filter[0], sum));
}

MW_INLINE void mw_depthwise_line_3x3_any(const mw_word *first, const mw_word *second,
                                         const mw_word *third, const mw_channel_3x3 *channel,
                                         int8_t *y, const mw_lines_3x3 *layer, int32_t stride,
                                         int32_t once)
{
    const int32_t blocks = layer->block_bytes / (8 * stride);
    const int32_t count = 4 * blocks + (layer->rest == 3 ? -1 : layer->rest);
    const int32_t written = (count >> 2) * 4 + ((count & 3) == 3 ? 2 : 0);
    for (int32_t line = 0; line < layer->lines; line++) {
        const mw_word *const filter = channel->filter;
        for (int32_t i = 0; i < count; i++) {
            int32_t sum = mw_line_3x3_products(first, stride * i, filter, channel->bias);
            sum = mw_line_3x3_products(second, stride * i, filter + 2, sum);
            sum = mw_line_3x3_products(third, stride * i, filter + 4, sum);
            y[i * layer->step] = mw_depthwise_rescale_s8(
                sum, channel->multiplier, once ? 0 : channel->divisor, layer->zero, once);
        }
        if (line + 1 < layer->lines) {
            first += (layer->block_bytes + layer->skip[0]) / 4;
            second += (layer->block_bytes + layer->skip[1]) / 4;
            third += (layer->block_bytes + layer->skip[2]) / 4;
            y += written * layer->step + layer->y_skip;
            channel = (const mw_channel_3x3 *)(const void *)((const int8_t *)(const void *)channel +
                                                             layer->channel_step);
        }
    }
}

#define MW_3X3_FUNCTION(name, stride, once)                                                    \
    static MW_NOINLINE __attribute__((unused)) void name(                                      \
        const mw_word *first, const mw_word *second, const mw_word *third,                     \
        const mw_channel_3x3 *channel, int8_t *y, const mw_lines_3x3 *layer)                   \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        mw_depthwise_line_3x3_any(first, second, third, channel, y, layer, stride, once);      \
    }

MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_1, 1, 0)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_2, 2, 0)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_1_once, 1, 1)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_2_once, 2, 1)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_1_large, 1, 2)
MW_3X3_FUNCTION(mw_depthwise_line_3x3_stride_2_large, 2, 2)

#undef MW_3X3_FUNCTION

#endif

/* y: outputs `layer->step` bytes apart. The lines begin with the first output's first tap. */
MW_INLINE void mw_depthwise_lines_3x3(const mw_word *first, const mw_word *second,
                                      const mw_word *third, const mw_channel_3x3 *channel,
                                      int8_t *y, const mw_lines_3x3 *layer, int32_t stride,
                                      int32_t once)
{
    if (stride == 1 && once == 2) {
        mw_depthwise_line_3x3_stride_1_large(first, second, third, channel, y, layer);
    } else if (once == 2) {
        mw_depthwise_line_3x3_stride_2_large(first, second, third, channel, y, layer);
    } else if (stride == 1 && once) {
        mw_depthwise_line_3x3_stride_1_once(first, second, third, channel, y, layer);
    } else if (stride == 1) {
        mw_depthwise_line_3x3_stride_1(first, second, third, channel, y, layer);
    } else if (once) {
        mw_depthwise_line_3x3_stride_2_once(first, second, third, channel, y, layer);
    } else {
        mw_depthwise_line_3x3_stride_2(first, second, third, channel, y, layer);
    }
}

#endif
