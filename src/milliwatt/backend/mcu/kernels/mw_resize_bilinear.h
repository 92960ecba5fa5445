/* SPDX-License-Identifier: MIT */
/* Bilinear resizing of images. */
#ifndef MW_RESIZE_BILINEAR_H
#define MW_RESIZE_BILINEAR_H

#include "mw_common.h"

/* Output row i blends input rows first[i] and second[i], the second with weight[i] of 1024 (of 1.0
 * for float32); columns alike. Integer results to nearest, ties away from zero; wide is a type that
 * holds 2**20 times an element. */
#define MW_DEFINE_RESIZE_BILINEAR(name, type, wide)                                             \
    MW_INLINE void name(const type *x, type *y, const int16_t *MW_RESTRICT row_first,           \
                        const int16_t *MW_RESTRICT row_second,                                  \
                        const int16_t *MW_RESTRICT row_weight,                                  \
                        const int16_t *MW_RESTRICT column_first,                                \
                        const int16_t *MW_RESTRICT column_second,                               \
                        const int16_t *MW_RESTRICT column_weight, int32_t batch, int32_t in_h,  \
                        int32_t in_w, int32_t channels, int32_t out_h, int32_t out_w)           \
    {                                                                                           \
        const wide half = (wide)1 << 19;                                                        \
        for (int32_t n = 0; n < batch; n++) {                                                   \
            for (int32_t i = 0; i < out_h; i++) {                                               \
                const type *upper = x + row_first[i] * in_w * channels;                         \
                const type *lower = x + row_second[i] * in_w * channels;                        \
                const wide down = row_weight[i];                                                \
                for (int32_t j = 0; j < out_w; j++) {                                           \
                    const int32_t left = column_first[j] * channels;                            \
                    const int32_t right = column_second[j] * channels;                          \
                    const wide along = column_weight[j];                                        \
                    for (int32_t c = 0; c < channels; c++) {                                    \
                        const wide above =                                                      \
                            upper[left + c] * (1024 - along) + upper[right + c] * along;        \
                        const wide below =                                                      \
                            lower[left + c] * (1024 - along) + lower[right + c] * along;        \
                        const wide total = above * (1024 - down) + below * down;                \
                        *y++ = (type)(total > 0 ? (total + half) >> 20                          \
                                                : -((half - total) >> 20));                     \
                    }                                                                           \
                }                                                                               \
            }                                                                                   \
            x += in_h * in_w * channels;                                                        \
        }                                                                                       \
    }

MW_DEFINE_RESIZE_BILINEAR(mw_resize_bilinear_s8, int8_t, int32_t)
MW_DEFINE_RESIZE_BILINEAR(mw_resize_bilinear_s16, int16_t, int64_t)

MW_INLINE void mw_resize_bilinear_f32(const float *x, float *y,
                                      const int16_t *MW_RESTRICT row_first,
                                      const int16_t *MW_RESTRICT row_second,
                                      const float *MW_RESTRICT row_weight,
                                      const int16_t *MW_RESTRICT column_first,
                                      const int16_t *MW_RESTRICT column_second,
                                      const float *MW_RESTRICT column_weight, int32_t batch,
                                      int32_t in_h, int32_t in_w, int32_t channels, int32_t out_h,
                                      int32_t out_w)
{
    for (int32_t n = 0; n < batch; n++) {
        for (int32_t i = 0; i < out_h; i++) {
            const float *upper = x + row_first[i] * in_w * channels;
            const float *lower = x + row_second[i] * in_w * channels;
            const float down = row_weight[i];
            for (int32_t j = 0; j < out_w; j++) {
                const int32_t left = column_first[j] * channels;
                const int32_t right = column_second[j] * channels;
                const float along = column_weight[j];
                for (int32_t c = 0; c < channels; c++) {
                    const float above =
                        upper[left + c] * (1.0f - along) + upper[right + c] * along;
                    const float below =
                        lower[left + c] * (1.0f - along) + lower[right + c] * along;
                    *y++ = above * (1.0f - down) + below * down;
                }
            }
        }
        x += in_h * in_w * channels;
    }
}

#endif
