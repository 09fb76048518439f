/*
 * bf16 and IEEE f16 as storage types, and their scalar conversions (round to nearest even, NaN stays NaN, subnormals
 * are kept). Vector versions: simd.h.
 */
#pragma once
#include <cstdint>

namespace intuitor::INTUITOR_ISA {

struct bf16 {
    uint16_t bits;
};
struct f16 {
    uint16_t bits;
};

inline float to_float(float a) { return a; }
inline float to_float(bf16 a) { return __builtin_bit_cast(float, (uint32_t)a.bits << 16); }

inline bf16 to_bf16(float a) {
    uint32_t x = __builtin_bit_cast(uint32_t, a);
    if (a != a) return {(uint16_t)((x >> 16) | 0x40)};
    return {(uint16_t)((x + 0x7fff + ((x >> 16) & 1)) >> 16)};
}

inline float to_float(f16 a) {
    uint32_t sign = (uint32_t)(a.bits & 0x8000) << 16, exponent = (a.bits >> 10) & 31, mantissa = a.bits & 0x3ff;
    if (exponent == 31) { // infinity, or NaN made quiet
        return __builtin_bit_cast(float, sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
    }
    if (exponent == 0) { // subnormal: mantissa * 2^-24, exact in fp32
        float value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    return __builtin_bit_cast(float, sign | (exponent + 112) << 23 | mantissa << 13);
}

inline f16 to_f16(float a) {
    uint32_t x = __builtin_bit_cast(uint32_t, a), sign = (x >> 16) & 0x8000, magnitude = x & 0x7fffffff;
    if (magnitude > 0x7f800000) return {(uint16_t)(sign | 0x7e00 | ((x >> 13) & 0x3ff))};
    if (magnitude >= 0x47800000) return {(uint16_t)(sign | 0x7c00)}; // 2^16 and more: infinity
    if (magnitude < 0x38800000) { // below 2^-14: the adder rounds to multiples of 2^-24
        float shifted = __builtin_bit_cast(float, magnitude) + 0.5f;
        return {(uint16_t)(sign | (__builtin_bit_cast(uint32_t, shifted) - 0x3f000000))};
    }
    uint32_t rounded = magnitude - (112u << 23) + 0xfff + ((magnitude >> 13) & 1);
    return {(uint16_t)(sign | rounded >> 13)};
}

} // namespace intuitor::INTUITOR_ISA
