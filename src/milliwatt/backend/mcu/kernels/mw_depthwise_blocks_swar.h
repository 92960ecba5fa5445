/* SPDX-License-Identifier: MIT */
/* Blocks of four neighbouring outputs of one channel's depthwise convolution.
 *
 * Cortex-M0+: a tap is 11 instructions for 4 products, a block of four outputs 85 more. Registers
 * over the taps: r0 to r3 words; r4 weight; r5 where the words are; r6 taps, r7 their end; r8 to
 * r11 sums; r12 the block; lr the frame. */
#ifndef MW_DEPTHWISE_BLOCKS_SWAR_H
#define MW_DEPTHWISE_BLOCKS_SWAR_H

#include "mw_scale_swar.h"
#include "mw_swar_m0.h"

/* A tap: its weight, and the bytes from a block's first word to the word it reads. */
typedef struct {
    int32_t weight, offset;
} mw_swar_depthwise_tap;

/* A block: the bytes from the first word to its first, and from the first output to its first. */
typedef struct {
    int32_t words, y;
} mw_swar_depthwise_block;

/* What blocks work on; the assembly knows the offsets of its members. */
typedef struct {
    int32_t bias;                             /* 0 */
    const int32_t *words;                     /* 4: the first word */
    const mw_swar_depthwise_tap *taps;        /* 8 */
    const mw_swar_depthwise_tap *end_tap;     /* 12 */
    int8_t *y;                                /* 16: the first output */
    int32_t low, high;                        /* 20, 24: the factors */
    int32_t low_shift, shift;                 /* 28, 32 */
    int32_t offset;                           /* 36 */
    int32_t steps[3];                         /* 40: to a block's other outputs; 0: absent */
    const mw_swar_depthwise_block *block;     /* 52: the next one */
    const mw_swar_depthwise_block *end_block; /* 56 */
    int32_t sums[4];                          /* 60: of one block */
    mw_channel_scale channel;
    mw_scale scale;
} mw_swar_depthwise_frame;

#if defined(__ARM_ARCH_6M__)

MW_M0_AT(mw_swar_depthwise_frame, bias, 0);
MW_M0_AT(mw_swar_depthwise_frame, words, 4);
MW_M0_AT(mw_swar_depthwise_frame, taps, 8);
MW_M0_AT(mw_swar_depthwise_frame, end_tap, 12);
MW_M0_AT(mw_swar_depthwise_frame, y, 16);
MW_M0_AT(mw_swar_depthwise_frame, low, 20);
MW_M0_AT(mw_swar_depthwise_frame, shift, 32);
MW_M0_AT(mw_swar_depthwise_frame, offset, 36);
MW_M0_AT(mw_swar_depthwise_frame, steps, 40);
MW_M0_AT(mw_swar_depthwise_frame, block, 52);
MW_M0_AT(mw_swar_depthwise_frame, end_block, 56);
MW_M0_AT(mw_swar_depthwise_frame, sums, 60);

#define MW_M0_TAP                                                                                \
    "ldmia r6!, {r4, r5}\n"                                                                      \
    "add r5, r12\n"                                                                              \
    "ldmia r5!, {r0, r1, r2, r3}\n"                                                              \
    "muls r0, r4, r0\n"                                                                          \
    "add r8, r0\n"                                                                               \
    "muls r1, r4, r1\n"                                                                          \
    "add r9, r1\n"                                                                               \
    "muls r2, r4, r2\n"                                                                          \
    "add r10, r2\n"                                                                              \
    "muls r3, r4, r3\n"                                                                          \
    "add r11, r3\n"
#define MW_M0_SUMS(turn)                                                                         \
    "1:\n"                                                                                       \
    "mov lr, r7\n"                                                                               \
    "ldr r0, [r7, #0]\n"                                                                         \
    "mov r8, r0\n"                                                                               \
    "mov r9, r0\n"                                                                               \
    "mov r10, r0\n"                                                                              \
    "mov r11, r0\n"                                                                              \
    "ldr r0, [r7, #52]\n"                                                                        \
    "ldr r1, [r0]\n"                                                                             \
    "ldr r0, [r7, #4]\n"                                                                         \
    "adds r1, r1, r0\n"                                                                          \
    "mov r12, r1\n"                                                                              \
    "ldr r6, [r7, #8]\n"                                                                         \
    "ldr r7, [r7, #12]\n"                                                                        \
    "2:\n" turn "cmp r6, r7\n"                                                                   \
    "bne 2b\n"                                                                                   \
    "mov r7, lr\n"
#define MW_M0_STORE                                                                              \
    "movs r0, r7\n"                                                                              \
    "adds r0, r0, #20\n"                                                                         \
    "ldmia r0!, {r2, r3, r5, r6}\n"                                                              \
    "ldr r0, [r0]\n"                                                                             \
    "mov lr, r0\n"                                                                               \
    "ldr r0, [r7, #52]\n"                                                                        \
    "ldr r4, [r0, #4]\n"                                                                         \
    "adds r0, r0, #8\n"                                                                          \
    "str r0, [r7, #52]\n"                                                                        \
    "ldr r0, [r7, #16]\n"                                                                        \
    "adds r4, r4, r0\n" MW_M0_SCALE("r11") "ldr r0, [r7, #48]\n"                                 \
    "strb r1, [r4, r0]\n" MW_M0_SCALE("r10") "ldr r0, [r7, #44]\n"                               \
    "strb r1, [r4, r0]\n" MW_M0_SCALE("r9") "ldr r0, [r7, #40]\n"                                \
    "strb r1, [r4, r0]\n" MW_M0_SCALE("r8") "strb r1, [r4]\n"                                    \
    "ldr r0, [r7, #52]\n"                                                                        \
    "ldr r1, [r7, #56]\n"                                                                        \
    "cmp r0, r1\n"                                                                               \
    "beq 6f\n"                                                                                   \
    "b 1b\n"                                                                                     \
    "6:\n"
