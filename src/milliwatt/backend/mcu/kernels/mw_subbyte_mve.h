/* SPDX-License-Identifier: MIT */
/* int4 and int2 weights on Helium: several channels' weights for one input in one byte, and how to
 * take the channels' sums out of VMLADAVA's.
 *
 * A byte holds 16 * b + a (int4) or 64 * d + 16 * c + 4 * b + a (int2), signed digits of as many
 * channels. It is multiplied as it stands; VRSHR by 4 (by 2) drops the lowest digit exactly,
 * because the digits below a half round away, and what is left is multiplied in turn. One VRSHR
 * stands for one load of int8 weights, so the loops are as long. At the end every sum but the last
 * holds 16 (4) times the one after it, which one SUB of a core register takes away. All of it is
 * exact modulo 2**32, and the results fit (lowering/mve/subbyte_layout.py).
 *
 * Where a byte would be below -128 (the channel on top has the least weight there is), all bytes of
 * the layer are raised by 8 (42), so that each digit but the top one is raised by 8 (2); VSHR drops
 * it then, and the sums start at minus the inputs' sum times what was added: `full`. */
#ifndef MW_SUBBYTE_MVE_H
#define MW_SUBBYTE_MVE_H

#include "mw_requantize_mve.h"

/* What makes a function: of the first VMLADAVA, of VRSHR or VSHR. */
#define MW_SUBBYTE_FIRST "vmladav.s8"
#define MW_SUBBYTE_DROP "vrshr.s8"
#define MW_SUBBYTE_FIRST_FULL "vmladava.s8"
#define MW_SUBBYTE_DROP_FULL "vshr.s8"

/* The weight of digit `place`, counted from the lowest, of a byte. */
MW_INLINE int32_t mw_subbyte_digit_mve(int32_t byte, int32_t place, int32_t bits, int32_t full)
{
    const int32_t half = 1 << (bits - 1), places = 8 / bits;
    for (int32_t i = 0; i < place; i++) {
        byte = (byte + (full ? 0 : half)) >> bits;
    }
    if (place == places - 1) {
        return byte;
    }
    const int32_t above = (byte + (full ? 0 : half)) >> bits;
    return byte - above * (1 << bits) - (full ? half : 0);
}

/* What the sum of digit `place` and those above it starts with, for inputs of that sum. */
MW_INLINE int32_t mw_subbyte_start_mve(int32_t sum, int32_t place, int32_t bits)
{
    const int32_t raised = bits == 4 ? 8 >> (4 * place) : 42 >> (2 * place);
    return -raised * sum;
}

/* The sum of 16 * `vectors` inputs. */
MW_INLINE int32_t mw_sum_mve(const int8_t *x, int32_t vectors)
{
    int32_t sum = 0;
#if MW_HAS_MVE
    __asm__ volatile("dls lr, %[vectors]\n"
                     "1:\n"
                     "vldrb.8 q0, [%[x]], #16\n"
                     "vaddva.s8 %[sum], q0\n"
                     "le lr, 1b\n"
                     : [x] "+&r"(x), [sum] "+&Te"(sum)
                     : [vectors] "r"(vectors)
                     : "lr", "q0", "memory");
#else
    for (int32_t i = 0; i < MW_VECTOR * vectors; i++) {
        sum += x[i];
    }
#endif
    return sum;
}

#endif
