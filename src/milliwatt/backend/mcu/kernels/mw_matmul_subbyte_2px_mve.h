/* SPDX-License-Identifier: MIT */
/* Two pixels times all filters of int4 or int2 weights: four filters at a time, eight sums.
 *
 * Registers are those of mw_matmul_s8_2px_mve.h, channels in their order. Per 16 inputs (128
 * multiplications), as with int8: int4 2 loads of weights and 2 VRSHR, int2 1 and 3; 2 loads of
 * inputs, 8 VMLADAVA, a quarter of 2 for the loop = 14.5 instructions, 0.113 per multiplication.
 * Per 8 outputs 4 (int2: 6) more than there. */
#ifndef MW_MATMUL_SUBBYTE_2PX_MVE_H
#define MW_MATMUL_SUBBYTE_2PX_MVE_H

#include "mw_matmul_s8_2px_mve.h"
#include "mw_subbyte_mve.h"

/* layer.weights: for every four channels their biases (16 bytes), then for each vector of inputs
 * the vectors of bytes of channels 0 and 2, and of 1 and 3 (int4), or one of all four (int2); the
 * lowest digit is the first channel's. starts: of the first pixel's four sums, then the second's.
 * The assembly knows the order. */
typedef struct {
    mw_matmul_s8_mve layer;
    int32_t starts[8];
} mw_matmul_subbyte_mve;

#if MW_HAS_MVE

#define MW_INT4_2PX_STEP(mac, drop)                                                            \
    "vldrb.8 q2, [r1], #16\n"                                                                  \
    "vldrb.8 q0, [r3], #16\n" mac " r0, q0, q2\n"                                              \
    "vldrb.8 q1, [r5], #16\n" mac " r8, q1, q2\n" drop " q2, q2, #4\n"                         \
    "vldrb.8 q3, [r1], #16\n" mac " r4, q0, q2\n" mac " r12, q1, q2\n" mac " r2, q0, q3\n"     \
    mac " r10, q1, q3\n" drop " q3, q3, #4\n" mac " r6, q0, q3\n" mac " lr, q1, q3\n"

#define MW_INT4_2PX_MERGE                                                                      \
    "sub r0, r0, r4, lsl #4\n"                                                                 \
    "sub r2, r2, r6, lsl #4\n"                                                                 \
    "sub r8, r8, r12, lsl #4\n"                                                                \
    "sub r10, r10, lr, lsl #4\n"

#define MW_INT2_2PX_STEP(mac, drop)                                                            \
    "vldrb.8 q2, [r1], #16\n"                                                                  \
    "vldrb.8 q0, [r3], #16\n" mac " r0, q0, q2\n" drop " q3, q2, #2\n"                         \
    "vldrb.8 q1, [r5], #16\n" mac " r8, q1, q2\n" mac " r2, q0, q3\n" drop " q2, q3, #2\n"     \
    mac " r10, q1, q3\n" mac " r4, q0, q2\n" drop " q3, q2, #2\n" mac " r12, q1, q2\n"         \
    mac " r6, q0, q3\n" mac " lr, q1, q3\n"

#define MW_INT2_2PX_MERGE                                                                      \
    "sub r0, r0, r2, lsl #2\n"                                                                 \
    "sub r2, r2, r4, lsl #2\n"                                                                 \
    "sub r4, r4, r6, lsl #2\n"                                                                 \
    "sub r8, r8, r10, lsl #2\n"                                                                \
    "sub r10, r10, r12, lsl #2\n"                                                              \
    "sub r12, r12, lr, lsl #2\n"

#define MW_INT4_2PX(mac) MW_INT4_2PX_STEP(mac, MW_SUBBYTE_DROP)
#define MW_INT4_2PX_FULL(mac) MW_INT4_2PX_STEP(mac, MW_SUBBYTE_DROP_FULL)
#define MW_INT2_2PX(mac) MW_INT2_2PX_STEP(mac, MW_SUBBYTE_DROP)
#define MW_INT2_2PX_FULL(mac) MW_INT2_2PX_STEP(mac, MW_SUBBYTE_DROP_FULL)

