/* SPDX-License-Identifier: MIT */
/* Fully connected layer most of whose blocks of 8 channels x 16 inputs are zeros, on Helium.
 *
 * A block is kept where one of its weights is not zero; before it stands how many bytes of inputs
 * further it is than the one before. Registers are those of mw_fully_connected_s8_mve.h, but r11,
 * which holds that distance. Per kept block (128 multiplications): 9 loads, 8 VMLADAVA, 2 for its
 * place, one half of 2 for the loop. Per 8 outputs 1 more than there. */
#ifndef MW_FULLY_CONNECTED_SPARSE_S8_MVE_H
#define MW_FULLY_CONNECTED_SPARSE_S8_MVE_H

#include "mw_fully_connected_s8_mve.h"

/* A layer's weights: for every eight channels how many blocks are kept, less one, their biases, and
 * the blocks, each behind its distance. The number of turns is not used. The assembly knows the
 * order. */

#if MW_HAS_MVE

#define MW_DENSE_SPARSE_STEP(mac)                                                              \
    "ldr r11, [r1], #4\n"                                                                      \
    "add r3, r3, r11\n"                                                                        \
    "vldrb.8 q0, [r3]\n"                                                                       \
    "vldrb.8 q1, [r1], #16\n" mac " r0, q0, q1\n"                                              \
    "vldrb.8 q2, [r1], #16\n" mac " r8, q0, q2\n"                                              \
    "vldrb.8 q1, [r1], #16\n" mac " r2, q0, q1\n"                                              \
    "vldrb.8 q2, [r1], #16\n" mac " r10, q0, q2\n"                                             \
    "vldrb.8 q1, [r1], #16\n" mac " r4, q0, q1\n"                                              \
    "vldrb.8 q2, [r1], #16\n" mac " r12, q0, q2\n"                                             \
    "vldrb.8 q1, [r1], #16\n" mac " r6, q0, q1\n"                                              \
    "vldrb.8 q2, [r1], #16\n" mac " lr, q0, q2\n"

#define MW_DENSE_SPARSE(form, outputs)                                                         \
    static MW_ASSEMBLY void mw_dense_sparse_mve_##form(                                        \
        const mw_dense_s8_mve *layer __attribute__((unused)))                                  \
    {                                                                                          \
        MW_DENSE("ldr r6, [r0, #12]\n"                                                         \
                 "stm sp, {r2, r3, r4, r6}\n",                                                 \
                 MW_DENSE_AHEAD,                                                               \
                 "ldr r3, [sp]\n"                                                              \
                 "ldr r9, [r1], #4\n",                                                         \
                 MW_STEPS_BY_TWOS, MW_DENSE_SPARSE_STEP, "vmladav.s8",                         \
                 "ldr r11, [sp, #12]\n", outputs, MW_DENSE_NEXT);                              \
    }

MW_DENSE_SPARSE(plain, MW_DENSE_OUTPUTS_PLAIN)
MW_DENSE_SPARSE(relu, MW_DENSE_OUTPUTS_RELU)
MW_DENSE_SPARSE(relu_clamped, MW_DENSE_OUTPUTS_RELU_CLAMPED)
MW_DENSE_SPARSE(any, MW_DENSE_OUTPUTS_ANY)

#endif

MW_INLINE void mw_dense_row_sparse_mve(const mw_dense_s8_mve *layer, int32_t form)
{
#if MW_HAS_MVE
    MW_MVE_CALL(mw_dense_sparse_mve, form, layer);
#else
    const int8_t *weights = layer->weights;
    for (int32_t first = 0; first < layer->channels; first += 8) {
        const int32_t kept = mw_load_i32(weights) + 1;
        const int8_t *blocks = weights + 4 + 32;
        for (int32_t c = first; c < mw_min_i32(first + 8, layer->channels); c++) {
            const int32_t place = mw_dense_place_mve(c & 7);
            int32_t sum = mw_load_i32(weights + 4 + 4 * place);
            const int8_t *x = layer->x;
            for (int32_t b = 0; b < kept; b++) {
                const int8_t *block = blocks + b * (4 + 8 * MW_VECTOR);
                x += mw_load_i32(block);
                for (int32_t i = 0; i < MW_VECTOR; i++) {
                    sum += x[i] * block[4 + MW_VECTOR * (c & 7) + i];
                }
            }
            const int32_t *scales = layer->scales + (first >> 3) * layer->step / 4 + place;
            layer->y[c] =
                mw_rescale_s8_mve(sum, scales, 8, layer->zero, layer->low, layer->high, form);
        }
        weights = blocks + kept * (4 + 8 * MW_VECTOR);
    }
#endif
}

/* The depth is a multiple of 16. */
MW_INLINE void mw_fully_connected_sparse_s8_mve(const int8_t *x, int8_t *y, const int8_t *weights,
                                                const int32_t *scales, int32_t rows,
                                                int32_t depth, int32_t channels, int32_t step,
                                                int32_t zero, int32_t low, int32_t high,
                                                int32_t form)
{
    mw_dense_s8_mve layer =
        MW_DENSE_LAYER(x, 1, channels, weights, scales, y, step, zero, low, high);
    for (; rows > 0; rows--) {
        mw_dense_row_sparse_mve(&layer, form);
        layer.x += depth;
        layer.y += channels;
    }
}

#endif
