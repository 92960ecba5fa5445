/* SPDX-License-Identifier: MIT */
/* Fully connected layer, eight outputs at a time.
 *
 * Sums are in r0 to r14, even ones: channels 0, 2, 4 and 6, then 1, 3, 5 and 7. Odd registers
 * point: r1 weights, r3 inputs, r7 scales, r5 outputs; r9 counts, r11 is the distance of the next
 * scales. Per 16 inputs (128 multiplications): 9 loads, 8 VMLADAVA, a quarter of 2 for the loop =
 * 17.5 instructions, 0.137 per multiplication. Per 8 outputs: 27 more, 5 fewer where all channels
 * have one multiplier and shift, 1 more where saturation is not clamp enough, 4 where negative
 * numbers can be seen, and 14 in the form for any layer. */
#ifndef MW_FULLY_CONNECTED_S8_MVE_H
#define MW_FULLY_CONNECTED_S8_MVE_H

#include "mw_requantize_mve.h"

/* weights: for every eight channels their biases (32 bytes), then for each vector of inputs the
 * eight channels' vectors. scales: for every eight channels, or for all where `step` is 0, their
 * multipliers, then their shifts, or in the form for any layer left shifts, multipliers, places and
 * right shifts (mw_requantize_mve.h). Biases and scales are those of the even channels, then of the
 * odd ones. Both tables are filled up to whole blocks. The assembly knows the
 * order. */
typedef struct {
    const int8_t *x; /* whole vectors */
    int32_t loops;   /* MW_STEPS_LOOPS */
    int32_t channels;
    const int8_t *weights;
    const int32_t *scales;
    int8_t *y;
    int32_t step; /* bytes from scales to the next, or 0 */
    int32_t zero, low, high;
    int32_t skip;  /* MW_STEPS_SKIP */
    int32_t turns; /* vectors less one */
} mw_dense_s8_mve;

/* The numbers above that say how many vectors there are, of a struct's members in their order. */
#define MW_DENSE_STEP_BYTES 68
#define MW_DENSE_LAYER(x, vectors, channels, weights, scales, y, step, zero, low, high)        \
    {x, MW_STEPS_LOOPS((vectors) - 1), channels, weights, scales, y, step, zero, low, high,    \
     MW_STEPS_SKIP((vectors) - 1, MW_DENSE_STEP_BYTES), (vectors) - 1}

#if MW_HAS_MVE

#define MW_DENSE_STEP(mac)                                                                     \
    "vldrb.8 q0, [r3], #16\n"                                                                  \
    "vldrb.8 q1, [r1], #16\n" mac " r0, q0, q1\n"                                              \
    "vldrb.8 q2, [r1], #16\n" mac " r8, q0, q2\n"                                              \
    "vldrb.8 q1, [r1], #16\n" mac " r2, q0, q1\n"                                              \
    "vldrb.8 q2, [r1], #16\n" mac " r10, q0, q2\n"                                             \
    "vldrb.8 q1, [r1], #16\n" mac " r4, q0, q1\n"                                              \
    "vldrb.8 q2, [r1], #16\n" mac " r12, q0, q2\n"                                             \
    "vldrb.8 q1, [r1], #16\n" mac " r6, q0, q1\n"                                              \
    "vldrb.8 q2, [r1], #16\n" mac " lr, q0, q2\n"

/* q0 and q1, sums of eight channels whose scales r7 points to, as outputs. */
#define MW_DENSE_OUTPUTS(away, clamp)                                                          \
    "vldrw.32 q2, [r7]\n"                                                                      \
    "vldrw.32 q3, [r7, #16]\n"                                                                 \
    "vqrdmulh.s32 q0, q0, q2\n"                                                                \
    "vldrw.32 q2, [r7, #32]\n"                                                                 \
    "vqrdmulh.s32 q1, q1, q3\n"                                                                \
    "vldrw.32 q3, [r7, #48]\n"                                                                 \
    away("q0", "q4") away("q1", "q4")                                                          \
    "vrshl.s32 q0, q0, q2\n"                                                                   \
    "vrshl.s32 q1, q1, q3\n" clamp
