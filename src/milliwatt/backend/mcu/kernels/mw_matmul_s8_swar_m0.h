/* SPDX-License-Identifier: MIT */
/* mw_matmul_s8_swar on a Cortex-M0+: a block of channels in assembly, from taps to stored bytes.
 *
 * Registers over the taps: r0, r1 words of two inputs each; r2 weight; r3 weights less words, so
 * that one pointer r4 steps through both; r5, r6 the group; r7 2**15; r8 to r11 low and high sums
 * (mw_swar.h); r12 end; lr the frame. A tap is 6 instructions for 4 products; a group 7 to 8 more;
 * a channel some 110 for its 4 outputs. */
#ifndef MW_MATMUL_S8_SWAR_M0_H
#define MW_MATMUL_S8_SWAR_M0_H

#include "mw_swar.h"
#include "mw_swar_m0.h"

#if defined(__ARM_ARCH_6M__)

/* What a block of channels works on; the assembly knows the offsets of its members. */
typedef struct {
    const int32_t *bias;    /* 0 */
    int32_t halves;         /* 4: 2**15 for each group */
    intptr_t weights;       /* 8: of the next channel, less `words` */
    const int32_t *words;   /* 12 */
    int32_t half;           /* 16: 2**15 */
    const uint16_t *rest;   /* 20 */
    const int32_t *scales;  /* 24 */
    int32_t low_shift;      /* 28 */
    int32_t shift;          /* 32 */
    int32_t channel;        /* 36 */
    int32_t end_channel;    /* 40 */
    int8_t *y[4];           /* 44: of each pixel, its first channel; absent ones are the first's */
    const int32_t *end;     /* 60: of the words */
    int32_t odd;            /* 64: whether the groups are odd in number */
    int32_t sums[4];        /* 68: of one channel */
} mw_swar_frame;

MW_M0_AT(mw_swar_frame, bias, 0);
MW_M0_AT(mw_swar_frame, halves, 4);
MW_M0_AT(mw_swar_frame, weights, 8);
MW_M0_AT(mw_swar_frame, words, 12);
MW_M0_AT(mw_swar_frame, half, 16);
MW_M0_AT(mw_swar_frame, rest, 20);
MW_M0_AT(mw_swar_frame, scales, 24);
MW_M0_AT(mw_swar_frame, low_shift, 28);
MW_M0_AT(mw_swar_frame, shift, 32);
MW_M0_AT(mw_swar_frame, channel, 36);
MW_M0_AT(mw_swar_frame, end_channel, 40);
MW_M0_AT(mw_swar_frame, y, 44);
MW_M0_AT(mw_swar_frame, end, 60);
MW_M0_AT(mw_swar_frame, odd, 64);
MW_M0_AT(mw_swar_frame, sums, 68);

#define MW_M0_FIRST                                                                              \
    "ldrsb r2, [r3, r4]\n"                                                                       \
    "ldmia r4!, {r0, r1}\n"                                                                      \
    "muls r0, r2, r0\n"                                                                          \
    "adds r5, r0, r7\n"                                                                          \
    "muls r1, r2, r1\n"                                                                          \
    "adds r6, r1, r7\n"
#define MW_M0_TAP                                                                                \
    "ldrsb r2, [r3, r4]\n"                                                                       \
    "ldmia r4!, {r0, r1}\n"                                                                      \
    "muls r0, r2, r0\n"                                                                          \
    "adds r5, r5, r0\n"                                                                          \
    "muls r1, r2, r1\n"                                                                          \
    "adds r6, r6, r1\n"
#define MW_M0_END                                                                                \
    "add r8, r5\n"                                                                               \
    "asrs r5, r5, #16\n"                                                                         \
    "add r9, r5\n"                                                                               \
    "add r10, r6\n"                                                                              \
    "asrs r6, r6, #16\n"                                                                         \
    "add r11, r6\n"
#define MW_M0_THREE MW_M0_TAP MW_M0_TAP MW_M0_TAP
#define MW_M0_FOUR MW_M0_TAP MW_M0_THREE
#define MW_M0_EIGHT MW_M0_FOUR MW_M0_FOUR
#define MW_M0_GROUP_4 MW_M0_FIRST MW_M0_THREE MW_M0_END
#define MW_M0_GROUP_8 MW_M0_FIRST MW_M0_THREE MW_M0_FOUR MW_M0_END
#define MW_M0_GROUP_16 MW_M0_FIRST MW_M0_THREE MW_M0_FOUR MW_M0_EIGHT MW_M0_END

