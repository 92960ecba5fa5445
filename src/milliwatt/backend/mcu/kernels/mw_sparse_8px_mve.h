/* SPDX-License-Identifier: MIT */
/* Eight pixels times filters of which only some vectors are kept: one filter at a time.
 *
 * A vector is 16 weights of one output channel; those that are all zeros are left out, and before
 * each other one stands how many vectors of inputs further it is. Sums of the pixels are in r0 to
 * r14, even ones. Odd registers point: r1 weights, r3 inputs, r9 scales, r7 outputs; r5 holds a
 * distance, r11 counts. Per kept vector (128 multiplications): 10 loads, 8 VMLADAVA, 3 for place
 * and loop = 21 instructions, 0.164 per multiplication. Per 8 outputs: 23, 1 more where saturation
 * is not clamp enough, 4 where negative numbers can be seen, and 10 in the form for any layer. */
#ifndef MW_SPARSE_8PX_MVE_H
#define MW_SPARSE_8PX_MVE_H

#include "mw_requantize_mve.h"

/* Pixels computed together. */
#define MW_SPARSE_PIXELS 8

/* x: for each vector of inputs the eight pixels' vectors. weights: for each channel its vectors,
 * each after the byte of its distance. scales: for each channel how many vectors there are, not
 * none, the bias, the multiplier and the shift, or in the form for any layer left shift,
 * multiplier, place and right shift (mw_requantize_mve.h). The assembly knows the order. */
typedef struct {
    const int8_t *x;
    int8_t *y;
    const int8_t *weights;
    const int32_t *scales;
    int32_t channels;
    int32_t zero, low, high;
    uint16_t places[MW_SPARSE_PIXELS]; /* of the outputs of pixels 0 4 1 5 2 6 3 7, from y on */
} mw_sparse_s8_mve;

#if MW_HAS_MVE

#define MW_SPARSE_STEP(mac)                                                                    \
    "ldrb r5, [r1], #1\n"                                                                      \
    "add r3, r3, r5, lsl #7\n"                                                                 \
    "vldrb.8 q2, [r1], #16\n"                                                                  \
    "vldrb.8 q0, [r3]\n" mac " r0, q0, q2\n"                                                   \
    "vldrb.8 q1, [r3, #16]\n" mac " r2, q1, q2\n"                                              \
    "vldrb.8 q0, [r3, #32]\n" mac " r4, q0, q2\n"                                              \
    "vldrb.8 q1, [r3, #48]\n" mac " r6, q1, q2\n"                                              \
    "vldrb.8 q0, [r3, #64]\n" mac " r8, q0, q2\n"                                              \
    "vldrb.8 q1, [r3, #80]\n" mac " r10, q1, q2\n"                                             \
    "vldrb.8 q0, [r3, #96]\n" mac " r12, q0, q2\n"                                             \
    "vldrb.8 q1, [r3, #112]\n" mac " lr, q1, q2\n"

/* q0 and q1, sums without bias, as outputs. */
#define MW_SPARSE_OUTPUTS(away, clamp)                                                         \
    "ldm r9!, {r0, r2, r4}\n"                                                                  \
    "vadd.i32 q0, q0, r0\n"                                                                    \
    "vadd.i32 q1, q1, r0\n"                                                                    \
    "vqrdmulh.s32 q0, q0, r2\n"                                                                \
    "vqrdmulh.s32 q1, q1, r2\n" away("q0", "q2") away("q1", "q2")                              \
    "vrshl.s32 q0, r4\n"                                                                       \
    "vrshl.s32 q1, r4\n" clamp
#define MW_SPARSE_OUTPUTS_ANY                                                                  \
    "ldm r9!, {r0, r2, r4, r6, r8}\n"                                                          \
    "vadd.i32 q0, q0, r0\n"                                                                    \
    "vadd.i32 q1, q1, r0\n"                                                                    \
    "vshl.s32 q0, r2\n"                                                                        \
    "vshl.s32 q1, r2\n"                                                                        \
    "vqrdmulh.s32 q0, q0, r4\n"                                                                \
    "vqrdmulh.s32 q1, q1, r4\n"                                                                \
    "vmov q2, q0\n"                                                                            \
    "vshl.u32 q2, r6\n"                                                                        \
    "vsub.i32 q0, q0, q2\n"                                                                    \
    "vmov q2, q1\n"                                                                            \
    "vshl.u32 q2, r6\n"                                                                        \
    "vsub.i32 q1, q1, q2\n"                                                                    \
    "vrshl.s32 q0, r8\n"                                                                       \
    "vrshl.s32 q1, r8\n" MW_MVE_CLAMP_ANY

