/* SPDX-License-Identifier: MIT */
/* Convolution of any filter and stride, no dilation: each window, its taps side by side, times all
 * filters, two output pixels at a time.
 *
 * Registers and instructions per multiplication: mw_matmul_s8_2px_mve.h.
 *
 * Scratch memory holds two windows, each filled up to whole vectors, which the weights' zeros
 * cancel. A block's windows are copied before its outputs are written. Of an odd number of pixels
 * the last is computed twice at once. */
#ifndef MW_CONV2D_S8_MVE_H
#define MW_CONV2D_S8_MVE_H

#include "mw_matmul_few_s8_mve.h"
#include "mw_matmul_s8_2px_mve.h"

typedef struct {
    int32_t height, width, depth; /* of the image */
    int32_t kh, kw;               /* of the window */
    int32_t fill;                 /* value outside the image */
} mw_window_s8_mve;

/* `rows` rows of `run` bytes, `row_bytes` apart, side by side to `to`. A row of at most a vector
 * takes 6 instructions; where rows are a multiple of three vectors, three take 7, and 4 a row;
 * elsewhere a vector takes 3, and 7 a row. */
MW_INLINE void mw_copy_rows_mve(const int8_t *from, int8_t *to, int32_t rows, int32_t run,
                                int32_t row_bytes)
{
#if MW_HAS_MVE
    if (run <= MW_VECTOR) {
        __asm__ volatile("vctp.8 %[run]\n"
                         "dls lr, %[rows]\n"
                         "1:\n"
                         "vpstt\n"
                         "vldrbt.8 q0, [%[from]]\n"
                         "vstrbt.8 q0, [%[to]]\n"
                         "add %[from], %[from], %[row_bytes]\n"
                         "add %[to], %[to], %[run]\n"
                         "le lr, 1b\n"
                         : [from] "+&l"(from), [to] "+&l"(to)
                         : [rows] "r"(rows), [run] "r"(run), [row_bytes] "r"(row_bytes)
                         : "lr", "q0", "cc", "memory");
    } else if (run % (3 * MW_VECTOR) == 0) {
        __asm__ volatile("1:\n"
                         "dls lr, %[threes]\n"
                         "2:\n"
                         "vldrb.8 q0, [%[from]], #16\n"
                         "vldrb.8 q1, [%[from]], #16\n"
                         "vldrb.8 q2, [%[from]], #16\n"
                         "vstrb.8 q0, [%[to]], #16\n"
                         "vstrb.8 q1, [%[to]], #16\n"
                         "vstrb.8 q2, [%[to]], #16\n"
                         "le lr, 2b\n"
                         "add %[from], %[from], %[skip]\n"
                         "subs %[rows], %[rows], #1\n"
                         "bne 1b\n"
                         : [from] "+&l"(from), [to] "+&l"(to), [rows] "+&r"(rows)
                         : [threes] "r"(run / (3 * MW_VECTOR)), [skip] "r"(row_bytes - run)
                         : "lr", "q0", "q1", "q2", "cc", "memory");
    } else {
        const int8_t *row;
        __asm__ volatile(
            "1:\n"
            "mov %[row], %[from]\n"
            "add %[from], %[from], %[row_bytes]\n"
            "mov r12, %[to]\n"
            "add %[to], %[to], %[run]\n"
            "dlstp.8 lr, %[run]\n"
            "2:\n"
            "vldrb.8 q0, [%[row]], #16\n"
            "vstrb.8 q0, [r12], #16\n"
            "letp lr, 2b\n"
            "subs %[rows], %[rows], #1\n"
            "bne 1b\n"
            : [from] "+&r"(from), [to] "+&r"(to), [rows] "+&r"(rows), [row] "=&r"(row)
            : [run] "r"(run), [row_bytes] "r"(row_bytes)
            : "r12", "lr", "q0", "cc", "memory");
    }
#else
    for (; rows > 0; rows--) {
        mw_copy_mve(to, from, run);
        to += run;
        from += rows > 1 ? row_bytes : 0;
    }
#endif
}

/* A window that reaches over an edge of the image. Taps outside hold the input's zero point:
 * together with the bias, which has the zero point folded in, they add nothing. */
