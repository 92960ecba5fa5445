/* SPDX-License-Identifier: MIT */
/* Winograd's F(4x4, 3x3) on Helium: into the transformed domain, the products there, and out of it.
 *
 * The matrices and their ranges are those of mw_winograd_tiles_4x4_dsp.h: transformed inputs, at
 * most 100 * 128, and weights, at most 49 * 128, fit 16 bits, and sums wrap modulo 2**32. VMLADAVA
 * adds eight products of 16 bits. Inputs: about 360 instructions for 8 channels of a tile.
 * Products: the loop of mw_matmul_s8_2px_mve.h, 15 instructions for 64, and 14 for eight sums.
 * Outputs: about 7 each, rescaled. */
#ifndef MW_WINOGRAD_MVE_H
#define MW_WINOGRAD_MVE_H

#include "mw_matmul_s8_2px_mve.h"

#if MW_HAS_MVE
#include <arm_mve.h>
#endif

/* Numbers of a transformed tile, inputs along its side, outputs along it. */
#define MW_TILE_NUMBERS 36
#define MW_TILE_INPUTS 6
#define MW_TILE_OUTPUTS 4

/* Two tiles' inputs, position after position, and four channels' weights: for each position, and
 * each 8 inputs, the channels' vectors. sums: for each position those of the first tile's four
 * channels, then the second's. The assembly knows the order. */
typedef struct {
    const int16_t *x0, *x1;
    const int16_t *weights;
    int32_t *sums;
    int32_t turns; /* vectors of a position less one */
} mw_winograd_products_mve;

#if MW_HAS_MVE

static MW_ASSEMBLY void mw_winograd_products(
    const mw_winograd_products_mve *block __attribute__((unused)))
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "sub sp, sp, #4\n"
                     "ldrd r3, r5, [r0]\n"
                     "ldrd r1, r9, [r0, #8]\n"
                     "ldr r2, [r0, #16]\n"
                     "str r2, [sp]\n"
                     "mov r7, #36\n"
                     "1:\n"
                     "ldr r11, [sp]\n" MW_MATMUL_2PX_STEP("vmladav.s16")
                     "lsrs r11, r11, #1\n"
                     "bcc 2f\n" MW_MATMUL_2PX_STEP("vmladava.s16")
                     "2:\n"
                     "beq 4f\n"
                     "3:\n" MW_MATMUL_2PX_STEP("vmladava.s16") MW_MATMUL_2PX_STEP("vmladava.s16")
                     "subs r11, r11, #1\n"
                     "bne 3b\n"
                     "4:\n"
                     "vmov q0[2], q0[0], r0, r4\n"
                     "vmov q0[3], q0[1], r2, r6\n"
                     "vmov q1[2], q1[0], r8, r12\n"
                     "vstrw.32 q0, [r9], #16\n"
                     "vmov q1[3], q1[1], r10, lr\n"
                     "vstrw.32 q1, [r9], #16\n"
                     "subs r7, r7, #1\n"
                     "bne 1b\n"
                     "add sp, sp, #4\n"
                     "pop {r4-r11, pc}\n");
}

/* B' times six vectors. */
MW_INLINE void mw_winograd_into_mve(int16x8_t *d)
{
    const int16x8_t even = vmlaq_n_s16(d[4], d[2], -4), odd = vmlaq_n_s16(d[3], d[1], -4);
    const int16x8_t fours = vsubq_s16(d[4], d[2]), threes = vsubq_s16(d[3], d[1]);
    d[0] = vmlaq_n_s16(vsubq_s16(even, d[2]), d[0], 4);
    d[5] = vmlaq_n_s16(vsubq_s16(d[5], odd), d[3], -4);
    d[1] = vaddq_s16(even, odd);
    d[2] = vsubq_s16(even, odd);
    d[3] = vmlaq_n_s16(fours, threes, 2);
    d[4] = vmlaq_n_s16(fours, threes, -2);
}

