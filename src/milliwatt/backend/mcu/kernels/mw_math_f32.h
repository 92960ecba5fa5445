/* SPDX-License-Identifier: MIT */
/* float32 exponential, logarithm, tanh and logistic without a C library.
 *
 * Largest errors, in units in the last place of the exact result, over the whole range (measured
 * against float64; tests/kernels/test_float.py holds them): exp 1.1, log 1.0, tanh 2.0,
 * logistic 2.5. Polynomials are Chebyshev fits made for this file. */
#ifndef MW_MATH_F32_H
#define MW_MATH_F32_H

#include "mw_common.h"

MW_INLINE float mw_float_of_bits(uint32_t bits)
{
    float value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
}

MW_INLINE uint32_t mw_bits_of_float(float value)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    return bits;
}

/* 2**n for -126 <= n <= 127. */
MW_INLINE float mw_power_of_two(int32_t n) { return mw_float_of_bits((uint32_t)(n + 127) << 23); }

/* exp(x); 0 below -104, infinity above 88.73, NaN for NaN. */
MW_INLINE float mw_exp_f32(float x)
{
    if (x != x) {
        return x;
    }
    if (x > 88.73f) {
        return mw_float_of_bits(0x7F800000u);
    }
    if (x < -104.0f) {
        return 0.0f;
    }
    /* x = n * ln 2 + r, ln 2 in two parts of which the first times n is exact. */
    const float scaled = x * 0x1.715476p+0f;
    const int32_t n = (int32_t)(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
    const float r = (x - (float)n * 0x1.62e4p-1f) - (float)n * 0x1.7f7d1cp-20f;
    float q = 0x1.6d4328p-10f;
    q = q * r + 0x1.120b74p-7f;
    q = q * r + 0x1.5554eap-5f;
    q = q * r + 0x1.5554dcp-3f;
    q = q * r + 0.5f;
    const float result = (q * r * r + r) + 1.0f;
    /* In two steps: 2**n alone need not be a normal number. */
    const int32_t half = n / 2;
    return result * mw_power_of_two(half) * mw_power_of_two(n - half);
}

/* Natural logarithm of a positive, normal, finite x. */
MW_INLINE float mw_log_f32(float x)
{
    uint32_t bits = mw_bits_of_float(x);
    /* x = m * 2**n with m in [sqrt 1/2, sqrt 2). */
    const int32_t n = (int32_t)((bits - 0x3F3504F3u) >> 23) - ((bits < 0x3F3504F3u) ? 512 : 0);
    bits -= (uint32_t)n << 23;
    const float f = mw_float_of_bits(bits) - 1.0f;
    const float s = f / (2.0f + f);
    const float z = s * s;
    float p = 0x1.ddd86cp-3f;
    p = p * z + 0x1.245c14p-2f;
    p = p * z + 0x1.9999ecp-2f;
    p = p * z + 0x1.555556p-1f;
    /* log m = 2 s + s z p = f - s (f - z p). */
    const float tail = (float)n * 0x1.7f7d1cp-20f - s * (f - z * p);
    return (float)n * 0x1.62e4p-1f + (f + tail);
}

/* tanh(x). */
MW_INLINE float mw_tanh_f32(float x)
{
    const float magnitude = x < 0.0f ? -x : x;
    if (magnitude < 0.625f) {
        const float z = x * x;
        float p = 0x1.2b935cp-9f;
        p = p * z - 0x1.112716p-7f;
        p = p * z + 0x1.649bc6p-6f;
        p = p * z - 0x1.ba0788p-5f;
        p = p * z + 0x1.1110e4p-3f;
        p = p * z - 0x1.555556p-2f;
        return x + x * z * p;
    }
    if (x != x) {
        return x;
    }
    const float result =
        magnitude > 9.1f ? 1.0f : 1.0f - 2.0f / (mw_exp_f32(2.0f * magnitude) + 1.0f);
    return x < 0.0f ? -result : result;
}

/* 1 / (1 + exp(-x)). */
MW_INLINE float mw_logistic_f32_of(float x)
{
    const float exponential = mw_exp_f32(x < 0.0f ? x : -x);
    return (x < 0.0f ? exponential : 1.0f) / (1.0f + exponential);
}

/* x cut by an activation: 0 none, 1 ReLU, 2 ReLU6, 3 ReLU -1..1. NaN stays. */
MW_INLINE float mw_activate_f32(float x, int32_t activation)
{
    const float low = activation == 3 ? -1.0f : 0.0f;
    const float high = activation == 3 ? 1.0f : 6.0f;
    if (activation != 0 && x < low) {
        return low;
    }
    return activation >= 2 && x > high ? high : x;
}

#endif