/* A channel's sums start: bias * 65537 less the halves, and the bias. */
#define MW_M0_START                                                                              \
    "1:\n"                                                                                       \
    "mov lr, r7\n"                                                                               \
    "ldr r0, [r7, #0]\n"                                                                         \
    "ldmia r0!, {r1}\n"                                                                          \
    "str r0, [r7, #0]\n"                                                                         \
    "lsls r2, r1, #16\n"                                                                         \
    "adds r2, r2, r1\n"                                                                          \
    "ldr r3, [r7, #4]\n"                                                                         \
    "subs r2, r2, r3\n"                                                                          \
    "mov r8, r2\n"                                                                               \
    "mov r10, r2\n"                                                                              \
    "mov r9, r1\n"                                                                               \
    "mov r11, r1\n"                                                                              \
    "ldr r3, [r7, #8]\n"                                                                         \
    "adds r0, r3, #1\n"                                                                          \
    "str r0, [r7, #8]\n"                                                                         \
    "ldr r4, [r7, #12]\n"

/* Two groups a turn, entered at the second where their number is odd; or one. */
#define MW_M0_TWO_GROUPS(group)                                                                  \
    "ldr r0, [r7, #64]\n"                                                                        \
    "ldr r7, [r7, #16]\n"                                                                        \
    "cmp r0, #0\n"                                                                               \
    "bne 3f\n"                                                                                   \
    "2:\n" group "3:\n" group "cmp r4, r12\n"                                                    \
    "bne 2b\n"
#define MW_M0_ONE_GROUP(group)                                                                   \
    "ldr r7, [r7, #16]\n"                                                                        \
    "2:\n" group "cmp r4, r12\n"                                                                 \
    "bne 2b\n"

/* r8, r9, r10, r11: the four pixels' sums. */
#define MW_M0_SPLIT                                                                              \
    "mov r0, r9\n"                                                                               \
    "lsls r0, r0, #16\n"                                                                         \
    "mov r1, r8\n"                                                                               \
    "subs r1, r1, r0\n"                                                                          \
    "mov r8, r1\n"                                                                               \
    "mov r0, r11\n"                                                                              \
    "lsls r0, r0, #16\n"                                                                         \
    "mov r1, r10\n"                                                                              \
    "subs r1, r1, r0\n"                                                                          \
    "mov r10, r1\n"                                                                              \
    "mov r7, lr\n"

/* mw_swar_rest: 23 instructions for each tap in excess. */
#define MW_M0_REST                                                                               \
    "ldr r6, [r7, #20]\n"                                                                        \
    "ldrh r5, [r6]\n"                                                                            \
    "adds r6, r6, #2\n"                                                                          \
    "cmp r5, #0\n"                                                                               \
    "beq 5f\n"                                                                                   \
    "ldr r4, [r7, #12]\n"                                                                        \
    "ldr r3, [r7, #16]\n"                                                                        \
    "4:\n"                                                                                       \
    "ldrh r0, [r6]\n"                                                                            \
    "adds r6, r6, #2\n"                                                                          \
    "lsrs r1, r0, #8\n"                                                                          \
    "lsls r1, r1, #3\n"                                                                          \
    "adds r4, r4, r1\n"                                                                          \
    "sxtb r0, r0\n"                                                                              \
    "ldr r1, [r4]\n"                                                                             \
    "ldr r2, [r4, #4]\n"                                                                         \
    "muls r1, r0, r1\n"                                                                          \
    "muls r2, r0, r2\n"                                                                          \
    "sxth r0, r1\n"                                                                              \
    "add r8, r0\n"                                                                               \
    "adds r1, r1, r3\n"                                                                          \
    "asrs r1, r1, #16\n"                                                                         \
    "add r9, r1\n"                                                                               \
    "sxth r0, r2\n"                                                                              \
    "add r10, r0\n"                                                                              \
    "adds r2, r2, r3\n"                                                                          \
    "asrs r2, r2, #16\n"                                                                         \
    "add r11, r2\n"                                                                              \
    "subs r5, r5, #1\n"                                                                          \
    "bne 4b\n"                                                                                   \
    "5:\n"                                                                                       \
    "str r6, [r7, #20]\n"