/* A tile's inputs, `depth` channels a multiple of 8, transformed: [positions, depth]. */
static MW_NOINLINE __attribute__((unused)) void mw_winograd_input_mve(const int8_t *x,
                                                                      int32_t row_bytes,
                                                                      int32_t depth, int16_t *to)
{
    MW_BARRIER();
    for (int32_t c = 0; c < depth; c += 8) {
        int16_t columns[MW_TILE_NUMBERS][8];
        int16x8_t d[MW_TILE_INPUTS];
        for (int32_t j = 0; j < MW_TILE_INPUTS; j++) {
            const int8_t *from = x + j * depth + c;
            MW_UNROLL
            for (int32_t i = 0; i < MW_TILE_INPUTS; i++) {
                d[i] = vldrbq_s16(from);
                from += row_bytes;
            }
            mw_winograd_into_mve(d);
            MW_UNROLL
            for (int32_t i = 0; i < MW_TILE_INPUTS; i++) {
                vst1q_s16(columns[MW_TILE_INPUTS * i + j], d[i]);
            }
        }
        int16_t *out = to + c;
        for (int32_t i = 0; i < MW_TILE_INPUTS; i++) {
            MW_UNROLL
            for (int32_t j = 0; j < MW_TILE_INPUTS; j++) {
                d[j] = vld1q_s16(columns[MW_TILE_INPUTS * i + j]);
            }
            mw_winograd_into_mve(d);
            MW_UNROLL
            for (int32_t j = 0; j < MW_TILE_INPUTS; j++) {
                vst1q_s16(out, d[j]);
                out += depth;
            }
        }
    }
}

/* A' times six vectors, modulo 2**32: the first four are the result. */
MW_INLINE void mw_winograd_out_mve(int32x4_t *m)
{
    const int32x4_t a = vaddq_s32(m[1], m[2]), b = vsubq_s32(m[1], m[2]);
    const int32x4_t c = vaddq_s32(m[3], m[4]), d = vsubq_s32(m[3], m[4]);
    m[0] = vaddq_s32(vmlaq_n_s32(m[0], a, 4), c);
    m[1] = vmlaq_n_s32(d, b, 2);
    m[2] = vaddq_s32(a, c);
    m[3] = vaddq_s32(vmlaq_n_s32(b, d, 2), m[5]);
}

/* Four channels' outputs of a sum in each lane. */
MW_INLINE int32x4_t mw_winograd_rescaled_mve(int32x4_t sum, const int32_t *scales, int32_t form)
{
    if (form != MW_MVE_ANY) {
        sum = vqrdmulhq_s32(sum, vld1q_s32(scales));
        if (form == MW_MVE_PLAIN) {
            sum = vaddq_s32(sum, vshrq_n_s32(sum, 31));
        }
        return vrshlq_s32(sum, vld1q_s32(scales + 4));
    }
    sum = vqrdmulhq_s32(vshlq_s32(sum, vld1q_s32(scales)), vld1q_s32(scales + 4));
    const uint32x4_t sign = vshlq_u32(vreinterpretq_u32_s32(sum), vld1q_s32(scales + 8));
    return vrshlq_s32(vsubq_s32(sum, vreinterpretq_s32_u32(sign)), vld1q_s32(scales + 12));
}

#else

MW_INLINE void mw_winograd_products(const mw_winograd_products_mve *block)
{
    const int32_t depth = (block->turns + 1) * 8;
    for (int32_t p = 0; p < MW_TILE_NUMBERS; p++) {
        for (int32_t c = 0; c < 4; c++) {
            uint32_t first = 0, second = 0;
            for (int32_t i = 0; i < depth; i++) {
                const int32_t at = p * depth + i;
                const int32_t w = block->weights[(at & ~7) * 4 + 8 * c + (at & 7)];
                first += (uint32_t)(block->x0[at] * w);
                second += (uint32_t)(block->x1[at] * w);
            }
            block->sums[8 * p + c] = (int32_t)first;
            block->sums[8 * p + 4 + c] = (int32_t)second;
        }
    }
}

/* B' times six numbers `step` apart, in place. */
MW_INLINE void mw_winograd_into_mve(int32_t *d, int32_t step)
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

MW_INLINE void mw_winograd_input_mve(const int8_t *x, int32_t row_bytes, int32_t depth,
                                     int16_t *to)
{
    for (int32_t c = 0; c < depth; c++) {
        int32_t d[MW_TILE_NUMBERS];
        for (int32_t p = 0; p < MW_TILE_NUMBERS; p++) {
            d[p] = x[p / MW_TILE_INPUTS * row_bytes + p % MW_TILE_INPUTS * depth + c];
        }
        for (int32_t i = 0; i < MW_TILE_INPUTS; i++) {
            mw_winograd_into_mve(d + i, MW_TILE_INPUTS);
        }
        for (int32_t i = 0; i < MW_TILE_INPUTS; i++) {
            mw_winograd_into_mve(d + MW_TILE_INPUTS * i, 1);
        }
        for (int32_t p = 0; p < MW_TILE_NUMBERS; p++) {
            to[p * depth + c] = (int16_t)d[p];
        }
    }
}

