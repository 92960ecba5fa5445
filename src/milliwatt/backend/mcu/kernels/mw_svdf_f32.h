/* SPDX-License-Identifier: MIT */
/* float32 SVDF: a fully connected layer factored over features and time. */
#ifndef MW_SVDF_F32_H
#define MW_SVDF_F32_H

#include "mw_dot_f32.h"

/* state[batch, filters, memory] and new_state hold the last `memory` features of each filter, the
 * oldest first; new_state may begin at state or lower. */
MW_INLINE void mw_svdf_f32(const float *x, const float *state, float *y, float *new_state,
                           const float *MW_RESTRICT w_feature, const float *MW_RESTRICT w_time,
                           const float *MW_RESTRICT bias, int32_t batch, int32_t depth,
                           int32_t units, int32_t rank, int32_t memory, int32_t activation)
{
    for (int32_t n = 0; n < batch; n++) {
        const float *filter = w_feature;
        const float *time = w_time;
        for (int32_t u = 0; u < units; u++) {
            float acc = bias[u];
            for (int32_t r = 0; r < rank; r++) {
                const float feature = mw_dot_f32(x, filter, depth);
                for (int32_t m = 0; m < memory; m++) {
                    const float value = m + 1 < memory ? state[m + 1] : feature;
                    new_state[m] = value;
                    acc += value * time[m];
                }
                filter += depth;
                time += memory;
                state += memory;
                new_state += memory;
            }
            *y++ = mw_activate_f32(acc, activation);
        }
        x += depth;
    }
}

#endif