#define MW_MATMUL_SUBBYTE_2PX(bits, form, outputs)                                             \
    MW_STEPS_FUNCTION mw_int##bits##_2px_mve_##form(                                           \
        const mw_matmul_subbyte_mve *some __attribute__((unused)))                             \
    {                                                                                          \
        MW_MATMUL_2PX("", "", MW_INT##bits##_2PX, MW_SUBBYTE_FIRST,           \
                      MW_INT##bits##_2PX_MERGE, outputs);                                      \
    }                                                                                          \
    MW_STEPS_FUNCTION mw_int##bits##_2px_full_mve_##form(                                      \
        const mw_matmul_subbyte_mve *some __attribute__((unused)))                             \
    {                                                                                          \
        MW_MATMUL_2PX("add r6, r0, #32\n"                                                      \
                      "str r6, [sp, #24]\n",                                                   \
                      "ldr r11, [sp, #24]\n"                                                   \
                      "ldm r11, {r0, r2, r4, r6, r8, r10, r12, lr}\n",                         \
                      MW_INT##bits##_2PX_FULL, MW_SUBBYTE_FIRST_FULL,                          \
                      MW_INT##bits##_2PX_MERGE, outputs);                                      \
    }

MW_MATMUL_SUBBYTE_2PX(4, plain, MW_MVE_OUTPUTS_PLAIN)
MW_MATMUL_SUBBYTE_2PX(4, relu, MW_MVE_OUTPUTS_RELU)
MW_MATMUL_SUBBYTE_2PX(4, relu_clamped, MW_MVE_OUTPUTS_RELU_CLAMPED)
MW_MATMUL_SUBBYTE_2PX(4, any, MW_MVE_OUTPUTS_ANY)
MW_MATMUL_SUBBYTE_2PX(2, plain, MW_MVE_OUTPUTS_PLAIN)
MW_MATMUL_SUBBYTE_2PX(2, relu, MW_MVE_OUTPUTS_RELU)
MW_MATMUL_SUBBYTE_2PX(2, relu_clamped, MW_MVE_OUTPUTS_RELU_CLAMPED)
MW_MATMUL_SUBBYTE_2PX(2, any, MW_MVE_OUTPUTS_ANY)

#else

/* The weight of channel `c` for input `i`; a block of `bytes` bytes holds four channels. */
MW_INLINE int32_t mw_subbyte_2px_weight(const mw_matmul_subbyte_mve *some, int32_t c, int32_t i,
                                        int32_t bytes, int32_t bits, int32_t full)
{
    const int8_t *block = some->layer.weights + (c >> 2) * bytes + 16;
    const int32_t shared = bits == 4 ? 2 : 1; /* vectors of bytes for each of inputs */
    const int32_t vector = (i / MW_VECTOR) * shared + (c & (shared - 1));
    const int32_t place = (c & 3) / shared;
    return mw_subbyte_digit_mve(block[MW_VECTOR * vector + i % MW_VECTOR], place, bits, full);
}

#endif

/* bits: 4 or 2. */
MW_INLINE void mw_matmul_subbyte_2px_mve(const mw_matmul_subbyte_mve *some, int32_t form,
                                         int32_t bits, int32_t full)
{
#if MW_HAS_MVE
    if (bits == 4 && full) {
        MW_MVE_CALL(mw_int4_2px_full_mve, form, some);
    } else if (bits == 4) {
        MW_MVE_CALL(mw_int4_2px_mve, form, some);
    } else if (full) {
        MW_MVE_CALL(mw_int2_2px_full_mve, form, some);
    } else {
        MW_MVE_CALL(mw_int2_2px_mve, form, some);
    }
#else
    const mw_matmul_s8_mve *layer = &some->layer;
    const int32_t depth = (layer->turns + 1) * MW_VECTOR;
    const int32_t bytes = 16 + 4 * depth * bits / 8;
    for (int32_t c = 0; c < layer->channels; c++) {
        const int32_t *scales =
            layer->scales + (c >> 2) * 4 * mw_scale_words_mve(form) + (c & 3);
        int32_t sums[2];
        sums[0] = sums[1] = mw_load_i32(layer->weights + (c >> 2) * bytes + 4 * (c & 3));
        for (int32_t i = 0; i < depth; i++) {
            const int32_t w = mw_subbyte_2px_weight(some, c, i, bytes, bits, full);
            sums[0] += layer->x0[i] * w;
            sums[1] += layer->x1[i] * w;
        }
        for (int32_t p = 0; p < 2; p++) {
            layer->y[c + p * layer->distance] = mw_rescale_s8_mve(
                sums[p], scales, 4, layer->zero, layer->low, layer->high, form);
        }
    }
#endif
}

/* The starts of a pixel's four sums. */
MW_INLINE void mw_matmul_subbyte_starts_mve(const int8_t *x, int32_t vectors, int32_t bits,
                                            int32_t *starts)
{
    const int32_t sum = mw_sum_mve(x, vectors);
    for (int32_t c = 0; c < 4; c++) {
        starts[c] = mw_subbyte_start_mve(sum, bits == 4 ? c / 2 : c, bits);
    }
}

#endif
