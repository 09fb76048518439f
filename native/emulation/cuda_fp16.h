/* Stands in for CUDA's header of this name, for the emulated device: IEEE half, rounding to nearest even. */
#pragma once
#include <cstdint>

struct __half {
    uint16_t bits;
};

inline float __half2float(__half a) {
    uint32_t sign = (uint32_t)(a.bits & 0x8000) << 16, exponent = (a.bits >> 10) & 31, mantissa = a.bits & 0x3ff;
    if (exponent == 31) return __builtin_bit_cast(float, sign | 0x7f800000 | mantissa << 13);
    if (exponent == 0) { // subnormal: mantissa * 2^-24, exact in fp32
        float value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    return __builtin_bit_cast(float, sign | (exponent + 112) << 23 | mantissa << 13);
}

inline __half __float2half_rn(float a) {
    uint32_t x = __builtin_bit_cast(uint32_t, a), sign = (x >> 16) & 0x8000, magnitude = x & 0x7fffffff;
    if (magnitude > 0x7f800000) return {0x7fff};
    if (magnitude >= 0x47800000) return {(uint16_t)(sign | 0x7c00)}; // 2^16 and more: infinity
    if (magnitude < 0x38800000) { // below 2^-14: the adder rounds to multiples of 2^-24
        float shifted = __builtin_bit_cast(float, magnitude) + 0.5f;
        return {(uint16_t)(sign | (__builtin_bit_cast(uint32_t, shifted) - 0x3f000000))};
    }
    uint32_t rounded = magnitude - (112u << 23) + 0xfff + ((magnitude >> 13) & 1);
    return {(uint16_t)(sign | rounded >> 13)};
}