#define MW_DENSE_OUTPUTS_PLAIN MW_DENSE_OUTPUTS(MW_MVE_AWAY, MW_MVE_SATURATE)
#define MW_DENSE_OUTPUTS_RELU MW_DENSE_OUTPUTS(MW_MVE_AWAY_RELU, MW_MVE_SATURATE)
#define MW_DENSE_OUTPUTS_RELU_CLAMPED MW_DENSE_OUTPUTS(MW_MVE_AWAY_RELU, MW_MVE_CLAMP)
#define MW_DENSE_OUTPUTS_ANY                                                                   \
    "vldrw.32 q2, [r7]\n"                                                                      \
    "vldrw.32 q3, [r7, #16]\n"                                                                 \
    "vshl.s32 q0, q0, q2\n"                                                                    \
    "vldrw.32 q2, [r7, #32]\n"                                                                 \
    "vshl.s32 q1, q1, q3\n"                                                                    \
    "vldrw.32 q3, [r7, #48]\n"                                                                 \
    "vqrdmulh.s32 q0, q0, q2\n"                                                                \
    "vldrw.32 q2, [r7, #64]\n"                                                                 \
    "vqrdmulh.s32 q1, q1, q3\n"                                                                \
    "vldrw.32 q3, [r7, #80]\n"                                                                 \
    MW_MVE_AWAY_ANY("q0", "q2", "q4") MW_MVE_AWAY_ANY("q1", "q3", "q4")                        \
    "vldrw.32 q2, [r7, #96]\n"                                                                 \
    "vldrw.32 q3, [r7, #112]\n"                                                                \
    "vrshl.s32 q0, q0, q2\n"                                                                   \
    "vrshl.s32 q1, q1, q3\n" MW_MVE_CLAMP_ANY

/* The same where all channels have one multiplier and shift. */
#define MW_DENSE_ALIKE(away, clamp)                                                            \
    "ldrd r0, r2, [r7]\n"                                                                      \
    "vqrdmulh.s32 q0, q0, r0\n"                                                                \
    "vqrdmulh.s32 q1, q1, r0\n"                                                                \
    away("q0", "q4") away("q1", "q4")                                                          \
    "vrshl.s32 q0, r2\n"                                                                       \
    "vrshl.s32 q1, r2\n" clamp
#define MW_DENSE_ALIKE_PLAIN MW_DENSE_ALIKE(MW_MVE_AWAY, MW_MVE_SATURATE)
#define MW_DENSE_ALIKE_RELU MW_DENSE_ALIKE(MW_MVE_AWAY_RELU, MW_MVE_SATURATE)
#define MW_DENSE_ALIKE_RELU_CLAMPED MW_DENSE_ALIKE(MW_MVE_AWAY_RELU, MW_MVE_CLAMP)

/* To the next block: r11 is the distance of its scales, or where they are alike the last
 * outputs. */
#define MW_DENSE_AHEAD "ldr r11, [r0, #12]\n"
#define MW_DENSE_ALIKE_AHEAD "ldr r11, [sp, #8]\n"
#define MW_DENSE_NEXT                                                                          \
    "ldr r4, [sp, #8]\n"                                                                       \
    "add r7, r7, r11\n"                                                                        \
    "cmp r5, r4\n"
#define MW_DENSE_ALIKE_NEXT "cmp r5, r11\n"

/* The loops: of `step(mac)` for each vector, by `steps`, then `merge`, then `outputs` and `next`.
 * Before the first step, whose VMLADAVA is `first`, comes `start`, which loads r3 and r9; `enter`
 * and `ahead` are at the very beginning, where r0 points behind the channels, and keep r2 to r4 on
 * the stack and load r11. */
