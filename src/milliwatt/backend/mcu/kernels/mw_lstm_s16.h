/* SPDX-License-Identifier: MIT */
/* int16 LSTM over a sequence. */
#ifndef MW_LSTM_S16_H
#define MW_LSTM_S16_H

#include "mw_dot_s16.h"
#include "mw_lstm_step.h"

/* One gate in Q3.12: the sums over input and hidden state, each rescaled and saturated. */
MW_INLINE int32_t mw_lstm_gate_s16(const int16_t *x, const int16_t *h, int32_t depth,
                                   int32_t units, const int8_t *MW_RESTRICT w_input,
                                   const int8_t *MW_RESTRICT w_hidden, int64_t bias,
                                   const int32_t *MW_RESTRICT factors)
{
    const int64_t from_input = bias + mw_dot_s16(x, w_input, depth, 0, 8);
    const int64_t from_hidden = mw_dot_s16(h, w_hidden, units, 0, 8);
    return mw_saturate_16(
        mw_saturate_16(mw_requantize_wide(from_input, factors[0], factors[1])) +
        mw_saturate_16(mw_requantize_wide(from_hidden, factors[2], factors[3])));
}

/* As mw_lstm_s8, but bias[4][units] in one or two words each (bias_words) and factors[4][4] with
 * 16-bit multipliers and right shifts. */
MW_INLINE void mw_lstm_s16(const int16_t *x, const int16_t *hidden, const int16_t *cell,
                           int16_t *y, int16_t *new_hidden, int16_t *new_cell,
                           const int8_t *MW_RESTRICT w_input, const int8_t *MW_RESTRICT w_hidden,
                           const int32_t *MW_RESTRICT bias, const int32_t *MW_RESTRICT factors,
                           const uint16_t *MW_RESTRICT sigmoid, int32_t batch, int32_t steps,
                           int32_t depth, int32_t units, int32_t x_row, int32_t x_time,
                           int32_t y_row, int32_t y_time, int32_t forget_multiplier,
                           int32_t forget_shift, int32_t input_multiplier, int32_t input_shift,
                           int32_t hidden_multiplier, int32_t hidden_shift,
                           int32_t cell_multiplier, int32_t cell_shift, int32_t clip,
                           int32_t bias_words)
{
    for (int32_t n = 0; n < batch; n++) {
        const int16_t *h = hidden + n * units;
        const int16_t *c = cell + n * units;
        int16_t *next = new_cell + n * units;
        for (int32_t t = 0; t < steps; t++) {
            const int16_t *xt = x + n * x_row + t * x_time;
            int16_t *yt = y + n * y_row + t * y_time;
            for (int32_t u = 0; u < units; u++) {
                int32_t gate[4];
                for (int32_t g = 0; g < 4; g++) {
                    const int32_t row = g * units + u;
                    gate[g] = mw_lstm_gate_s16(xt, h, depth, units, w_input + row * depth,
                                               w_hidden + row * units,
                                               mw_bias_s16(bias, row, bias_words), factors + 4 * g);
                }
                const int32_t updated =
                    mw_lstm_cell(gate[0], gate[1], gate[2], c[u], sigmoid, forget_multiplier,
                                 forget_shift, input_multiplier, input_shift, clip);
                next[u] = (int16_t)updated;
                const int32_t product =
                    mw_lstm_hidden(gate[3], updated, sigmoid, cell_multiplier, cell_shift);
                yt[u] = (int16_t)mw_saturate_16(
                    mw_requantize(product, hidden_multiplier, hidden_shift));
            }
            h = yt;
            c = next;
        }
        for (int32_t u = 0; u < units; u++) {
            new_hidden[n * units + u] = h[u];
        }
    }
}

#endif