#define MW_SPARSE_8PX(form, outputs)                                                           \
    static MW_ASSEMBLY void mw_sparse_8px_mve_##form(                                          \
        const mw_sparse_s8_mve *layer __attribute__((unused)))                                 \
    {                                                                                          \
        __asm__ volatile("push {r4-r11, lr}\n"                                                 \
                         "vpush {d8-d15}\n"                                                    \
                         "sub sp, sp, #12\n"                                                   \
                         "mov r12, r0\n"                                                       \
                         "ldrd r3, r7, [r12]\n"                                                \
                         "ldrd r1, r9, [r12, #8]\n"                                            \
                         "ldrd r0, r2, [r12, #16]\n"                                           \
                         "ldrd r4, r6, [r12, #24]\n"                                           \
                         "add r0, r0, r7\n"                                                    \
                         "str r3, [sp]\n"                                                      \
                         "str r0, [sp, #4]\n"                                                  \
                         "vdup.16 q5, r2\n"                                                    \
                         "vdup.16 q6, r4\n"                                                    \
                         "vdup.16 q7, r6\n"                                                    \
                         "vldrw.32 q3, [r12, #32]\n"                                           \
                         "1:\n"                                                                \
                         "ldr r11, [r9], #4\n"                                                 \
                         "ldr r3, [sp]\n"                                                      \
                         MW_SPARSE_STEP("vmladav.s8")                                          \
                         "subs r11, r11, #1\n"                                                 \
                         "beq 3f\n"                                                            \
                         "2:\n"                                                                \
                         MW_SPARSE_STEP("vmladava.s8")                                         \
                         "subs r11, r11, #1\n"                                                 \
                         "bne 2b\n"                                                            \
                         "3:\n"                                                                \
                         "vmov q0[2], q0[0], r0, r4\n"                                         \
                         "vmov q0[3], q0[1], r2, r6\n"                                         \
                         "vmov q1[2], q1[0], r8, r12\n"                                        \
                         "vmov q1[3], q1[1], r10, lr\n"                                        \
                         outputs                                                               \
                         "ldr r4, [sp, #4]\n"                                                  \
                         "vstrb.16 q0, [r7, q3]\n"                                             \
                         "add r7, r7, #1\n"                                                    \
                         "cmp r7, r4\n"                                                        \
                         "bne 1b\n"                                                            \
                         "add sp, sp, #12\n"                                                   \
                         "vpop {d8-d15}\n"                                                     \
                         "pop {r4-r11, pc}\n");                                                \
    }

MW_SPARSE_8PX(plain, MW_SPARSE_OUTPUTS(MW_MVE_AWAY, MW_MVE_SATURATE))
MW_SPARSE_8PX(relu, MW_SPARSE_OUTPUTS(MW_MVE_AWAY_RELU, MW_MVE_SATURATE))
MW_SPARSE_8PX(relu_clamped, MW_SPARSE_OUTPUTS(MW_MVE_AWAY_RELU, MW_MVE_CLAMP))
MW_SPARSE_8PX(any, MW_SPARSE_OUTPUTS_ANY)

#endif

MW_INLINE void mw_sparse_8px_mve(const mw_sparse_s8_mve *layer, int32_t form)
{
#if MW_HAS_MVE
    MW_MVE_CALL(mw_sparse_8px_mve, form, layer);
#else
    const int8_t *weights = layer->weights;
    const int32_t *scales = layer->scales;
    for (int32_t c = 0; c < layer->channels; c++) {
        int32_t sums[MW_SPARSE_PIXELS];
        for (int32_t p = 0; p < MW_SPARSE_PIXELS; p++) {
            sums[p] = scales[1];
        }
        const int8_t *x = layer->x;
        for (int32_t i = 0; i < scales[0]; i++) {
            x += (int32_t)(uint8_t)*weights++ * MW_SPARSE_PIXELS * MW_VECTOR;
            for (int32_t p = 0; p < MW_SPARSE_PIXELS; p++) {
                for (int32_t k = 0; k < MW_VECTOR; k++) {
                    sums[p] += x[MW_VECTOR * p + k] * weights[k];
                }
            }
            weights += MW_VECTOR;
        }
        for (int32_t p = 0; p < MW_SPARSE_PIXELS; p++) {
            layer->y[c + layer->places[2 * (p & 3) + (p >> 2)]] = mw_rescale_s8_mve(
                sums[p], scales + 2, 1, layer->zero, layer->low, layer->high, form);
        }
        scales += 2 + mw_scale_words_mve(form);
    }
#endif
}

/* A pixel's `vectors` vectors, or the rest of one, to where eight pixels' are interleaved. */
MW_INLINE void mw_spread_mve(int8_t *to, const int8_t *from, int32_t count)
{
#if MW_HAS_MVE
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n"
                     "1:\n"
                     "vldrb.8 q0, [%[from]], #16\n"
                     "vstrb.8 q0, [%[to]]\n"
                     "add %[to], %[to], #128\n"
                     "letp lr, 1b\n"
                     "2:\n"
                     : [to] "+&r"(to), [from] "+&r"(from)
                     : [count] "r"(count)
                     : "lr", "q0", "memory");
#else
    for (int32_t i = 0; i < count; i++) {
        to[(i / MW_VECTOR) * MW_SPARSE_PIXELS * MW_VECTOR + i % MW_VECTOR] = from[i];
    }
#endif
}

#endif
