/* SPDX-License-Identifier: MIT */
/* int8 SVDF: a fully connected layer factored over features and time. */
#ifndef MW_SVDF_S8_H
#define MW_SVDF_S8_H

#include "mw_dot_s8.h"
#include "mw_requantize.h"

/* state[batch, filters, memory] and new_state hold the last `memory` features of each filter, the
 * oldest first; new_state may begin at state or lower. feature_bias is -x_zero times the sum of a
 * filter's weights; bias has the state's zero point folded in. A new feature
 * is clamped before the state's zero point is added, and wraps round. */
#define MW_DEFINE_SVDF(name, type)                                                              \
    MW_INLINE void name(const int8_t *x, const type *state, int8_t *y, type *new_state,         \
                        const int8_t *MW_RESTRICT w_feature,                                    \
                        const int32_t *MW_RESTRICT feature_bias,                                \
                        const type *MW_RESTRICT w_time, const int32_t *MW_RESTRICT bias,        \
                        int32_t batch, int32_t depth, int32_t units, int32_t rank,              \
                        int32_t memory, int32_t feature_multiplier, int32_t feature_shift,      \
                        int32_t state_zero, int32_t state_min, int32_t state_max,               \
                        int32_t time_multiplier, int32_t time_shift, int32_t y_zero)            \
    {                                                                                           \
        for (int32_t n = 0; n < batch; n++) {                                                   \
            const int8_t *filter = w_feature;                                                   \
            const type *time = w_time;                                                          \
            const int32_t *start = feature_bias;                                                \
            for (int32_t u = 0; u < units; u++) {                                               \
                int32_t acc = bias[u];                                                          \
                for (int32_t r = 0; r < rank; r++) {                                            \
                    const int32_t sum =                                                         \
                        mw_wrapping_add(*start++, mw_dot_s8(x, filter, depth, 0, 8));           \
                    const int32_t scaled_sum =                                                  \
                        mw_requantize(sum, feature_multiplier, feature_shift);                  \
                    const int32_t feature =                                                     \
                        (type)(mw_clamp_i32(scaled_sum, state_min, state_max) + state_zero);    \
                    for (int32_t m = 0; m < memory; m++) {                                      \
                        const int32_t value = m + 1 < memory ? state[m + 1] : feature;          \
                        new_state[m] = (type)value;                                             \
                        acc = mw_wrapping_add(acc, value * time[m]);                            \
                    }                                                                           \
                    filter += depth;                                                            \
                    time += memory;                                                             \
                    state += memory;                                                            \
                    new_state += memory;                                                        \
                }                                                                               \
                const int32_t scaled = mw_requantize(acc, time_multiplier, time_shift);         \
                *y++ = (int8_t)mw_offset_clamp(scaled, y_zero, -128, 127);                      \
            }                                                                                   \
            x += depth;                                                                         \
        }                                                                                       \
    }

MW_DEFINE_SVDF(mw_svdf_s8_s8, int8_t)
MW_DEFINE_SVDF(mw_svdf_s8_s16, int16_t)

#endif