#define MW_M0_KEEP                                                                               \
    "movs r0, r7\n"                                                                              \
    "adds r0, r0, #60\n"                                                                         \
    "mov r1, r8\n"                                                                               \
    "mov r2, r9\n"                                                                               \
    "mov r3, r10\n"                                                                              \
    "mov r4, r11\n"                                                                              \
    "stmia r0!, {r1, r2, r3, r4}\n"
#define MW_M0_RUN(turn, store)                                                                   \
    __asm__ volatile(".syntax unified\n"                                                         \
                     "push {r7}\n"                                                               \
                     "mov r7, r0\n" MW_M0_SUMS(turn) store "pop {r7}\n"                          \
                     : "+r"(in)                                                                  \
                     :                                                                           \
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12",      \
                       "lr", "cc", "memory")

/* Blocks up to frame->end_block. */
MW_INLINE void mw_swar_depthwise_blocks_m0(mw_swar_depthwise_frame *frame, int32_t turn)
{
    register mw_swar_depthwise_frame *in __asm__("r0") = frame;
    if (turn == 3) {
        MW_M0_RUN(MW_M0_TAP MW_M0_TAP MW_M0_TAP, MW_M0_STORE);
    } else {
        MW_M0_RUN(MW_M0_TAP, MW_M0_STORE);
    }
}

/* The sums of a block, its bias included, over all taps, a multiple of `turn`, which is 1 or 3. */
MW_INLINE void mw_swar_depthwise_sums(mw_swar_depthwise_frame *frame, int32_t turn)
{
    register mw_swar_depthwise_frame *in __asm__("r0") = frame;
    if (turn == 3) {
        MW_M0_RUN(MW_M0_TAP MW_M0_TAP MW_M0_TAP, MW_M0_KEEP);
    } else {
        MW_M0_RUN(MW_M0_TAP, MW_M0_KEEP);
    }
}

#undef MW_M0_TAP
#undef MW_M0_SUMS
#undef MW_M0_STORE
#undef MW_M0_KEEP
#undef MW_M0_RUN

#else

MW_INLINE void mw_swar_depthwise_sums(mw_swar_depthwise_frame *frame, int32_t turn)
{
    int32_t a = frame->bias, b = a, c = a, d = a;
    const int32_t *const block = frame->words + (frame->block->words >> 2);
    (void)turn;
    for (const mw_swar_depthwise_tap *tap = frame->taps; tap != frame->end_tap; tap++) {
        const int32_t weight = tap->weight;
        const int32_t *const words = block + (tap->offset >> 2);
        a += words[0] * weight;
        b += words[1] * weight;
        c += words[2] * weight;
        d += words[3] * weight;
    }
    frame->sums[0] = a;
    frame->sums[1] = b;
    frame->sums[2] = c;
    frame->sums[3] = d;
}

#endif

/* The channel's numbers. */
MW_INLINE void mw_swar_depthwise_channel(mw_swar_depthwise_frame *frame, int32_t bias,
                                         const int32_t *MW_RESTRICT scales, int32_t falls,
                                         int32_t treatment)
{
    frame->channel = mw_channel_scale_at(scales, falls, treatment);
    frame->bias = bias;
    frame->low = frame->channel.low;
    frame->high = frame->channel.high;
    frame->offset = frame->channel.offset;
}

/* The blocks from `block` up to `end`, all of `outputs` outputs, `step` bytes apart. Absent ones
 * are stored where the first one is stored after them. plain: the channel's scale has no fall and
 * no limit, and outputs are -128..127. */
MW_INLINE void mw_swar_depthwise_blocks(mw_swar_depthwise_frame *frame,
                                        const mw_swar_depthwise_block *block,
                                        const mw_swar_depthwise_block *end, int32_t outputs,
                                        int32_t step, int32_t turn, int32_t falls,
                                        int32_t treatment, int32_t plain)
{
    if (block == end) {
        return;
    }
    frame->block = block;
    frame->end_block = end;
    frame->steps[0] = outputs > 1 ? step : 0;
    frame->steps[1] = outputs > 2 ? 2 * step : 0;
    frame->steps[2] = outputs > 3 ? 3 * step : 0;
#if defined(__ARM_ARCH_6M__)
    if (plain) {
        mw_swar_depthwise_blocks_m0(frame, turn);
        return;
    }
#else
    (void)plain;
#endif
    const mw_channel_scale *const channel = &frame->channel;
    const mw_scale *const scale = &frame->scale;
    for (; frame->block != frame->end_block; frame->block++) {
        int8_t *const y = frame->y + frame->block->y;
        const int32_t *const sums = frame->sums;
        mw_swar_depthwise_sums(frame, turn);
        y[frame->steps[2]] = mw_scale_swar(sums[3], channel, scale, falls, treatment);
        y[frame->steps[1]] = mw_scale_swar(sums[2], channel, scale, falls, treatment);
        y[frame->steps[0]] = mw_scale_swar(sums[1], channel, scale, falls, treatment);
        y[0] = mw_scale_swar(sums[0], channel, scale, falls, treatment);
    }
}

#endif
