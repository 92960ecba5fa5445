/* SPDX-License-Identifier: MIT */
/* Changing number formats: integers to integers, float32 to integers, integers to float32. */
#ifndef MW_QUANTIZE_H
#define MW_QUANTIZE_H

#include "mw_requantize.h"

/* y[i] = y_zero + (x[i] - x_zero) * multiplier * 2**(shift - 31), clamped to y's type. */
#define MW_DEFINE_REQUANTIZE(name, from_type, to_type)                                         \
    MW_INLINE void name(const from_type *x, to_type *y, int32_t count, int32_t x_zero,         \
                        int32_t y_zero, int32_t multiplier, int32_t shift, int32_t low,        \
                        int32_t high)                                                          \
    {                                                                                          \
        for (int32_t i = 0; i < count; i++) {                                                  \
            const int32_t centre = (int32_t)((uint32_t)x[i] - (uint32_t)x_zero);               \
            const int32_t scaled = mw_requantize(centre, multiplier, shift);                   \
            y[i] = (to_type)mw_offset_clamp(scaled, y_zero, low, high);                        \
        }                                                                                      \
    }

MW_DEFINE_REQUANTIZE(mw_quantize_s8_s8, int8_t, int8_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s8_u8, int8_t, uint8_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s8_s16, int8_t, int16_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s8_s32, int8_t, int32_t)
MW_DEFINE_REQUANTIZE(mw_quantize_u8_s8, uint8_t, int8_t)
MW_DEFINE_REQUANTIZE(mw_quantize_u8_u8, uint8_t, uint8_t)
MW_DEFINE_REQUANTIZE(mw_quantize_u8_s16, uint8_t, int16_t)
MW_DEFINE_REQUANTIZE(mw_quantize_u8_s32, uint8_t, int32_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s16_s8, int16_t, int8_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s16_u8, int16_t, uint8_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s16_s16, int16_t, int16_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s16_s32, int16_t, int32_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s32_s8, int32_t, int8_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s32_u8, int32_t, uint8_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s32_s16, int32_t, int16_t)
MW_DEFINE_REQUANTIZE(mw_quantize_s32_s32, int32_t, int32_t)

/* Between int8 and uint8 of one scale and zero points 128 apart. */
MW_INLINE void mw_flip_sign(const void *x, void *y, int32_t count)
{
    const uint8_t *from = x;
    uint8_t *to = y;
    for (int32_t i = 0; i < count; i++) {
        to[i] = (uint8_t)(from[i] ^ 0x80u);
    }
}

/* ratio to nearest, ties away from zero; anything beyond +-2**24 gives that, NaN -2**24. */
MW_INLINE int32_t mw_round_f32(float ratio)
{
    const float limit = 16777216.0f;
    if (!(ratio > -limit)) {
        return -16777216;
    }
    if (ratio >= limit) {
        return 16777216;
    }
    const int32_t whole = (int32_t)ratio;
    const float rest = ratio - (float)whole;
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

/* y[i] = zero + round(x[i] / scale), clamped to [low, high]; NaN gives low. Zero points and bounds
 * of up to 16 bits. */
#define MW_DEFINE_QUANTIZE(name, to_type)                                                      \
    MW_INLINE void name(const float *x, to_type *y, int32_t count, float scale, int32_t zero,  \
                        int32_t low, int32_t high)                                             \
    {                                                                                          \
        for (int32_t i = 0; i < count; i++) {                                                  \
            const int32_t nearest = zero + mw_round_f32(x[i] / scale);                         \
            y[i] = (to_type)mw_clamp_i32(nearest, low, high);                                  \
        }                                                                                      \
    }

MW_DEFINE_QUANTIZE(mw_quantize_f32_s8, int8_t)
MW_DEFINE_QUANTIZE(mw_quantize_f32_u8, uint8_t)
MW_DEFINE_QUANTIZE(mw_quantize_f32_s16, int16_t)

/* y[i] = (x[i] - zero) * scale, rounded once. Types of up to 16 bits. */
#define MW_DEFINE_DEQUANTIZE(name, from_type)                                                  \
    MW_INLINE void name(const from_type *x, float *y, int32_t count, float scale,              \
                        int32_t zero)                                                          \
    {                                                                                          \
        for (int32_t i = 0; i < count; i++) {                                                  \
            y[i] = (float)(x[i] - zero) * scale;                                               \
        }                                                                                      \
    }

MW_DEFINE_DEQUANTIZE(mw_dequantize_s8_f32, int8_t)
MW_DEFINE_DEQUANTIZE(mw_dequantize_u8_f32, uint8_t)
MW_DEFINE_DEQUANTIZE(mw_dequantize_s16_f32, int16_t)

#endif
