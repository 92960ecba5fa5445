/* SPDX-License-Identifier: MIT */
/* Pixels of at most 48 inputs times all filters, two pixels and four filters at a time.
 *
 * Inputs stay in registers: of up to 32, q0 and q1 are the first pixel's, q2 and q3 the second's;
 * q4 and q5 are weights, then sums and multipliers, q6 and q7 outputs. Of up to 48, q0 to q2 and q3
 * and q4; the second pixel's last vector is on the stack. VMLADAVA adds into r0 to r6 and r8 to
 * r14, even ones, as in mw_matmul_s8_2px_mve.h. Odd registers point: r1 weights, r9 scales, r7 and
 * r5 the two pixels' outputs, r3 the last of them; r11 is 1024 where
 * sums are rounded once, else the zero point. Per 8 outputs of 16 inputs (128
 * multiplications): 4 loads, 8 VMLADAVA, 20 for biases, rescaling, stores and loop = 32
 * instructions, 0.25 per multiplication; of 32 inputs 44, of 48 57, 0.15 per multiplication. Where
 * sums are rounded twice 3 more, and 4 where negative numbers can be seen. Per two pixels 25 to
 * 30. */
#ifndef MW_MATMUL_FEW_S8_MVE_H
#define MW_MATMUL_FEW_S8_MVE_H

#include "mw_depthwise_lanes_s8_mve.h"

/* weights: as in mw_matmul_s8_2px_mve.h, of one to three vectors; where sums are rounded
 * once the biases are 1024 times as much, with the zero point. scales: of every four channels the
 * multipliers, then, where sums are rounded twice, the shifts. The assembly knows the order. */
typedef struct {
    const int8_t *x;
    int32_t apart; /* bytes from a pixel's inputs to the next one's */
    int32_t lanes; /* of a pixel's last vector; others are not read */
    int32_t channels;
    int8_t *y;
    int32_t step; /* bytes from a pixel's outputs to the next one's */
    int32_t pixels;
    const int8_t *weights;
    const int32_t *scales;
    int32_t number; /* 1024 where sums are rounded once, else the zero point */
} mw_matmul_few_s8_mve;

#if MW_HAS_MVE

/* Inputs of the first or the second pixel, at r0. */
#define MW_FEW_LOAD_1(one, two, last)                                                          \
    "vpst\n"                                                                                   \
    "vldrbt.8 " one ", [r0]\n"
#define MW_FEW_LOAD_2(one, two, last)                                                          \
    "vldrb.8 " one ", [r0]\n"                                                                  \
    "vpst\n"                                                                                   \
    "vldrbt.8 " two ", [r0, #16]\n"
#define MW_FEW_LOAD_3(one, two, last)                                                          \
    "vldrb.8 " one ", [r0]\n"                                                                  \
    "vldrb.8 " two ", [r0, #16]\n"                                                             \
    "vpst\n"                                                                                   \
    "vldrbt.8 " last ", [r0, #32]\n"

#define MW_FEW_STEP(mac, first, second, odd, even, at)                                         \
    "vldrb.8 " odd ", " at "\n" mac " r0, " first ", " odd "\n" mac " r8, " second ", " odd    \
    "\n"                                                                                       \
    "vldrb.8 " even ", [r1, #16]!\n" mac " r2, " first ", " even "\n" mac " r10, " second ", " \
    even "\n"                                                                                  \
    "vldrb.8 " odd ", [r1, #16]!\n" mac " r4, " first ", " odd "\n" mac " r12, " second ", "   \
    odd "\n"                                                                                   \
    "vldrb.8 " even ", [r1, #16]!\n" mac " r6, " first ", " even "\n" mac " lr, " second ", "  \
    even "\n"
#define MW_FEW_STEPS_1 MW_FEW_STEP("vmladav.s8", "q0", "q2", "q4", "q5", "[r1, #32]!")
#define MW_FEW_STEPS_2                                                                         \
    MW_FEW_STEPS_1 MW_FEW_STEP("vmladava.s8", "q1", "q3", "q4", "q5", "[r1, #16]!")
#define MW_FEW_STEPS_3                                                                         \
    "vldrw.32 q7, [sp, #40]\n"                                                                 \
    MW_FEW_STEP("vmladav.s8", "q0", "q3", "q5", "q6", "[r1, #32]!")                            \
    MW_FEW_STEP("vmladava.s8", "q1", "q4", "q5", "q6", "[r1, #16]!")                           \
    MW_FEW_STEP("vmladava.s8", "q2", "q7", "q5", "q6", "[r1, #16]!")

/* The pixels' sums, with biases, to q6 and q7; the last weights are `behind` biases. */
#define MW_FEW_SUMS(behind, spare, add)                                                        \
    "vmov " spare "[2], " spare "[0], r0, r4\n"                                                \
    "vldrw.32 q6, [r1, #-" behind "]\n"                                                        \
    "vmov " spare "[3], " spare "[1], r2, r6\n"                                                \
    "vldrw.32 q7, [r1, #-" behind "]\n"                                                        \
    add("q6", spare)                                                                           \
    "vmov " spare "[2], " spare "[0], r8, r12\n"                                               \
    "vmov " spare "[3], " spare "[1], r10, lr\n"                                               \
    add("q7", spare)
