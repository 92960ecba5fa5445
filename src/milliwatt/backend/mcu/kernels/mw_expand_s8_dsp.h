/* SPDX-License-Identifier: MIT */
/* Which pairs of inputs a sparse kernel can multiply: int8 inputs widened to int16, in twos.
 *
 * Form MW_PAIRS: each input once, as mw_widen_s8_dsp.h has them. Form MW_TWO_OF_FOUR: of every four
 * inputs all six pairs, so that a filter with two weights in four meets them in one. Form
 * MW_ONE_OF_FOUR: of every eight inputs all sixteen pairs of one of the first four and one of the
 * last. 5, 13 and 38 instructions of work for 4, 4 and 8 inputs, once for all output channels. */
#ifndef MW_EXPAND_S8_DSP_H
#define MW_EXPAND_S8_DSP_H

#include "mw_widen_s8_dsp.h"

#define MW_PAIRS 0
#define MW_TWO_OF_FOUR 1
#define MW_ONE_OF_FOUR 2

/* The pair (low half of a, high half of b). */
MW_INLINE int32_t mw_low_and_high(int32_t a, int32_t b)
{
    return (int32_t)(((uint32_t)a & 0xFFFFu) | ((uint32_t)b & 0xFFFF0000u));
}

/* Pairs (0,1), (0,2), (0,3), (1,2), (1,3), (2,3) of four inputs. */
MW_INLINE void mw_expand_two_of_four(const int8_t *x, int32_t *pairs, int32_t step)
{
    const int32_t word = mw_load_i32(x);
    const int32_t even = mw_even_bytes(word), odd = mw_odd_bytes(word);
    pairs[0] = mw_pair(even, odd);
    pairs[step] = even;
    pairs[2 * step] = mw_low_and_high(even, odd);
    pairs[3 * step] = mw_low_and_high(odd, even);
    pairs[4 * step] = odd;
    pairs[5 * step] = mw_pair_of_highs(even, odd);
}

/* Pairs (i, 4 + j) of eight inputs, at 4 * i + j. */
MW_INLINE void mw_expand_one_of_four(const int8_t *x, int32_t *pairs, int32_t step)
{
    MW_UNROLL
    for (int32_t i = 0; i < 4; i++) {
        MW_UNROLL
        for (int32_t j = 0; j < 4; j++) {
            pairs[(4 * i + j) * step] = mw_pair(x[i], x[4 + j]);
        }
    }
}

/* Writes pair i of x[0..count) to pairs[i * step]; returns where the next pair goes. `count` is a
 * multiple of four or eight for the two forms that need it. */
MW_INLINE int32_t *mw_expand_run_s8(const int8_t *x, int32_t count, int32_t *pairs, int32_t step,
                                    int32_t form)
{
    if (form == MW_PAIRS) {
        return mw_widen_s8_step(x, count, pairs, step);
    }
    for (const int8_t *const end = x + count; x != end;) {
        if (form == MW_TWO_OF_FOUR) {
            mw_expand_two_of_four(x, pairs, step);
            x += 4;
            pairs += 6 * step;
        } else {
            mw_expand_one_of_four(x, pairs, step);
            x += 8;
            pairs += 16 * step;
        }
    }
    return pairs;
}

/* The same, not inlined, for the steps and forms there are. */
#define MW_EXPAND(name, step, form)                                                            \
    static MW_NOINLINE __attribute__((unused)) int32_t *name(const int8_t *x, int32_t count,   \
                                                             int32_t *pairs)                   \
    {                                                                                          \
        MW_BARRIER();                                                                          \
        return mw_expand_run_s8(x, count, pairs, step, form);                                  \
    }

MW_EXPAND(mw_expand_pairs_of_8, 8, MW_PAIRS)
MW_EXPAND(mw_expand_pairs_of_4, 4, MW_PAIRS)
MW_EXPAND(mw_expand_pairs_of_1, 1, MW_PAIRS)
MW_EXPAND(mw_expand_two_of_four_of_8, 8, MW_TWO_OF_FOUR)
MW_EXPAND(mw_expand_two_of_four_of_4, 4, MW_TWO_OF_FOUR)
MW_EXPAND(mw_expand_two_of_four_of_1, 1, MW_TWO_OF_FOUR)
MW_EXPAND(mw_expand_one_of_four_of_8, 8, MW_ONE_OF_FOUR)
MW_EXPAND(mw_expand_one_of_four_of_4, 4, MW_ONE_OF_FOUR)
MW_EXPAND(mw_expand_one_of_four_of_1, 1, MW_ONE_OF_FOUR)

#undef MW_EXPAND

/* Writes pair i of x[0..count) to pairs[i * step], step 8, 4 or 1; returns where the next one
 * goes. */
#define MW_EXPAND_STEP(form, x, count, pairs, step)                                            \
    ((step) == 8   ? mw_expand_##form##_of_8(x, count, pairs)                                  \
     : (step) == 4 ? mw_expand_##form##_of_4(x, count, pairs)                                  \
                   : mw_expand_##form##_of_1(x, count, pairs))

MW_INLINE int32_t *mw_expand_s8(const int8_t *x, int32_t count, int32_t *pairs, int32_t step,
                                int32_t form)
{
    return form == MW_PAIRS         ? MW_EXPAND_STEP(pairs, x, count, pairs, step)
           : form == MW_TWO_OF_FOUR ? MW_EXPAND_STEP(two_of_four, x, count, pairs, step)
                                    : MW_EXPAND_STEP(one_of_four, x, count, pairs, step);
}

#undef MW_EXPAND_STEP

#endif