#define MW_DENSE_ENTER                                                                         \
    "ldr r6, [r0, #28]\n" MW_STEPS_ENTRY("r8")                                                 \
    "add r6, r6, r8\n"                                                                         \
    "stm sp, {r2, r3, r4, r6}\n"
#define MW_DENSE_START "ldrd r3, r9, [sp]\n"
#define MW_DENSE(enter, ahead, start, steps, step, first, merge, outputs, next)                \
    __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                     "vpush {d8-d15}\n"                                                        \
                     "sub sp, sp, #24\n"                                                       \
                     "ldm r0!, {r2-r4}\n"                                                      \
                     "ldr r1, [r0]\n"                                                          \
                     "ldrd r7, r5, [r0, #4]\n"                                                 \
                     "add r4, r4, r5\n"                                                        \
                     "subs r4, r4, #8\n"                                                       \
                     enter                                                                     \
                     ahead                                                                     \
                     "ldr r2, [r0, #16]\n"                                                     \
                     "ldrd r4, r6, [r0, #20]\n"                                                \
                     "vdup.16 q5, r2\n"                                                        \
                     "vdup.16 q6, r4\n"                                                        \
                     "vdup.16 q7, r6\n"                                                        \
                     "1:\n"                                                                    \
                     start                                                                     \
                     "vldrw.32 q3, [r1], #16\n"                                                \
                     "vldrw.32 q4, [r1], #16\n"                                                \
                     steps("r9", "[sp, #12]", step, first)                                     \
                     merge                                                                     \
                     "vmov q0[2], q0[0], r0, r4\n"                                             \
                     "vmov q0[3], q0[1], r2, r6\n"                                             \
                     "vmov q1[2], q1[0], r8, r12\n"                                            \
                     "vadd.i32 q0, q0, q3\n"                                                   \
                     "vmov q1[3], q1[1], r10, lr\n"                                            \
                     "vadd.i32 q1, q1, q4\n"                                                   \
                     outputs                                                                   \
                     next                                                                      \
                     "bhi 5f\n"                                                                \
                     "vstrb.16 q0, [r5], #8\n"                                                 \
                     "blo 1b\n"                                                                \
                     "b 6f\n"                                                                  \
                     "5:\n"                                                                    \
                     "ldr r4, [sp, #8]\n"                                                      \
                     "adds r4, r4, #8\n"                                                       \
                     "subs r4, r4, r5\n"                                                       \
                     "vctp.16 r4\n"                                                            \
                     "vpst\n"                                                                  \
                     "vstrbt.16 q0, [r5]\n"                                                    \
                     "6:\n"                                                                    \
                     "add sp, sp, #24\n"                                                       \
                     "vpop {d8-d15}\n"                                                         \
                     "pop {r4-r11, pc}\n")

#define MW_DENSE_S8(name, ahead, outputs, next)                                                \
    MW_STEPS_FUNCTION mw_dense_s8_mve_##name(                                                  \
        const mw_dense_s8_mve *layer __attribute__((unused)))                                  \
    {                                                                                          \
        MW_DENSE(MW_DENSE_ENTER, ahead, MW_DENSE_START, MW_STEPS, MW_DENSE_STEP, "vmladav.s8", \
                 "", outputs, next);                                                           \
    }

MW_DENSE_S8(plain, MW_DENSE_AHEAD, MW_DENSE_OUTPUTS_PLAIN, MW_DENSE_NEXT)
MW_DENSE_S8(relu, MW_DENSE_AHEAD, MW_DENSE_OUTPUTS_RELU, MW_DENSE_NEXT)
MW_DENSE_S8(relu_clamped, MW_DENSE_AHEAD, MW_DENSE_OUTPUTS_RELU_CLAMPED, MW_DENSE_NEXT)
MW_DENSE_S8(any, MW_DENSE_AHEAD, MW_DENSE_OUTPUTS_ANY, MW_DENSE_NEXT)
MW_DENSE_S8(alike_plain, MW_DENSE_ALIKE_AHEAD, MW_DENSE_ALIKE_PLAIN, MW_DENSE_ALIKE_NEXT)
MW_DENSE_S8(alike_relu, MW_DENSE_ALIKE_AHEAD, MW_DENSE_ALIKE_RELU, MW_DENSE_ALIKE_NEXT)
MW_DENSE_S8(alike_relu_clamped, MW_DENSE_ALIKE_AHEAD, MW_DENSE_ALIKE_RELU_CLAMPED,
            MW_DENSE_ALIKE_NEXT)

