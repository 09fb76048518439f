/* Stands in for CUDA's header of this name, for the emulated device: bfloat16, rounding to nearest even. */
#pragma once
#include <cstdint>

struct __nv_bfloat16 {
    uint16_t bits;
};
struct alignas(4) __nv_bfloat162 {
    __nv_bfloat16 x, y;
};

inline float __bfloat162float(__nv_bfloat16 a) { return __builtin_bit_cast(float, (uint32_t)a.bits << 16); }
inline __nv_bfloat16 __float2bfloat16_rn(float a) {
    uint32_t x = __builtin_bit_cast(uint32_t, a);
    if (a != a) return {0x7fff};
    return {(uint16_t)((x + 0x7fff + ((x >> 16) & 1)) >> 16)};
}
inline __nv_bfloat162 __floats2bfloat162_rn(float a, float b) {
    return {__float2bfloat16_rn(a), __float2bfloat16_rn(b)};
}
