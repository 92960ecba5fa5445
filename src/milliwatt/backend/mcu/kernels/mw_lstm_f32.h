/* SPDX-License-Identifier: MIT */
/* float32 LSTM over a sequence. */
#ifndef MW_LSTM_F32_H
#define MW_LSTM_F32_H

#include "mw_dot_f32.h"

/* As mw_lstm_s8. clip is 0 where there is none. */
MW_INLINE void mw_lstm_f32(const float *x, const float *hidden, const float *cell, float *y,
                           float *new_hidden, float *new_cell, const float *MW_RESTRICT w_input,
                           const float *MW_RESTRICT w_hidden, const float *MW_RESTRICT bias,
                           int32_t batch, int32_t steps, int32_t depth, int32_t units,
                           int32_t x_row, int32_t x_time, int32_t y_row, int32_t y_time, float clip)
{
    for (int32_t n = 0; n < batch; n++) {
        const float *h = hidden + n * units;
        const float *c = cell + n * units;
        float *next = new_cell + n * units;
        for (int32_t t = 0; t < steps; t++) {
            const float *xt = x + n * x_row + t * x_time;
            float *yt = y + n * y_row + t * y_time;
            for (int32_t u = 0; u < units; u++) {
                float gate[4];
                for (int32_t g = 0; g < 4; g++) {
                    const int32_t row = g * units + u;
                    gate[g] = bias[row] + mw_dot_f32(xt, w_input + row * depth, depth) +
                              mw_dot_f32(h, w_hidden + row * units, units);
                }
                float updated = mw_logistic_f32_of(gate[1]) * c[u] +
                                mw_logistic_f32_of(gate[0]) * mw_tanh_f32(gate[2]);
                if (clip > 0.0f) {
                    updated = updated < -clip ? -clip : (updated > clip ? clip : updated);
                }
                next[u] = updated;
                yt[u] = mw_logistic_f32_of(gate[3]) * mw_tanh_f32(updated);
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
