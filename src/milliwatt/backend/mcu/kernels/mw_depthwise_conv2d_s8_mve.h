/* SPDX-License-Identifier: MIT */
/* Depthwise convolution of any filter, stride and dilation, one filter a channel: sixteen channels
 * of a pixel at a time.
 *
 * Rows of the image go to a ring in scratch memory, with the padding around them, so that outputs
 * may overwrite inputs. Taps are taken by twos, whose products VMULL makes 16 bits wide and whose
 * sum still fits 16 bits; it is then widened and added to four vectors of sums. Per two taps of 16
 * channels (32 multiplications): 5 loads, 4 VMULL, 10 more to add up, 4 for addresses and loop. */
#ifndef MW_DEPTHWISE_CONV2D_S8_MVE_H
#define MW_DEPTHWISE_CONV2D_S8_MVE_H

#include "mw_requantize_mve.h"

/* One row of outputs. weights: for every 16 channels their biases (64 bytes), then the channels'
 * weights of each tap in turn, of an even number of taps. scales: for every 16 channels their
 * multipliers, then their shifts. Biases, multipliers and shifts are ordered as VMULL and VMOVL
 * leave the channels: 0 4 8 12, 2 6 10 14, 1 5 9 13, 3 7 11 15. Both tables are filled up to whole
 * blocks. The assembly knows the order. */
typedef struct {
    const int8_t *x;        /* the first output's window */
    const int32_t *offsets; /* of each tap, an even number */
    int32_t pairs;          /* of taps */
    int32_t channels;
    int32_t step; /* bytes from one output's window to the next's */
    const int8_t *weights;
    const int32_t *scales;
    int8_t *y;
    int32_t pixels; /* outputs */
    int32_t zero, low, high;
} mw_depthwise_row_s8_mve;

#if MW_HAS_MVE

/* Four sums in `x`, requantised; r8 points to the multipliers, 64 bytes further are the shifts. */
#define MW_DEPTHWISE_REQUANTIZE(x, away)                                                       \
    "vldrw.32 q1, [r8, #64]\n"                                                                 \
    "vldrw.32 q0, [r8], #16\n"                                                                 \
    "vqrdmulh.s32 " x ", " x ", q0\n" away(x, "q0") "vrshl.s32 " x ", " x ", q1\n"

/* r0 window, r1 weights, r2 offsets, r3 the struct, r4 and r5 taps, r6 outputs, r7 channels left,
 * r8 scales, r9 the pixel's window, r10 pairs, r11 pixels left, r12 zero point. */