#define MW_FEW_ADD(x, sums) "vadd.i32 " x ", " x ", " sums "\n"
#define MW_FEW_ADD_ONCE(x, sums) "vmla.s32 " x ", " sums ", r11\n"

/* Sums as outputs: q6's in even lanes of 16 bits. */
#define MW_FEW_ONCE                                                                            \
    "vldrw.32 q5, [r9], #16\n"                                                                 \
    "vqdmulh.s32 q6, q6, q5\n"                                                                 \
    "vqdmulh.s32 q7, q7, q5\n"                                                                 \
    ".inst.w 0xee9acf4c\n" /* vqshrnb.s32 q6, q6, #6 */                                        \
    ".inst.w 0xee9adf4e\n" /* vqshrnt.s32 q6, q7, #6 */                                        \
    "vqrshrnb.s16 q6, q6, #7\n"
#define MW_FEW_TWICE(away)                                                                     \
    "vldrw.32 q5, [r9], #16\n"                                                                 \
    "vqrdmulh.s32 q6, q6, q5\n"                                                                \
    "vqrdmulh.s32 q7, q7, q5\n" away("q6", "q5") away("q7", "q5")                              \
    "vldrw.32 q5, [r9], #16\n"                                                                 \
    "vrshl.s32 q6, q6, q5\n"                                                                   \
    "vrshl.s32 q7, q7, q5\n"                                                                   \
    "vmovnt.i32 q6, q7\n"                                                                      \
    "vqadd.s16 q6, q6, r11\n"                                                                  \
    "vqmovnb.s16 q6, q6\n"

/* On the stack: x, apart, lanes, channels, y, step, pixels, weights, scales. */
#define MW_FEW(first, second, steps, sums, outputs)                                            \
    __asm__ volatile("push {r4-r11, lr}\n"                                                     \
                     "vpush {d8-d15}\n"                                                        \
                     "sub sp, sp, #60\n"                                                       \
                     "ldm r0, {r1-r9}\n"                                                       \
                     "subs r8, r8, #16\n"                                                      \
                     "stm sp, {r1-r9}\n"                                                       \
                     "ldr r11, [r0, #36]\n"                                                    \
                     "1:\n"                                                                    \
                     "ldm sp, {r0, r2, r3, r4, r7, r8, r10}\n"                                 \
                     "cmp r10, #1\n"                                                           \
                     "itt eq\n"                                                                \
                     "moveq r2, #0\n"                                                          \
                     "moveq r8, #0\n"                                                          \
                     "vctp.8 r3\n"                                                             \
                     first                                                                     \
                     "add r0, r0, r2\n"                                                        \
                     second                                                                    \
                     "add r0, r0, r2\n"                                                        \
                     "str r0, [sp]\n"                                                          \
                     "add r3, r7, r4\n"                                                        \
                     "subs r3, r3, #4\n"                                                       \
                     "add r5, r7, r8\n"                                                        \
                     "add r8, r5, r8\n"                                                        \
                     "subs r10, r10, #2\n"                                                     \
                     "str r8, [sp, #16]\n"                                                     \
                     "str r10, [sp, #24]\n"                                                    \
                     "ldrd r1, r9, [sp, #28]\n"                                                \
                     "2:\n"                                                                    \
                     steps                                                                     \
                     sums                                                                      \
                     outputs                                                                   \
                     "vshr.u32 q7, q6, #16\n"                                                  \
                     "cmp r7, r3\n"                                                            \
                     "bhi 3f\n"                                                                \
                     "vstrb.32 q6, [r7], #4\n"                                                 \
                     "vstrb.32 q7, [r5], #4\n"                                                 \
                     "blo 2b\n"                                                                \
                     "b 4f\n"                                                                  \
                     "3:\n"                                                                    \
                     "adds r3, r3, #4\n"                                                       \
                     "subs r3, r3, r7\n"                                                       \
                     "vctp.32 r3\n"                                                            \
                     "vpstt\n"                                                                 \
                     "vstrbt.32 q6, [r7]\n"                                                    \
                     "vstrbt.32 q7, [r5]\n"                                                    \
                     "4:\n"                                                                    \
                     "ldr r0, [sp, #24]\n"                                                     \
                     "cmp r0, #0\n"                                                            \
                     "bgt 1b\n"                                                                \
                     "add sp, sp, #60\n"                                                       \
                     "vpop {d8-d15}\n"                                                         \
                     "pop {r4-r11, pc}\n")