static MW_NOINLINE __attribute__((unused)) void mw_copy_clipped_window_s8_mve(
    const int8_t *x, const mw_window_s8_mve *window, int32_t top, int32_t left, int8_t *to)
{
    MW_BARRIER();
    const int32_t run = window->kw * window->depth;
    const int32_t row_bytes = window->width * window->depth;
    const int32_t before = mw_clamp_i32(-left, 0, window->kw) * window->depth;
    const int32_t end = mw_clamp_i32((window->width - left) * window->depth, before, run);
    const int32_t first = mw_max_i32(left, 0) * window->depth;
    for (int32_t y = top; y < top + window->kh; y++) {
        if (y < 0 || y >= window->height) {
            mw_fill_mve(to, window->fill, run);
        } else {
            mw_fill_mve(to, window->fill, before);
            mw_copy_mve(to + before, x + y * row_bytes + first, end - before);
            mw_fill_mve(to + end, window->fill, run - end);
        }
        to += run;
    }
}

/* The window whose first tap is at (top, left). */
MW_INLINE void mw_copy_window_s8_mve(const int8_t *x, const mw_window_s8_mve *window, int32_t top,
                                     int32_t left, int8_t *to)
{
    const int32_t row_bytes = window->width * window->depth;
    if (top >= 0 && left >= 0 && top + window->kh <= window->height &&
        left + window->kw <= window->width) {
        mw_copy_rows_mve(x + top * row_bytes + left * window->depth, to, window->kh,
                         window->kw * window->depth, row_bytes);
    } else {
        mw_copy_clipped_window_s8_mve(x, window, top, left, to);
    }
}

/* The same, of those that are not copied row by row. */
static MW_NOINLINE __attribute__((unused)) void mw_copy_any_window_s8_mve(
    const int8_t *x, const mw_window_s8_mve *window, int32_t top, int32_t left, int8_t *to)
{
    MW_BARRIER();
    mw_copy_window_s8_mve(x, window, top, left, to);
}

/* Outputs of `pairs` pairs of windows inside the image, `apart` bytes from each to the next. */
MW_INLINE void mw_conv2d_pairs_s8_mve(mw_matmul_s8_mve *layer, const int8_t *x, int8_t *windows,
                                      int32_t pairs, int32_t apart, int32_t rows, int32_t run,
                                      int32_t row_bytes, int32_t step, int32_t form)
{
    const int32_t vector_bytes = MW_VECTOR * (layer->turns + 1);
    layer->x1 = windows + vector_bytes;
    layer->distance = step;
    for (; pairs > 0; pairs--) {
        for (int32_t at = 0; at <= vector_bytes; at += vector_bytes) {
            mw_copy_rows_mve(x, windows + at, rows, run, row_bytes);
            x += apart;
        }
        mw_matmul_s8_2px_mve(layer, form);
        layer->y += 2 * step;
    }
}

/* How many windows of a row lie inside the image, from the one at (top, left) on. */
MW_INLINE int32_t mw_windows_inside_mve(const mw_window_s8_mve *window, int32_t top, int32_t left,
                                        int32_t left_end, int32_t stride)
{
    const int32_t end = mw_min_i32(window->width - window->kw + 1, left_end);
    if (top < 0 || top + window->kh > window->height || left < 0 || left >= end) {
        return 0;
    }
    return (end - 1 - left) / stride + 1;
}

