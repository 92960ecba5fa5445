/* SPDX-License-Identifier: MIT */
/* One row of a depthwise convolution, filter 3x3, stride 1 or 2 along it: what a stream calls row
 * by row, with as little done as possible besides the row itself.
 *
 * Of two channels at a time, or of one where memory is scarce, the rows under the filter are
 * gathered into padded lines of int16, from which mw_depthwise_line_3x3_dsp.h makes the outputs.
 * The filters' pairs are in the tables; padding is filled in once. Beside 16 instructions an
 * output: 2.5 for each element gathered (one channel: 3), about 50 a channel (70). */
#ifndef MW_DEPTHWISE_ROW_3X3_S8_DSP_H
#define MW_DEPTHWISE_ROW_3X3_S8_DSP_H

#include "mw_depthwise_line_3x3_dsp.h"
#include "mw_depthwise_lines_s8_dsp.h"

/* `rows` rows of `width` elements `step` bytes apart, to lines `pitch` halves apart, which start
 * within a word where `odd` is not 0. A second channel's lines are `plane` words further. */
typedef struct {
    int32_t rows, width, step, pitch, odd, plane;
} mw_rows_3x3;

static MW_NOINLINE __attribute__((unused)) void mw_gather_rows_3x3(const int8_t *x,
                                                                   const mw_rows_3x3 *shape,
                                                                   mw_word *line)
{
    MW_BARRIER();
    const int32_t step = shape->step, rest = shape->width - shape->odd;
    for (int32_t rows = shape->rows; rows > 0; rows--) {
        const int8_t *from = x;
        mw_word *to = line;
        if (shape->odd) {
            ((mw_half *)(void *)to++)[1] = (mw_half)*from;
            from += step;
        }
        for (int32_t quads = rest >> 2; quads > 0; quads--) {
            const int32_t a = from[0], b = from[step], c = from[2 * step], d = from[3 * step];
            to[0] = mw_pair(a, b);
            to[1] = mw_pair(c, d);
            from += 4 * step;
            to += 2;
        }
        if (rest & 2) {
            *to++ = mw_pair(from[0], from[step]);
            from += 2 * step;
        }
        if (rest & 1) {
            *(mw_half *)(void *)to = (mw_half)*from;
        }
        x += shape->width * step;
        line += shape->pitch >> 1;
    }
}

/* The bytes of two neighbouring channels. */
MW_INLINE int32_t mw_load_channels_of_2(const int8_t *x)
{
    uint16_t both;
    __builtin_memcpy(&both, x, sizeof both);
    return both;
}

/* The same for two channels. */
static MW_NOINLINE __attribute__((unused)) void mw_gather_rows_3x3_of_2(const int8_t *x,
                                                                        const mw_rows_3x3 *shape,
                                                                        mw_word *line)
{
    MW_BARRIER();
    const int32_t step = shape->step;
    for (int32_t rows = shape->rows; rows > 0; rows--) {
        const int8_t *from = x;
        mw_word *to = line, *other = line + shape->plane;
        int32_t count = shape->width;
        if (shape->odd) {
            ((mw_half *)(void *)to++)[1] = (mw_half)from[0];
            ((mw_half *)(void *)other++)[1] = (mw_half)from[1];
            from += step;
            count--;
        }
        /* gcc 12 for Cortex-M55, -Os, loses a test of `count` that shares flags with the loop's. */
        const int32_t last = count & 1;
        for (; count >= 2; count -= 2) {
            const int32_t bytes =
                mw_pair(mw_load_channels_of_2(from), mw_load_channels_of_2(from + step));
            *to++ = mw_even_bytes(bytes);
            *other++ = mw_odd_bytes(bytes);
            from += 2 * step;
        }
        if (last) {
            *(mw_half *)(void *)to = (mw_half)from[0];
            *(mw_half *)(void *)other = (mw_half)from[1];
        }
        x += shape->width * step;
        line += shape->pitch >> 1;
    }
}

/* The padding of three lines: above and below the `rows` rows, and at both ends of each. */
MW_INLINE void mw_pad_lines_3x3(mw_half *line, const mw_rows_3x3 *shape, int32_t pad_top,
                                int32_t pad_left, int32_t fill)
{
    for (int32_t k = 0; k < 3; k++) {
        const int32_t inside = k >= pad_top && k < pad_top + shape->rows;
        const int32_t right = pad_left + shape->width;
        mw_fill_s16(line, inside ? pad_left : shape->pitch, fill);
        mw_fill_s16(line + right, inside ? shape->pitch - right : 0, fill);
        line += shape->pitch;
    }
}

/* filters: of each channel the words of mw_channel_3x3, but for the divisor where sums are rounded
 * `once` (1, or 2 for large factors). `rows` rows of the image, `pad_top` rows of padding above them.
 * Scratch memory: three lines of `line_words` for each channel taken at a time (`together`). */
MW_INLINE void mw_depthwise_row_3x3_s8_dsp(const int8_t *x, int8_t *y, void *scratch,
                                           const int32_t *filters, int32_t channels,
                                           int32_t width, int32_t rows, int32_t out_width,
                                           int32_t stride, int32_t pad_left, int32_t pad_top,
                                           int32_t line_words, int32_t together, int32_t x_zero,
                                           int32_t y_zero, int32_t low, int32_t high, int32_t once)
{
    const mw_rows_3x3 shape = {
        rows, width, channels, 2 * line_words, pad_left & 1, 3 * line_words};
    mw_word *const first = scratch, *const second = first + line_words;
    mw_word *const third = second + line_words;
    mw_word *const inside = first + pad_top * line_words + (pad_left >> 1);
    const mw_lines_3x3 layer = mw_make_lines_3x3(y_zero, channels, out_width, 1, stride, 0, 0);
    for (int32_t i = 0; i < together; i++) {
        mw_pad_lines_3x3((mw_half *)(void *)(first + i * shape.plane), &shape, pad_top, pad_left,
                         x_zero);
    }
    for (int32_t c = 0; c < channels; c++) {
        const int32_t other = together == 2 && (c & 1) ? shape.plane : 0;
        if (together == 2 && !(c & 1) && c + 1 < channels) {
            mw_gather_rows_3x3_of_2(x + c, &shape, inside);
        } else if (together == 1 || !(c & 1)) {
            mw_gather_rows_3x3(x + c, &shape, inside);
        }
        mw_depthwise_lines_3x3(first + other, second + other, third + other,
                               (const mw_channel_3x3 *)(const void *)filters, y + c, &layer,
                               stride, once);
        filters += once ? 8 : 9;
    }
    if (low > -128 || high < 127) {
        mw_clamp_s8(y, out_width * channels, low, high);
    }
}

#endif
