/* SPDX-License-Identifier: MIT */
/* Depthwise convolutions of int4 and int2 weights on Helium: they are few, so all are made bytes in
 * scratch memory first, and then multiplied by the kernels of int8 weights
 * (mw_depthwise_conv2d_s8_mve.h has their registers). 6 instructions for 32 int4 weights, 13 for 64
 * of int2, once for all output pixels.
 *
 * stored: for every 16 channels the 64 bytes of their biases, before the weights or (`biases_last`)
 * behind them, and the weights of two (int4) or four (int2) taps in each 16 bytes: the first tap's
 * in the lowest bits. What fills up the last taps goes beyond the block, where the next one then
 * comes. */
#ifndef MW_DEPTHWISE_SUBBYTE_MVE_H
#define MW_DEPTHWISE_SUBBYTE_MVE_H

#include "mw_depthwise_conv2d_s8_mve.h"

/* Weights of `count` vectors as bytes. */
MW_INLINE void mw_unpack_mve(const int8_t *from, int8_t *to, int32_t count, int32_t bits)
{
#if MW_HAS_MVE
    if (bits == 4) {
        __asm__ volatile("dls lr, %[count]\n"
                         "1:\n"
                         "vldrb.8 q0, [%[from]], #16\n"
                         "vshl.i8 q1, q0, #4\n"
                         "vshr.s8 q0, q0, #4\n"
                         "vshr.s8 q1, q1, #4\n"
                         "vstrb.8 q1, [%[to]], #16\n"
                         "vstrb.8 q0, [%[to]], #16\n"
                         "le lr, 1b\n"
                         : [to] "+&r"(to), [from] "+&r"(from)
                         : [count] "r"(count)
                         : "lr", "q0", "q1", "memory");
    } else {
        __asm__ volatile("dls lr, %[count]\n"
                         "1:\n"
                         "vldrb.8 q0, [%[from]], #16\n"
                         "vshl.i8 q1, q0, #6\n"
                         "vshr.s8 q1, q1, #6\n"
                         "vstrb.8 q1, [%[to]], #16\n"
                         "vshl.i8 q2, q0, #4\n"
                         "vshr.s8 q2, q2, #6\n"
                         "vstrb.8 q2, [%[to]], #16\n"
                         "vshl.i8 q1, q0, #2\n"
                         "vshr.s8 q1, q1, #6\n"
                         "vstrb.8 q1, [%[to]], #16\n"
                         "vshr.s8 q0, q0, #6\n"
                         "vstrb.8 q0, [%[to]], #16\n"
                         "le lr, 1b\n"
                         : [to] "+&r"(to), [from] "+&r"(from)
                         : [count] "r"(count)
                         : "lr", "q0", "q1", "q2", "memory");
    }
#else
    for (int32_t i = 0; i < count; i++) {
        for (int32_t place = 0; place < 8 / bits; place++) {
            for (int32_t lane = 0; lane < MW_VECTOR; lane++) {
                const int32_t kept = (from[lane] >> (bits * place)) & ((1 << bits) - 1);
                *to++ = (int8_t)(kept >> (bits - 1) ? kept - (1 << bits) : kept);
            }
        }
        from += MW_VECTOR;
    }
#endif
}

/* The table of the int8 kernels, `offset` bytes into scratch memory: of `blocks` times 16 channels
 * and `taps`, that are `vectors` as stored. */
static MW_NOINLINE __attribute__((unused)) const int8_t *mw_depthwise_unpacked_mve(
    const int8_t *stored, void *scratch, int32_t offset, int32_t blocks, int32_t taps,
    int32_t vectors, int32_t biases_last, int32_t bits)
{
    MW_BARRIER();
    int8_t *const table = (int8_t *)scratch + offset;
    int8_t *to = table;
    for (; blocks > 0; blocks--) {
        int8_t *const weights = biases_last ? to : to + 64;
        mw_unpack_mve(biases_last ? stored : stored + 64, weights, vectors, bits);
        mw_copy_mve(biases_last ? to + MW_VECTOR * taps : to,
                    biases_last ? stored + MW_VECTOR * vectors : stored, 64);
        stored += 64 + MW_VECTOR * vectors;
        to += 64 + MW_VECTOR * taps;
    }
    MW_BARRIER();
    return table;
}

#define mw_depthwise_conv2d_subbyte_mve(x, y, scratch, stored, offset, blocks, taps, vectors,  \
                                        biases_last, bits, ...)                              \
    mw_depthwise_conv2d_s8_mve(x, y, scratch,                                                  \
                               mw_depthwise_unpacked_mve(stored, scratch, offset, blocks,      \
                                                         taps, vectors, biases_last, bits),  \
                               __VA_ARGS__)

#define mw_depthwise_conv2d_inside_subbyte_mve(x, y, scratch, stored, offset, blocks, taps,    \
                                               vectors, biases_last, bits, ...)              \
    mw_depthwise_conv2d_inside_s8_mve(                                                         \
        x, y,                                                                                  \
        mw_depthwise_unpacked_mve(stored, scratch, offset, blocks, taps, vectors,              \
                                  biases_last, bits),                                        \
        __VA_ARGS__)

#endif
