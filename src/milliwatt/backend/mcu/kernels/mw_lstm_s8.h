/* SPDX-License-Identifier: MIT */
/* int8 LSTM over a sequence, with int16 cell state. */
#ifndef MW_LSTM_S8_H
#define MW_LSTM_S8_H

#include "mw_dot_s8.h"
#include "mw_lstm_step.h"

/* One gate in Q3.12: the sums over input and hidden state, each rescaled and saturated. */
MW_INLINE int32_t mw_lstm_gate_s8(const int8_t *x, const int8_t *h, int32_t depth, int32_t units,
                                  const int8_t *MW_RESTRICT w_input,
                                  const int8_t *MW_RESTRICT w_hidden, int32_t input_bias,
                                  int32_t hidden_bias, const int32_t *MW_RESTRICT factors)
{
    const int32_t from_input = mw_wrapping_add(input_bias, mw_dot_s8(x, w_input, depth, 0, 8));
    const int32_t from_hidden = mw_wrapping_add(hidden_bias, mw_dot_s8(h, w_hidden, units, 0, 8));
    return mw_saturate_16(mw_saturate_16(mw_requantize(from_input, factors[0], factors[1])) +
                          mw_saturate_16(mw_requantize(from_hidden, factors[2], factors[3])));
}

/* Gates in the order input, forget, cell, output: w_input[4][units][depth],
 * w_hidden[4][units][units], input_bias and hidden_bias [4][units] with the zero points of x and of
 * the hidden state folded in, factors[4][4] with multiplier and shift of input and of hidden sums.
 * Element (n, t) of x lies at n * x_row + t * x_time, of y alike. The hidden state of a step is
 * that step's y. new_hidden may begin at hidden or lower, new_cell at cell or lower. */
MW_INLINE void mw_lstm_s8(const int8_t *x, const int8_t *hidden, const int16_t *cell, int8_t *y,
                          int8_t *new_hidden, int16_t *new_cell,
                          const int8_t *MW_RESTRICT w_input, const int8_t *MW_RESTRICT w_hidden,
                          const int32_t *MW_RESTRICT input_bias,
                          const int32_t *MW_RESTRICT hidden_bias,
                          const int32_t *MW_RESTRICT factors,
                          const uint16_t *MW_RESTRICT sigmoid, int32_t batch, int32_t steps,
                          int32_t depth, int32_t units, int32_t x_row, int32_t x_time,
                          int32_t y_row, int32_t y_time, int32_t forget_multiplier,
                          int32_t forget_shift, int32_t input_multiplier, int32_t input_shift,
                          int32_t hidden_multiplier, int32_t hidden_shift, int32_t hidden_zero,
                          int32_t cell_multiplier, int32_t cell_shift, int32_t clip)
{
    for (int32_t n = 0; n < batch; n++) {
        const int8_t *h = hidden + n * units;
        const int16_t *c = cell + n * units;
        int16_t *next = new_cell + n * units;
        for (int32_t t = 0; t < steps; t++) {
            const int8_t *xt = x + n * x_row + t * x_time;
            int8_t *yt = y + n * y_row + t * y_time;
            for (int32_t u = 0; u < units; u++) {
                int32_t gate[4];
                for (int32_t g = 0; g < 4; g++) {
                    const int32_t row = g * units + u;
                    gate[g] = mw_lstm_gate_s8(xt, h, depth, units, w_input + row * depth,
                                              w_hidden + row * units, input_bias[row],
                                              hidden_bias[row], factors + 4 * g);
                }
                const int32_t updated =
                    mw_lstm_cell(gate[0], gate[1], gate[2], c[u], sigmoid, forget_multiplier,
                                 forget_shift, input_multiplier, input_shift, clip);
                next[u] = (int16_t)updated;
                const int32_t product =
                    mw_lstm_hidden(gate[3], updated, sigmoid, cell_multiplier, cell_shift);
                const int32_t scaled = mw_requantize(product, hidden_multiplier, hidden_shift);
                yt[u] = (int8_t)mw_offset_clamp(scaled, hidden_zero, -128, 127);
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
