/* SPDX-License-Identifier: MIT */
/* Fully connected layer of int4 or int2 weights, eight outputs at a time.
 *
 * Registers are those of mw_fully_connected_s8_mve.h. Per 16 inputs (128 multiplications), as with
 * int8: int4 4 loads of weights and 4 VRSHR, int2 2 and 6; a load of inputs, 8 VMLADAVA, a
 * quarter of 2 for the loop = 17.5 instructions, 0.137 per multiplication. Per 8 outputs 4 (int2:
 * 6) more than there. */
#ifndef MW_FULLY_CONNECTED_SUBBYTE_MVE_H
#define MW_FULLY_CONNECTED_SUBBYTE_MVE_H

#include "mw_fully_connected_s8_mve.h"
#include "mw_subbyte_mve.h"

/* layer.weights: for every eight channels their biases (32 bytes), then for each vector of inputs
 * four vectors of bytes, of channels k and k + 4 (int4), or two, of channels k, k + 2, k + 4 and k
 * + 6 (int2); the lowest digit is the first channel's. The assembly knows the order. */
typedef struct {
    mw_dense_s8_mve layer;
    int32_t starts[8]; /* in the order of the biases */
} mw_dense_subbyte_mve;

#if MW_HAS_MVE

#define MW_INT4_DENSE_STEP(mac, drop)                                                          \
    "vldrb.8 q1, [r1], #16\n"                                                                  \
    "vldrb.8 q0, [r3], #16\n" mac " r0, q0, q1\n" drop " q2, q1, #4\n"                         \
    "vldrb.8 q1, [r1], #16\n" mac " r4, q0, q2\n" mac " r8, q0, q1\n" drop " q2, q1, #4\n"     \
    "vldrb.8 q1, [r1], #16\n" mac " r12, q0, q2\n" mac " r2, q0, q1\n" drop " q2, q1, #4\n"    \
    "vldrb.8 q1, [r1], #16\n" mac " r6, q0, q2\n" mac " r10, q0, q1\n" drop " q2, q1, #4\n"    \
    mac " lr, q0, q2\n"

#define MW_INT4_DENSE_MERGE                                                                    \
    "sub r0, r0, r4, lsl #4\n"                                                                 \
    "sub r2, r2, r6, lsl #4\n"                                                                 \
    "sub r8, r8, r12, lsl #4\n"                                                                \
    "sub r10, r10, lr, lsl #4\n"

#define MW_INT2_DENSE_STEP(mac, drop)                                                          \
    "vldrb.8 q1, [r1], #16\n"                                                                  \
    "vldrb.8 q0, [r3], #16\n" mac " r0, q0, q1\n" drop " q2, q1, #2\n" mac " r2, q0, q2\n"     \
    drop " q1, q2, #2\n" mac " r4, q0, q1\n" drop " q2, q1, #2\n"                              \
    "vldrb.8 q1, [r1], #16\n" mac " r6, q0, q2\n" mac " r8, q0, q1\n" drop " q2, q1, #2\n"     \
    mac " r10, q0, q2\n" drop " q1, q2, #2\n" mac " r12, q0, q1\n" drop " q2, q1, #2\n"        \
    mac " lr, q0, q2\n"

#define MW_INT2_DENSE_MERGE                                                                    \
    "sub r0, r0, r2, lsl #2\n"                                                                 \
    "sub r2, r2, r4, lsl #2\n"                                                                 \
    "sub r4, r4, r6, lsl #2\n"                                                                 \
    "sub r8, r8, r10, lsl #2\n"                                                                \
    "sub r10, r10, r12, lsl #2\n"                                                              \
    "sub r12, r12, lr, lsl #2\n"

#define MW_INT4_DENSE(mac) MW_INT4_DENSE_STEP(mac, MW_SUBBYTE_DROP)
#define MW_INT4_DENSE_FULL(mac) MW_INT4_DENSE_STEP(mac, MW_SUBBYTE_DROP_FULL)
#define MW_INT2_DENSE(mac) MW_INT2_DENSE_STEP(mac, MW_SUBBYTE_DROP)
#define MW_INT2_DENSE_FULL(mac) MW_INT2_DENSE_STEP(mac, MW_SUBBYTE_DROP_FULL)

