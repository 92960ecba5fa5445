/* SPDX-License-Identifier: MIT */
/* Two pixels times all filters: four filters at a time, eight sums in flight.
 *
 * VMLADAVA adds into even core registers alone: r0 to r6 hold the first pixel's sums, r8 to r14 the
 * second's. Odd ones point: r1 weights, r3 and r5 pixels, r9 scales, r7 outputs, and r11 counts.
 * Per 16 inputs (128 multiplications): 6 loads, 8 VMLADAVA, a quarter of 2 for the loop = 14.5
 * instructions, 0.113 per multiplication. Per 8 outputs: 26 more, 1 where saturation is not clamp
 * enough, 4 where negative numbers can be seen, and 12 in the form for any layer. */
#ifndef MW_MATMUL_S8_2PX_MVE_H
#define MW_MATMUL_S8_2PX_MVE_H

#include "mw_requantize_mve.h"

/* weights: for every four channels their biases (16 bytes), then for each vector of inputs the
 * four channels' vectors. scales: for every four channels what MW_MVE_OUTPUTS reads. Both are
 * filled up to whole blocks. The assembly knows the order. */
typedef struct {
    const int8_t *x0, *x1; /* pixels, whole vectors */
    int32_t loops;         /* MW_STEPS_LOOPS */
    int32_t channels;
    int32_t distance;      /* from the first pixel's outputs to the second's, in bytes */
    const int8_t *weights;
    const int32_t *scales;
    int8_t *y;
    int32_t zero, low, high;
    int32_t skip;  /* MW_STEPS_SKIP */
    int32_t turns; /* vectors less one */
} mw_matmul_s8_mve;

/* The numbers above that say how many vectors a pixel has, of a struct's members in their order. */
#define MW_MATMUL_STEP_BYTES 56
#define MW_MATMUL_LAYER(x0, x1, vectors, channels, distance, weights, scales, y, zero, low, high) \
    {x0, x1, MW_STEPS_LOOPS((vectors) - 1), channels, distance, weights, scales, y, zero, low, \
     high, MW_STEPS_SKIP((vectors) - 1, MW_MATMUL_STEP_BYTES), (vectors) - 1}

#if MW_HAS_MVE

#define MW_MATMUL_2PX_STEP(mac)                                                                \
    "vldrb.8 q2, [r1], #16\n"                                                                  \
    "vldrb.8 q0, [r3], #16\n" mac " r0, q0, q2\n"                                              \
    "vldrb.8 q1, [r5], #16\n" mac " r8, q1, q2\n"                                              \
    "vldrb.8 q3, [r1], #16\n" mac " r2, q0, q3\n" mac " r10, q1, q3\n"                         \
    "vldrb.8 q2, [r1], #16\n" mac " r4, q0, q2\n" mac " r12, q1, q2\n"                         \
    "vldrb.8 q3, [r1], #16\n" mac " r6, q0, q3\n" mac " lr, q1, q3\n"

/* The loops: of `step(mac)` for each vector, then `merge`, then `outputs(scales)`. Before the first
 * step, whose VMLADAVA is `first`, comes `start`; `enter` is at the very beginning, where r0 points
 * behind the distance, and may keep a word at [sp, #24]. */
