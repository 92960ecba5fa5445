/* SPDX-License-Identifier: MIT */
/* Activations and softmax of float32. */
#ifndef MW_ACTIVATION_F32_H
#define MW_ACTIVATION_F32_H

#include "mw_math_f32.h"

MW_INLINE void mw_relu_f32(const float *x, float *y, int32_t count, int32_t activation)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = mw_activate_f32(x[i], activation);
    }
}

MW_INLINE void mw_leaky_relu_f32(const float *x, float *y, int32_t count, float alpha)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = x[i] > 0.0f ? x[i] : x[i] * alpha;
    }
}

MW_INLINE void mw_logistic_f32(const float *x, float *y, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = mw_logistic_f32_of(x[i]);
    }
}

MW_INLINE void mw_tanh_elements_f32(const float *x, float *y, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = mw_tanh_f32(x[i]);
    }
}

MW_INLINE float mw_row_max_f32(const float *x, int32_t count)
{
    float largest = x[0];
    for (int32_t i = 1; i < count; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    return largest;
}

MW_INLINE void mw_softmax_f32(const float *x, float *y, int32_t rows, int32_t count, float beta)
{
    for (int32_t row = 0; row < rows; row++) {
        const float largest = mw_row_max_f32(x, count);
        float total = 0.0f;
        for (int32_t i = 0; i < count; i++) {
            y[i] = mw_exp_f32((x[i] - largest) * beta);
            total += y[i];
        }
        for (int32_t i = 0; i < count; i++) {
            y[i] = y[i] / total;
        }
        x += count;
        y += count;
    }
}

MW_INLINE void mw_log_softmax_f32(const float *x, float *y, int32_t rows, int32_t count)
{
    for (int32_t row = 0; row < rows; row++) {
        const float largest = mw_row_max_f32(x, count);
        float total = 0.0f;
        for (int32_t i = 0; i < count; i++) {
            total += mw_exp_f32(x[i] - largest);
        }
        const float logarithm = mw_log_f32(total);
        for (int32_t i = 0; i < count; i++) {
            y[i] = (x[i] - largest) - logarithm;
        }
        x += count;
        y += count;
    }
}

#endif