#define MW_MATMUL_FEW(form, add, outputs)                                                      \
    static MW_ASSEMBLY void mw_matmul_few_1_##form(                                            \
        const mw_matmul_few_s8_mve *layer __attribute__((unused)))                             \
    {                                                                                          \
        MW_FEW(MW_FEW_LOAD_1("q0", "", ""), MW_FEW_LOAD_1("q2", "", ""), MW_FEW_STEPS_1,       \
               MW_FEW_SUMS("64", "q4", add), outputs);                                         \
    }                                                                                          \
    static MW_ASSEMBLY void mw_matmul_few_2_##form(                                            \
        const mw_matmul_few_s8_mve *layer __attribute__((unused)))                             \
    {                                                                                          \
        MW_FEW(MW_FEW_LOAD_2("q0", "q1", ""), MW_FEW_LOAD_2("q2", "q3", ""), MW_FEW_STEPS_2,   \
               MW_FEW_SUMS("128", "q4", add), outputs);                                        \
    }                                                                                          \
    static MW_ASSEMBLY void mw_matmul_few_3_##form(                                            \
        const mw_matmul_few_s8_mve *layer __attribute__((unused)))                             \
    {                                                                                          \
        MW_FEW(MW_FEW_LOAD_3("q0", "q1", "q2"),                                                \
               MW_FEW_LOAD_3("q3", "q4", "q5") "vstrw.32 q5, [sp, #40]\n", MW_FEW_STEPS_3,     \
               MW_FEW_SUMS("192", "q5", add), outputs);                                        \
    }

MW_MATMUL_FEW(once, MW_FEW_ADD_ONCE, MW_FEW_ONCE)
MW_MATMUL_FEW(relu, MW_FEW_ADD, MW_FEW_TWICE(MW_MVE_AWAY_RELU))
MW_MATMUL_FEW(plain, MW_FEW_ADD, MW_FEW_TWICE(MW_MVE_AWAY))

#define MW_FEW_CALL(form, layer, vectors)                                                      \
    do {                                                                                       \
        if ((vectors) == 1) {                                                                  \
            mw_matmul_few_1_##form(layer);                                                     \
        } else if ((vectors) == 2) {                                                           \
            mw_matmul_few_2_##form(layer);                                                     \
        } else {                                                                               \
            mw_matmul_few_3_##form(layer);                                                     \
        }                                                                                      \
    } while (0)

#endif

/* vectors: of a pixel, 1 to 3. form: MW_MVE_ONCE, MW_MVE_RELU or MW_MVE_PLAIN. */
MW_INLINE void mw_matmul_few_mve(const mw_matmul_few_s8_mve *layer, int32_t vectors, int32_t form)
{
#if MW_HAS_MVE
    if (form == MW_MVE_ONCE) {
        MW_FEW_CALL(once, layer, vectors);
    } else if (form == MW_MVE_RELU) {
        MW_FEW_CALL(relu, layer, vectors);
    } else {
        MW_FEW_CALL(plain, layer, vectors);
    }
#else
    const int32_t depth = MW_VECTOR * (vectors - 1) + layer->lanes;
    const int32_t once = form == MW_MVE_ONCE;
    for (int32_t p = 0; p < layer->pixels; p += 2) {
        int8_t x[2][3 * MW_VECTOR];
        const int32_t second = p + 1 < layer->pixels;
        mw_copy_mve(x[0], layer->x + p * layer->apart, depth);
        mw_copy_mve(x[1], layer->x + (p + second) * layer->apart, depth);
        for (int32_t c = 0; c < layer->channels; c++) {
            const int8_t *block = layer->weights + (c >> 2) * (16 + 4 * MW_VECTOR * vectors);
            const int32_t *scales = layer->scales + (c >> 2) * (once ? 4 : 8) + (c & 3);
            for (int32_t of = 0; of <= second; of++) {
                int8_t *y = layer->y + (p + of) * layer->step + c;
                const int32_t bias = mw_load_i32(block + 4 * (c & 3));
                int32_t sum = 0;
                for (int32_t i = 0; i < depth; i++) {
                    sum += x[of][i] * block[16 + 64 * (i / 16) + 16 * (c & 3) + i % 16];
                }
                *y = once ? mw_depthwise_once_mve(layer->number * sum + bias, scales[0])
                          : mw_rescale_s8_mve(sum + bias, scales, 4, layer->number, -128, 127,
                                              form);
            }
        }
    }
#endif
}

/* 1x1 convolution, stride 1. number: 1024 where sums are rounded once, else the zero point. */
MW_INLINE void mw_conv2d_1x1_few_s8_mve(const int8_t *x, int8_t *y, const int8_t *weights,
                                        const int32_t *scales, int32_t pixels, int32_t depth,
                                        int32_t lanes, int32_t channels, int32_t number,
                                        int32_t vectors, int32_t form)
{
    const mw_matmul_few_s8_mve layer = {x,        depth,  lanes,   channels, y,
                                        channels, pixels, weights, scales,   number};
    mw_matmul_few_mve(&layer, vectors, form);
}

#endif