#define MW_MATMUL_2PX(enter, start, step, first, merge, outputs)                               \
    __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                     "vpush {d8-d15}\n"                                                        \
                     "sub sp, sp, #32\n"                                                       \
                     "ldm r0!, {r1-r5}\n"                                                      \
                     "ldr r7, [r0, #8]\n"                                                      \
                     "ldr r6, [r0, #24]\n"                                                     \
                     MW_STEPS_ENTRY("r8")                                                      \
                     "add r4, r4, r7\n"                                                        \
                     "subs r4, r4, #4\n"                                                       \
                     "add r6, r6, r8\n"                                                        \
                     "stm sp, {r1-r6}\n"                                                       \
                     enter                                                                     \
                     "ldrd r1, r9, [r0]\n"                                                     \
                     "ldr r2, [r0, #12]\n"                                                     \
                     "ldrd r4, r6, [r0, #16]\n"                                                \
                     "vdup.16 q5, r2\n"                                                        \
                     "vdup.16 q6, r4\n"                                                        \
                     "vdup.16 q7, r6\n"                                                        \
                     "1:\n"                                                                    \
                     start                                                                     \
                     "ldm sp, {r3, r5, r11}\n"                                                 \
                     "vldrw.32 q4, [r1], #16\n"                                                \
                     MW_STEPS("r11", "[sp, #20]", step, first)                                 \
                     merge                                                                     \
                     "vmov q0[2], q0[0], r0, r4\n"                                             \
                     "vmov q0[3], q0[1], r2, r6\n"                                             \
                     "vmov q1[2], q1[0], r8, r12\n"                                            \
                     "vadd.i32 q0, q0, q4\n"                                                   \
                     "vmov q1[3], q1[1], r10, lr\n"                                            \
                     "vadd.i32 q1, q1, q4\n"                                                   \
                     outputs("r9")                                                             \
                     "ldrd r4, r2, [sp, #12]\n"                                                \
                     "vshr.u32 q1, q0, #16\n"                                                  \
                     "add r2, r2, r7\n"                                                        \
                     "cmp r7, r4\n"                                                            \
                     "bhi 5f\n"                                                                \
                     "vstrb.32 q0, [r7], #4\n"                                                 \
                     "vstrb.32 q1, [r2]\n"                                                     \
                     "blo 1b\n"                                                                \
                     "b 6f\n"                                                                  \
                     "5:\n"                                                                    \
                     "adds r4, r4, #4\n"                                                       \
                     "subs r4, r4, r7\n"                                                       \
                     "vctp.32 r4\n"                                                            \
                     "vpstt\n"                                                                 \
                     "vstrbt.32 q0, [r7]\n"                                                    \
                     "vstrbt.32 q1, [r2]\n"                                                    \
                     "6:\n"                                                                    \
                     "add sp, sp, #32\n"                                                       \
                     "vpop {d8-d15}\n"                                                         \
                     "pop {r4-r11, pc}\n")

#define MW_MATMUL_S8_2PX(name, outputs)                                                        \
    MW_STEPS_FUNCTION mw_matmul_s8_2px_mve_##name(                                             \
        const mw_matmul_s8_mve *layer __attribute__((unused)))                                 \
    {                                                                                          \
        MW_MATMUL_2PX("", "", MW_MATMUL_2PX_STEP, "vmladav.s8", "", outputs);                  \
    }

MW_MATMUL_S8_2PX(plain, MW_MVE_OUTPUTS_PLAIN)
MW_MATMUL_S8_2PX(relu, MW_MVE_OUTPUTS_RELU)
MW_MATMUL_S8_2PX(relu_clamped, MW_MVE_OUTPUTS_RELU_CLAMPED)
MW_MATMUL_S8_2PX(any, MW_MVE_OUTPUTS_ANY)

#endif

MW_INLINE void mw_matmul_s8_2px_mve(const mw_matmul_s8_mve *layer, int32_t form)
{
#if MW_HAS_MVE
    MW_MVE_CALL(mw_matmul_s8_2px_mve, form, layer);
#else
    const int32_t depth = (layer->turns + 1) * MW_VECTOR;
    for (int32_t c = 0; c < layer->channels; c++) {
        const int8_t *block = layer->weights + (c >> 2) * (4 * depth + 16);
        const int32_t *scales =
            layer->scales + (c >> 2) * 4 * mw_scale_words_mve(form) + (c & 3);
        int32_t sums[2];
        sums[0] = sums[1] = mw_load_i32(block + 4 * (c & 3));
        for (int32_t i = 0; i < depth; i++) {
            const int32_t w = block[16 + 64 * (i / 16) + 16 * (c & 3) + i % 16];
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

#endif