/* step: bytes from a pixel's outputs to the next one's. */
MW_INLINE void mw_conv2d_channels_s8_mve(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *scales,
    int32_t height, int32_t width, int32_t depth, int32_t out_height, int32_t out_width,
    int32_t channels, int32_t step, int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w,
    int32_t pad_top, int32_t pad_left, int32_t vectors, int32_t x_zero, int32_t y_zero,
    int32_t low, int32_t high, int32_t form)
{
    int8_t *const windows = scratch;
    const mw_window_s8_mve window = {height, width, depth, kh, kw, x_zero};
    mw_matmul_s8_mve layer = MW_MATMUL_LAYER(windows, windows, vectors, channels, 0, weights,
                                             scales, y, y_zero, low, high);
    const int32_t left_end = out_width * stride_w - pad_left;
    int32_t top = -pad_top, left = -pad_left;
    for (int32_t pixels = out_height * out_width; pixels > 0;) {
        const int32_t pairs =
            mw_windows_inside_mve(&window, top, left, left_end, stride_w) >> 1;
        if (pairs > 0) {
            mw_conv2d_pairs_s8_mve(&layer, x + (top * width + left) * depth, windows, pairs,
                                   stride_w * depth, kh, kw * depth, width * depth, step, form);
            left += 2 * pairs * stride_w;
            pixels -= 2 * pairs;
        } else {
            const int32_t second = pixels > 1;
            layer.x1 = windows + second * MW_VECTOR * vectors;
            layer.distance = second * step;
            for (int32_t p = 0; p <= second; p++) {
                mw_copy_any_window_s8_mve(x, &window, top, left,
                                          windows + p * MW_VECTOR * vectors);
                left += stride_w;
                top += left == left_end ? stride_h : 0;
                left = left == left_end ? -pad_left : left;
            }
            mw_matmul_s8_2px_mve(&layer, form);
            layer.y += 2 * step;
            pixels -= 2;
        }
        if (left == left_end) {
            left = -pad_left;
            top += stride_h;
        }
    }
}

MW_INLINE void mw_conv2d_s8_mve(const int8_t *x, int8_t *y, void *scratch, const int8_t *weights,
                                const int32_t *scales, int32_t height, int32_t width,
                                int32_t depth, int32_t out_height, int32_t out_width,
                                int32_t channels, int32_t kh, int32_t kw, int32_t stride_h,
                                int32_t stride_w, int32_t pad_top, int32_t pad_left,
                                int32_t vectors, int32_t x_zero, int32_t y_zero, int32_t low,
                                int32_t high, int32_t form)
{
    mw_conv2d_channels_s8_mve(x, y, scratch, weights, scales, height, width, depth, out_height,
                              out_width, channels, channels, kh, kw, stride_h, stride_w, pad_top,
                              pad_left, vectors, x_zero, y_zero, low, high, form);
}

/* The same of windows of at most 48 inputs (mw_matmul_few_s8_mve.h): scratch memory holds
 * MW_FEW_WINDOWS of them, which are copied before their outputs are written. */
#define MW_FEW_WINDOWS 8

MW_INLINE void mw_conv2d_few_s8_mve(const int8_t *x, int8_t *y, void *scratch,
                                    const int8_t *weights, const int32_t *scales, int32_t height,
                                    int32_t width, int32_t depth, int32_t out_height,
                                    int32_t out_width, int32_t channels, int32_t kh, int32_t kw,
                                    int32_t stride_h, int32_t stride_w, int32_t pad_top,
                                    int32_t pad_left, int32_t x_zero, int32_t number,
                                    int32_t vectors, int32_t form)
{
    int8_t *const windows = scratch;
    const int32_t window_bytes = MW_VECTOR * vectors;
    const mw_window_s8_mve window = {height, width, depth, kh, kw, x_zero};
    mw_matmul_few_s8_mve layer = {windows,  window_bytes, MW_VECTOR, channels, y,
                                  channels, 0,            weights,   scales,   number};
    const int32_t left_end = out_width * stride_w - pad_left;
    int32_t top = -pad_top, left = -pad_left;
    for (int32_t pixels = out_height * out_width; pixels > 0;) {
        const int32_t room = MW_FEW_WINDOWS - layer.pixels;
        const int32_t inside = mw_windows_inside_mve(&window, top, left, left_end, stride_w);
        const int32_t copied = mw_max_i32(mw_min_i32(inside, room), 1);
        int8_t *to = windows + layer.pixels * window_bytes;
        if (inside > 0) {
            const int8_t *from = x + (top * width + left) * depth;
            for (int32_t i = copied; i > 0; i--) {
                mw_copy_rows_mve(from, to, kh, kw * depth, width * depth);
                from += stride_w * depth;
                to += window_bytes;
            }
        } else {
            mw_copy_clipped_window_s8_mve(x, &window, top, left, to);
        }
        pixels -= copied;
        left += copied * stride_w;
        top += left == left_end ? stride_h : 0;
        left = left == left_end ? -pad_left : left;
        layer.pixels += copied;
        if (layer.pixels == MW_FEW_WINDOWS || pixels == 0) {
            mw_matmul_few_mve(&layer, vectors, form);
            layer.y += layer.pixels * channels;
            layer.pixels = 0;
        }
    }
}

#endif