#define MW_DENSE_SUBBYTE(bits, form, outputs)                                                  \
    MW_STEPS_FUNCTION mw_int##bits##_dense_mve_##form(                                         \
        const mw_dense_subbyte_mve *some __attribute__((unused)))                              \
    {                                                                                          \
        MW_DENSE(MW_DENSE_ENTER, MW_DENSE_AHEAD, MW_DENSE_START, MW_STEPS,                     \
                 MW_INT##bits##_DENSE, MW_SUBBYTE_FIRST, MW_INT##bits##_DENSE_MERGE, outputs,  \
                 MW_DENSE_NEXT);                                                               \
    }                                                                                          \
    MW_STEPS_FUNCTION mw_int##bits##_dense_full_mve_##form(                                    \
        const mw_dense_subbyte_mve *some __attribute__((unused)))                              \
    {                                                                                          \
        MW_DENSE("add r6, r0, #36\n"                                                           \
                 "str r6, [sp, #16]\n" MW_DENSE_ENTER,                                         \
                 MW_DENSE_AHEAD,                                                               \
                 "ldr r9, [sp, #16]\n"                                                         \
                 "ldm r9, {r0, r2, r4, r6, r8, r10, r12, lr}\n" MW_DENSE_START,                \
                 MW_STEPS, MW_INT##bits##_DENSE_FULL, MW_SUBBYTE_FIRST_FULL,                   \
                 MW_INT##bits##_DENSE_MERGE, outputs, MW_DENSE_NEXT);                          \
    }

MW_DENSE_SUBBYTE(4, plain, MW_DENSE_OUTPUTS_PLAIN)
MW_DENSE_SUBBYTE(4, relu, MW_DENSE_OUTPUTS_RELU)
MW_DENSE_SUBBYTE(4, relu_clamped, MW_DENSE_OUTPUTS_RELU_CLAMPED)
MW_DENSE_SUBBYTE(4, any, MW_DENSE_OUTPUTS_ANY)
MW_DENSE_SUBBYTE(2, plain, MW_DENSE_OUTPUTS_PLAIN)
MW_DENSE_SUBBYTE(2, relu, MW_DENSE_OUTPUTS_RELU)
MW_DENSE_SUBBYTE(2, relu_clamped, MW_DENSE_OUTPUTS_RELU_CLAMPED)
MW_DENSE_SUBBYTE(2, any, MW_DENSE_OUTPUTS_ANY)

#else

/* The weight of channel `c` for input `i`; a block of `bytes` bytes holds eight channels. */
MW_INLINE int32_t mw_subbyte_dense_weight(const mw_dense_subbyte_mve *some, int32_t c, int32_t i,
                                          int32_t bytes, int32_t bits, int32_t full)
{
    const int8_t *block = some->layer.weights + (c >> 3) * bytes + 32;
    const int32_t shared = bits == 4 ? 4 : 2; /* vectors of bytes for each of inputs */
    const int32_t vector = (i / MW_VECTOR) * shared + (c & (shared - 1));
    const int32_t place = (c & 7) / shared;
    return mw_subbyte_digit_mve(block[MW_VECTOR * vector + i % MW_VECTOR], place, bits, full);
}

#endif

/* bits: 4 or 2. */
MW_INLINE void mw_dense_row_subbyte_mve(const mw_dense_subbyte_mve *some, int32_t form,
                                        int32_t bits, int32_t full)
{
#if MW_HAS_MVE
    if (bits == 4 && full) {
        MW_MVE_CALL(mw_int4_dense_full_mve, form, some);
    } else if (bits == 4) {
        MW_MVE_CALL(mw_int4_dense_mve, form, some);
    } else if (full) {
        MW_MVE_CALL(mw_int2_dense_full_mve, form, some);
    } else {
        MW_MVE_CALL(mw_int2_dense_mve, form, some);
    }
#else
    const mw_dense_s8_mve *layer = &some->layer;
    const int32_t depth = (layer->turns + 1) * MW_VECTOR;
    const int32_t bytes = 32 + depth * bits;
    for (int32_t c = 0; c < layer->channels; c++) {
        const int32_t *scales = layer->scales + (c >> 3) * layer->step / 4 + mw_dense_place_mve(c);
        int32_t sum = mw_load_i32(layer->weights + (c >> 3) * bytes + 4 * mw_dense_place_mve(c));
        for (int32_t i = 0; i < depth; i++) {
            sum += layer->x[i] * mw_subbyte_dense_weight(some, c, i, bytes, bits, full);
        }
        layer->y[c] =
            mw_rescale_s8_mve(sum, scales, 8, layer->zero, layer->low, layer->high, form);
    }
#endif
}

MW_INLINE void mw_fully_connected_subbyte_mve(const int8_t *x, int8_t *y, const int8_t *weights,
                                              const int32_t *scales, int32_t rows, int32_t depth,
                                              int32_t vectors, int32_t channels, int32_t step,
                                              int32_t zero, int32_t low, int32_t high,
                                              int32_t form, int32_t bits, int32_t full)
{
    mw_dense_subbyte_mve some = {
        MW_DENSE_LAYER(x, vectors, channels, weights, scales, y, step, zero, low, high), {0}};
    for (int32_t r = 0; r < rows; r++) {
        if (full) {
            const int32_t sum = mw_sum_mve(some.layer.x, vectors);
            for (int32_t c = 0; c < 8; c++) {
                some.starts[mw_dense_place_mve(c)] =
                    mw_subbyte_start_mve(sum, bits == 4 ? c / 4 : c / 2, bits);
            }
        }
        mw_dense_row_subbyte_mve(&some, form, bits, full);
        some.layer.x += depth;
        some.layer.y += channels;
    }
}

/* The same where the depth is no multiple of 16: a row goes to scratch memory first, which has
 * room for whole vectors. */
MW_INLINE void mw_fully_connected_copied_subbyte_mve(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *weights, const int32_t *scales,
    int32_t rows, int32_t depth, int32_t vectors, int32_t channels, int32_t step, int32_t zero,
    int32_t low, int32_t high, int32_t form, int32_t bits, int32_t full)
{
    for (int32_t r = 0; r < rows; r++) {
        mw_copy_mve(scratch, x, depth);
        mw_fully_connected_subbyte_mve(scratch, y, weights, scales, 1, depth, vectors, channels,
                                       step, zero, low, high, form, bits, full);
        x += depth;
        y += channels;
    }
}

#endif