/* A' times six numbers `step` apart, modulo 2**32, in place: the first four are the result. */
MW_INLINE void mw_winograd_out_mve(uint32_t *m, int32_t step)
{
    const uint32_t a = m[step] + m[2 * step], b = m[step] - m[2 * step];
    const uint32_t c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
    m[0] = m[0] + 4 * a + c;
    m[step] = 2 * b + d;
    m[2 * step] = a + c;
    m[3 * step] = b + 2 * d + m[5 * step];
}

#endif

/* 576 / (f_i f_j), f = (1, 2, 4, 4), times the sum of products comes out: 9 has an inverse, and
 * what is left is so many powers of two. */
#define MW_NINTH 0x38E38E39
MW_INLINE int32_t mw_winograd_shift_mve(int32_t i, int32_t j)
{
    return 6 - mw_min_i32(i, 2) - mw_min_i32(j, 2);
}

typedef struct {
    int8_t *y; /* of the tile's first output, and first channel */
    int32_t pixel_bytes, row_bytes;
    int32_t zero, low, high;
} mw_winograd_outputs_mve;

/* The outputs of `channels` (at most 4) channels of a tile. sums: the tile's in
 * mw_winograd_products_mve's. scales: of the four channels their biases, then what the form needs
 * (mw_requantize_mve.h). */
MW_INLINE void mw_winograd_output_mve(const int32_t *sums, const int32_t *scales,
                                      const mw_winograd_outputs_mve *out, int32_t channels,
                                      int32_t form)
{
#if MW_HAS_MVE
    int32_t rows[MW_TILE_OUTPUTS * MW_TILE_INPUTS][4];
    int32x4_t m[MW_TILE_INPUTS];
    const mve_pred16_t some = vctp32q((uint32_t)channels);
    const int32x4_t low = vdupq_n_s32(out->low), high = vdupq_n_s32(out->high);
    for (int32_t j = 0; j < MW_TILE_INPUTS; j++) {
        MW_UNROLL
        for (int32_t i = 0; i < MW_TILE_INPUTS; i++) {
            m[i] = vld1q_s32(sums + 8 * (MW_TILE_INPUTS * i + j));
        }
        mw_winograd_out_mve(m);
        MW_UNROLL
        for (int32_t i = 0; i < MW_TILE_OUTPUTS; i++) {
            vst1q_s32(rows[MW_TILE_INPUTS * i + j], m[i]);
        }
    }
    int8_t *row = out->y;
    for (int32_t i = 0; i < MW_TILE_OUTPUTS; i++) {
        MW_UNROLL
        for (int32_t j = 0; j < MW_TILE_INPUTS; j++) {
            m[j] = vld1q_s32(rows[MW_TILE_INPUTS * i + j]);
        }
        mw_winograd_out_mve(m);
        int8_t *y = row;
        MW_UNROLL
        for (int32_t j = 0; j < MW_TILE_OUTPUTS; j++) {
            int32x4_t sum = vshlq_r_s32(vmulq_n_s32(m[j], MW_NINTH), -mw_winograd_shift_mve(i, j));
            sum = vaddq_s32(sum, vld1q_s32(scales));
            sum = vaddq_n_s32(mw_winograd_rescaled_mve(sum, scales + 4, form), out->zero);
            vstrbq_p_s32(y, vminq_s32(vmaxq_s32(sum, low), high), some);
            y += out->pixel_bytes;
        }
        row += out->row_bytes;
    }
#else
    for (int32_t c = 0; c < channels; c++) {
        uint32_t m[MW_TILE_NUMBERS];
        for (int32_t p = 0; p < MW_TILE_NUMBERS; p++) {
            m[p] = (uint32_t)sums[8 * p + c];
        }
        for (int32_t j = 0; j < MW_TILE_INPUTS; j++) {
            mw_winograd_out_mve(m + j, MW_TILE_INPUTS);
        }
        for (int32_t i = 0; i < MW_TILE_OUTPUTS; i++) {
            mw_winograd_out_mve(m + MW_TILE_INPUTS * i, 1);
            for (int32_t j = 0; j < MW_TILE_OUTPUTS; j++) {
                const uint32_t left = m[MW_TILE_INPUTS * i + j] * (uint32_t)MW_NINTH;
                const int32_t sum = ((int32_t)left >> mw_winograd_shift_mve(i, j)) + scales[c];
                out->y[i * out->row_bytes + j * out->pixel_bytes + c] = mw_rescale_s8_mve(
                    sum, scales + 4 + c, 4, out->zero, out->low, out->high, form);
            }
        }
    }
#endif
}

#endif
