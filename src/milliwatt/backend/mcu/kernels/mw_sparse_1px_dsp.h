/* SPDX-License-Identifier: MIT */
/* One pixel times filters of which most weights are zero, stored as mw_sparse_8px takes them.
 *
 * Per stored pair (2 multiplications): 2 loads, 1 extension, 1 mask, 1 SMLAD, 1 addition, 1 branch
 * = 7 instructions: for fully connected layers, which dense take 1.1 per multiplication, it pays
 * where less than 0.32 of the pairs are stored. */
#ifndef MW_SPARSE_1PX_DSP_H
#define MW_SPARSE_1PX_DSP_H

#include "mw_requantize_dsp.h"

static MW_NOINLINE __attribute__((unused)) void mw_sparse_1px(const int32_t *pairs,
                                                              const int32_t *weights,
                                                              const int32_t *scales, int8_t *y,
                                                              int32_t channels, int32_t zero)
{
    MW_BARRIER();
    for (; channels > 0; channels--) {
        const int32_t first = weights[0];
        int32_t sum = weights[1];
        weights += 2;
        if (first < 0) {
            *y++ = (int8_t)sum;
            continue;
        }
        const int32_t *x = pairs + (first >> 5);
#if MW_HAS_DSP
        int32_t word, inputs, further;
        __asm__ volatile("1:\n"
                         "ldr %[word], [%[weights]], #4\n"
                         "ldr %[inputs], [%[x]]\n"
                         "ands %[further], %[word], #0xFF00\n"
                         "sxtb16 %[word], %[word]\n"
                         "smlad %[sum], %[inputs], %[word], %[sum]\n"
                         "add %[x], %[x], %[further], lsr #6\n"
                         "bne 1b\n"
                         : [x] "+&r"(x), [weights] "+&r"(weights), [sum] "+&r"(sum),
                           [word] "=&r"(word), [inputs] "=&r"(inputs), [further] "=&r"(further)
                         :
                         : "cc", "memory");
#else
        int32_t further;
        do {
            const int32_t word = *weights++;
            further = word & 0xFF00;
            sum = mw_dot_pairs(*x, mw_even_bytes(word), sum);
            x += further >> 8;
        } while (further != 0);
#endif
        *y++ = (int8_t)mw_requantize_s8_dsp(2 * sum, scales[0], scales[1], zero);
        scales += 2;
    }
}

#endif