#endif

/* Where in a block the bias and the scales of channel `c` are. */
MW_INLINE int32_t mw_dense_place_mve(int32_t c) { return 4 * (c & 1) + ((c >> 1) & 3); }

/* alike: 1 where all channels have one multiplier and shift, which `scales` then are; not in the
 * form for any layer. */
MW_INLINE void mw_dense_row_s8_mve(const mw_dense_s8_mve *layer, int32_t form, int32_t alike)
{
#if MW_HAS_MVE
    if (!alike) {
        MW_MVE_CALL(mw_dense_s8_mve, form, layer);
    } else if (form == MW_MVE_RELU) {
        mw_dense_s8_mve_alike_relu(layer);
    } else if (form == MW_MVE_PLAIN) {
        mw_dense_s8_mve_alike_plain(layer);
    } else {
        mw_dense_s8_mve_alike_relu_clamped(layer);
    }
#else
    const int32_t depth = (layer->turns + 1) * MW_VECTOR;
    for (int32_t c = 0; c < layer->channels; c++) {
        const int8_t *block = layer->weights + (c >> 3) * (8 * depth + 32);
        const int32_t at = (c >> 3) * layer->step / 4 + mw_dense_place_mve(c);
        const int32_t *scales = layer->scales + (alike ? 0 : at);
        int32_t sum = mw_load_i32(block + 4 * mw_dense_place_mve(c));
        for (int32_t i = 0; i < depth; i++) {
            sum += layer->x[i] * block[32 + 128 * (i / 16) + 16 * (c & 7) + i % 16];
        }
        layer->y[c] =
            mw_rescale_s8_mve(sum, scales, alike ? 1 : 8, layer->zero, layer->low, layer->high,
                              form);
    }
#endif
}

MW_INLINE void mw_fully_connected_s8_mve(const int8_t *x, int8_t *y, const int8_t *weights,
                                         const int32_t *scales, int32_t rows, int32_t depth,
                                         int32_t vectors, int32_t channels, int32_t step,
                                         int32_t zero, int32_t low, int32_t high, int32_t form,
                                         int32_t alike)
{
    mw_dense_s8_mve layer =
        MW_DENSE_LAYER(x, vectors, channels, weights, scales, y, step, zero, low, high);
    for (int32_t r = 0; r < rows; r++) {
        mw_dense_row_s8_mve(&layer, form, alike);
        layer.x += depth;
        layer.y += channels;
    }
}

/* The same where the depth is no multiple of 16: a row goes to scratch memory first, which has
 * room for whole vectors. */
MW_INLINE void mw_fully_connected_copied_s8_mve(const int8_t *x, int8_t *y, void *scratch,
                                                const int8_t *weights, const int32_t *scales,
                                                int32_t rows, int32_t depth, int32_t vectors,
                                                int32_t channels, int32_t step, int32_t zero,
                                                int32_t low, int32_t high, int32_t form,
                                                int32_t alike)
{
    mw_dense_s8_mve layer =
        MW_DENSE_LAYER(scratch, vectors, channels, weights, scales, y, step, zero, low, high);
    for (int32_t r = 0; r < rows; r++) {
        mw_copy_mve(scratch, x, depth);
        mw_dense_row_s8_mve(&layer, form, alike);
        x += depth;
        layer.y += channels;
    }
}

#endif