#define MW_DEPTHWISE_ROW(away)                                                                 \
    __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                     "sub sp, sp, #4\n"                                                        \
                     "vpush {d8-d15}\n"                                                        \
                     "mov r3, r0\n"                                                            \
                     "ldr r9, [r3]\n"                                                          \
                     "ldr r10, [r3, #8]\n"                                                     \
                     "ldr r6, [r3, #28]\n"                                                     \
                     "ldrd r11, r12, [r3, #32]\n"                                              \
                     "1:\n"                                                                    \
                     "mov r0, r9\n"                                                            \
                     "ldrd r7, r2, [r3, #12]\n"                                                \
                     "ldrd r1, r8, [r3, #20]\n"                                                \
                     "add r9, r9, r2\n"                                                        \
                     "2:\n"                                                                    \
                     "vldrw.32 q4, [r1], #16\n"                                                \
                     "vldrw.32 q5, [r1], #16\n"                                                \
                     "vldrw.32 q6, [r1], #16\n"                                                \
                     "vldrw.32 q7, [r1], #16\n"                                                \
                     "ldr r2, [r3, #4]\n"                                                      \
                     "dls lr, r10\n"                                                           \
                     "3:\n"                                                                    \
                     "ldrd r4, r5, [r2], #8\n"                                                 \
                     "add r4, r4, r0\n"                                                        \
                     "vldrb.8 q0, [r4]\n"                                                      \
                     "vldrb.8 q1, [r1], #16\n"                                                 \
                     "add r5, r5, r0\n"                                                        \
                     "vmullb.s8 q2, q0, q1\n"                                                  \
                     "vmullt.s8 q3, q0, q1\n"                                                  \
                     "vldrb.8 q0, [r5]\n"                                                      \
                     "vldrb.8 q1, [r1], #16\n"                                                 \
                     "vmullb.s8 q0, q0, q1\n"                                                  \
                     "vadd.i16 q2, q2, q0\n"                                                   \
                     "vldrb.8 q0, [r5]\n"                                                      \
                     "vmullt.s8 q0, q0, q1\n"                                                  \
                     "vadd.i16 q3, q3, q0\n"                                                   \
                     "vmovlb.s16 q0, q2\n"                                                     \
                     "vadd.i32 q4, q4, q0\n"                                                   \
                     "vmovlt.s16 q1, q2\n"                                                     \
                     "vadd.i32 q5, q5, q1\n"                                                   \
                     "vmovlb.s16 q0, q3\n"                                                     \
                     "vadd.i32 q6, q6, q0\n"                                                   \
                     "vmovlt.s16 q1, q3\n"                                                     \
                     "vadd.i32 q7, q7, q1\n"                                                   \
                     "le lr, 3b\n"                                                             \
                     MW_DEPTHWISE_REQUANTIZE("q4", away)                                       \
                     MW_DEPTHWISE_REQUANTIZE("q5", away)                                       \
                     MW_DEPTHWISE_REQUANTIZE("q6", away)                                       \
                     MW_DEPTHWISE_REQUANTIZE("q7", away)                                       \
                     "ldrd r4, r5, [r3, #40]\n"                                                \
                     "vqmovnb.s32 q4, q4\n"                                                    \
                     "vqmovnt.s32 q4, q5\n"                                                    \
                     "vqmovnb.s32 q6, q6\n"                                                    \
                     "vqmovnt.s32 q6, q7\n"                                                    \
                     "vdup.8 q0, r4\n"                                                         \
                     "vqadd.s16 q4, q4, r12\n"                                                 \
                     "vqadd.s16 q6, q6, r12\n"                                                 \
                     "vdup.8 q1, r5\n"                                                         \
                     "vqmovnb.s16 q4, q4\n"                                                    \
                     "vqmovnt.s16 q4, q6\n"                                                    \
                     "add r8, r8, #64\n"                                                       \
                     "vctp.8 r7\n"                                                             \
                     "vmax.s8 q4, q4, q0\n"                                                    \
                     "vmin.s8 q4, q4, q1\n"                                                    \
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

static MW_ASSEMBLY void mw_depthwise_row_s8_mve_plain(
    const mw_depthwise_row_s8_mve *row __attribute__((unused)))
{
    MW_DEPTHWISE_ROW(MW_MVE_AWAY);
}

static MW_ASSEMBLY void mw_depthwise_row_s8_mve_relu(
    const mw_depthwise_row_s8_mve *row __attribute__((unused)))
{
    MW_DEPTHWISE_ROW(MW_MVE_AWAY_RELU);
}

#endif

MW_INLINE void mw_depthwise_row_s8(const mw_depthwise_row_s8_mve *row, int32_t relu)
{
#if MW_HAS_MVE
    if (relu) {
        mw_depthwise_row_s8_mve_relu(row);
    } else {
        mw_depthwise_row_s8_mve_plain(row);
    }
#else
    const int32_t taps = 2 * row->pairs;
    int8_t *y = row->y;
    (void)relu;
    for (int32_t p = 0; p < row->pixels; p++) {
        for (int32_t c = 0; c < row->channels; c++) {
            const int8_t *block = row->weights + (c >> 4) * (64 + 16 * taps);
            const int32_t place = 8 * (c & 1) + 2 * (c & 2) + ((c >> 2) & 3);
            const int32_t *scales = row->scales + (c >> 4) * 32 + place;
            int32_t sum = mw_load_i32(block + 4 * place);
            for (int32_t t = 0; t < taps; t++) {
                sum += row->x[p * row->step + row->offsets[t] + c] * block[64 + 16 * t + (c & 15)];
            }
            *y++ = mw_requantize_s8_mve(sum, scales[0], scales[16], row->zero, row->low, row->high);
        }
    }
#endif
}