/* The last pixel first: what is stored for absent ones is then overwritten by the first's. */
#define MW_M0_STORE                                                                              \
    "ldr r4, [r7, #24]\n"                                                                        \
    "ldmia r4!, {r2, r3}\n"                                                                      \
    "str r4, [r7, #24]\n"                                                                        \
    "mov lr, r3\n"                                                                               \
    "uxth r3, r2\n"                                                                              \
    "lsrs r2, r2, #16\n"                                                                         \
    "ldr r5, [r7, #28]\n"                                                                        \
    "ldr r6, [r7, #32]\n"                                                                        \
    "ldr r4, [r7, #36]\n" MW_M0_SCALE("r11") "ldr r0, [r7, #56]\n"                               \
    "strb r1, [r0, r4]\n" MW_M0_SCALE("r10") "ldr r0, [r7, #52]\n"                               \
    "strb r1, [r0, r4]\n" MW_M0_SCALE("r9") "ldr r0, [r7, #48]\n"                                \
    "strb r1, [r0, r4]\n" MW_M0_SCALE("r8") "ldr r0, [r7, #44]\n"                                \
    "strb r1, [r0, r4]\n"                                                                        \
    "adds r4, r4, #1\n"                                                                          \
    "str r4, [r7, #36]\n"                                                                        \
    "ldr r0, [r7, #40]\n"                                                                        \
    "cmp r4, r0\n"                                                                               \
    "beq 6f\n"                                                                                   \
    "b 1b\n"                                                                                     \
    "6:\n"

/* One channel's sums, unscaled. */
#define MW_M0_KEEP                                                                               \
    "movs r0, r7\n"                                                                              \
    "adds r0, r0, #68\n"                                                                         \
    "mov r1, r8\n"                                                                               \
    "mov r2, r9\n"                                                                               \
    "mov r3, r10\n"                                                                              \
    "mov r4, r11\n"                                                                              \
    "stmia r0!, {r1, r2, r3, r4}\n"

#define MW_M0_CHANNELS(taps, rest, store)                                                        \
    __asm__ volatile(".syntax unified\n"                                                         \
                     "push {r7}\n"                                                               \
                     "mov r7, r0\n"                                                              \
                     "ldr r0, [r7, #60]\n"                                                       \
                     "mov r12, r0\n" MW_M0_START taps MW_M0_SPLIT rest store               \
                     "pop {r7}\n"                                                                \
                     : "+r"(in)                                                                  \
                     :                                                                           \
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12",      \
                       "lr", "cc", "memory")

#define MW_M0_GROUPS(rest, store)                                                                \
    if (group == 4) {                                                                            \
        MW_M0_CHANNELS(MW_M0_TWO_GROUPS(MW_M0_GROUP_4), rest, store);                            \
    } else if (group == 8) {                                                                     \
        MW_M0_CHANNELS(MW_M0_ONE_GROUP(MW_M0_GROUP_8), rest, store);                             \
    } else {                                                                                     \
        MW_M0_CHANNELS(MW_M0_ONE_GROUP(MW_M0_GROUP_16), rest, store);                            \
    }

/* Channels frame->channel up to frame->end_channel, whose weights are one block's. */
MW_INLINE void mw_swar_channels_m0(mw_swar_frame *frame, int32_t group, int32_t has_rest)
{
    register mw_swar_frame *in __asm__("r0") = frame;
    if (has_rest) {
        MW_M0_GROUPS(MW_M0_REST, MW_M0_STORE)
    } else {
        MW_M0_GROUPS("", MW_M0_STORE)
    }
}

/* One channel's sums into frame->sums. */
MW_INLINE void mw_swar_channel_sums_m0(mw_swar_frame *frame, int32_t group, int32_t has_rest)
{
    register mw_swar_frame *in __asm__("r0") = frame;
    if (has_rest) {
        MW_M0_GROUPS(MW_M0_REST, MW_M0_KEEP)
    } else {
        MW_M0_GROUPS("", MW_M0_KEEP)
    }
}

#undef MW_M0_FIRST
#undef MW_M0_TAP
#undef MW_M0_END
#undef MW_M0_THREE
#undef MW_M0_FOUR
#undef MW_M0_EIGHT
#undef MW_M0_GROUP_4
#undef MW_M0_GROUP_8
#undef MW_M0_GROUP_16
#undef MW_M0_START
#undef MW_M0_TWO_GROUPS
#undef MW_M0_ONE_GROUP
#undef MW_M0_SPLIT
#undef MW_M0_REST
#undef MW_M0_STORE
#undef MW_M0_KEEP
#undef MW_M0_CHANNELS
#undef MW_M0_GROUPS

#endif

#endif
