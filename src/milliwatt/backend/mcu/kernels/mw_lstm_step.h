/* SPDX-License-Identifier: MIT */
/* One unit of an integer LSTM: cell and hidden state from its gates. */
#ifndef MW_LSTM_STEP_H
#define MW_LSTM_STEP_H

#include "mw_requantize.h"
#include "mw_table_s16.h"

MW_INLINE int32_t mw_saturate_16(int32_t x) { return mw_clamp_i32(x, -32768, 32767); }

/* New cell state from the gates (input, forget, candidate) in Q3.12 and the old cell state. clip
 * is 32768 where there is none. */
MW_INLINE int32_t mw_lstm_cell(int32_t input, int32_t forget, int32_t candidate, int32_t cell,
                               const uint16_t *MW_RESTRICT sigmoid, int32_t forget_multiplier,
                               int32_t forget_shift, int32_t input_multiplier,
                               int32_t input_shift, int32_t clip)
{
    const int32_t kept = mw_logistic_q15(forget, 3, 0, sigmoid) * cell;
    const int32_t added =
        mw_logistic_q15(input, 3, 0, sigmoid) * mw_tanh_q15(candidate, 3, 0, sigmoid);
    const int32_t old = mw_saturate_16(mw_requantize(kept, forget_multiplier, forget_shift));
    const int32_t fresh = mw_saturate_16(mw_requantize(added, input_multiplier, input_shift));
    return mw_clamp_i32(mw_saturate_16(old + fresh), -clip, clip);
}

/* Output gate in Q3.12 times tanh of the cell state, not yet rescaled. */
MW_INLINE int32_t mw_lstm_hidden(int32_t output, int32_t cell, const uint16_t *MW_RESTRICT sigmoid,
                                 int32_t cell_multiplier, int32_t cell_shift)
{
    return mw_tanh_q15(cell, cell_multiplier, cell_shift, sigmoid) *
           mw_logistic_q15(output, 3, 0, sigmoid);
}

#endif