/* Row `row` of the image, with the padding at its sides, or a row of padding, to `to`. */
static MW_NOINLINE __attribute__((unused)) void mw_depthwise_gather_s8_mve(
    const int8_t *x, int8_t *to, int32_t row, int32_t height, int32_t row_bytes,
    int32_t before_bytes, int32_t padded_bytes, int32_t fill)
{
    if (row < 0 || row >= height) {
        mw_fill_mve(to, fill, padded_bytes);
        return;
    }
    const int32_t begin = mw_min_i32(before_bytes, padded_bytes);
    const int32_t kept = mw_min_i32(row_bytes, padded_bytes - begin);
    mw_fill_mve(to, fill, begin);
    mw_copy_mve(to + begin, x + row * row_bytes, kept);
    mw_fill_mve(to + begin + kept, fill, padded_bytes - begin - kept);
}

/* Scratch memory: an offset for each of the taps, whose number is made even, then `ring_rows`
 * padded rows of `padded_bytes`, then 16 bytes that the last block of channels may read.
 *
 * `together` divides the width of the output. It is 1, or for stride 1 so many neighbouring pixels
 * as fill whole blocks: the tables are those of `together` times as many channels. */
MW_INLINE void mw_depthwise_conv2d_s8_mve(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *scales,
    int32_t height, int32_t width, int32_t channels, int32_t out_height, int32_t out_width,
    int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t dilation_h,
    int32_t dilation_w, int32_t pad_top, int32_t pad_left, int32_t padded_bytes,
    int32_t ring_rows, int32_t together, int32_t x_zero, int32_t y_zero, int32_t low,
    int32_t high, int32_t relu)
{
    const int32_t pairs = (kh * kw + 1) >> 1;
    mw_word *const offsets = scratch;
    int8_t *const ring = (int8_t *)(offsets + 2 * pairs);
    const int32_t out_bytes = out_width * channels;
    mw_depthwise_row_s8_mve row = {
        ring,    offsets, pairs, together * channels,  together * stride_w * channels,
        weights, scales,  y,     out_width / together, y_zero,
        low,     high};
    int32_t next = -pad_top; /* row of the image to be gathered */
    int32_t place = 0;       /* and where in the ring */
    for (int32_t top = -pad_top; top < out_height * stride_h - pad_top; top += stride_h) {
        next = mw_max_i32(next, top);
        for (; next < top + ring_rows; next++) {
            mw_depthwise_gather_s8_mve(x, ring + place * padded_bytes, next, height,
                                       width * channels, pad_left * channels, padded_bytes,
                                       x_zero);
            place = place + 1 == ring_rows ? 0 : place + 1;
        }
        mw_word *to = offsets;
        int32_t at = place; /* the oldest row is the window's first */
        for (int32_t ky = 0; ky < kh; ky++) {
            for (int32_t kx = 0; kx < kw; kx++) {
                *to++ = at * padded_bytes + kx * dilation_w * channels;
            }
            at += dilation_h;
            at = at >= ring_rows ? at - ring_rows : at;
        }
        offsets[2 * pairs - 1] = to[-1];
        mw_depthwise_row_s8(&row, relu);
        row.y += out_bytes;
    }
}

/* The same without padding, of whole blocks of channels: the image is read where it is. */
MW_INLINE void mw_depthwise_conv2d_inside_s8_mve(
    const int8_t *x, int8_t *y, const int8_t *weights, const int32_t *scales,
    const int32_t *offsets, int32_t pairs, int32_t row_step, int32_t step, int32_t channels,
    int32_t out_height, int32_t out_width, int32_t zero, int32_t low, int32_t high, int32_t relu)
{
    mw_depthwise_row_s8_mve row = {x,      offsets, pairs,     channels, step, weights,
                                   scales, y,       out_width, zero,     low,  high};
    for (; out_height > 0; out_height--) {
        mw_depthwise_row_s8(&row, relu);
        row.x += row_step;
        row.y += out_width * channels;
    }
}

#endif
