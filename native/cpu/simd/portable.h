/* simd.h's vectors in the compiler's own vector types: 4 floats, SSE2 on x86-64 and NEON on AArch64. */
#pragma once
#include <cmath>

namespace intuitor::INTUITOR_ISA {

constexpr int W = 4;
constexpr bool FUSED = false;
typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));
typedef uint64_t vq __attribute__((vector_size(16)));
using vm = vi;

inline vf set1(float a) { return vf{a, a, a, a}; }
inline vm first_lanes(int n) { return vi{0, 1, 2, 3} < n; }
inline vf load_partial(const float *p, int n) {
    vf a = {};
    for (int i = 0; i < n; i++) a[i] = p[i];
    return a;
}
inline void store_partial(float *p, vf a, int n) {
    for (int i = 0; i < n; i++) p[i] = a[i];
}
inline vf load(const float *p) {
    vf a;
    __builtin_memcpy(&a, p, sizeof a);
    return a;
}
inline void store(float *p, vf a) { __builtin_memcpy(p, &a, sizeof a); }

/* Not fused on the baseline of x86-64: code that relies on a single rounding must not use it. */
inline vf fma(vf a, vf b, vf c) { return a * b + c; }
/* Like the x86 instructions: b where either is NaN. */
inline vf max(vf a, vf b) { return a > b ? a : b; }
inline vf min(vf a, vf b) { return a < b ? a : b; }
inline vf sqrt(vf a) { return vf{std::sqrt(a[0]), std::sqrt(a[1]), std::sqrt(a[2]), std::sqrt(a[3])}; }
/* To the nearest integer by the adder's own rounding; |a| < 2^22. */
inline vf round(vf a) {
    const vf magic = set1(12582912.0f);
    return (a + magic) - magic;
}

inline vm less(vf a, vf b) { return a < b; }
inline vm at_least(vf a, vf b) { return a >= b; }
inline vm equal(vf a, vf b) { return a == b; }
inline vm is_nan(vf a) { return a != a; }
inline vf select(vm m, vf a, vf b) { return m ? a : b; }
inline uint32_t lanes(vm m) { return (m[0] & 1) | (m[1] & 2) | (m[2] & 4) | (m[3] & 8); }

inline vi as_int(vf a) { return (vi)a; }
inline vf as_float(vi a) { return (vf)a; }
/* Truncates, where the other instruction sets round: give it whole numbers. */
inline vi to_int(vf a) { return __builtin_convertvector(a, vi); }
inline vf to_float(vi a) { return __builtin_convertvector(a, vf); }

/* a * 2^n in two steps, so that the result may be subnormal; -252 <= n <= 254. */
inline vf scale(vf a, vf n) {
    vi i = to_int(n), half = i >> 1;
    return a * as_float((half + 127) << 23) * as_float((i - half + 127) << 23);
}

/* The 64-bit products of the low halves of 64-bit lanes. */
inline vq multiply_low(vq a, vq b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }

/* Transposes the 4 x 4 matrix x[0..3]. */
inline void transpose_lanes(vu x[4]) {
    for (int i = 0; i < W; i++) {
        for (int j = 0; j < i; j++) {
            uint32_t swapped = x[i][j];
            x[i][j] = x[j][i];
            x[j][i] = swapped;
        }
    }
}

inline float reduce_add(vf a) { return (a[0] + a[2]) + (a[1] + a[3]); }
inline float reduce_max(vf a) {
    float x = a[0] > a[2] ? a[0] : a[2], y = a[1] > a[3] ? a[1] : a[3];
    return x > y ? x : y;
}

template <class T> inline vf load_converted(const T *p, int n) {
    vf a = {};
    for (int i = 0; i < n; i++) a[i] = to_float(p[i]);
    return a;
}
inline vf load(const bf16 *p) { return load_converted(p, W); }
/* 2 W elements, first those with even, then those with odd index. */
inline void load_two(const bf16 *p, vf &a, vf &b) {
    for (int i = 0; i < W; i++) {
        a[i] = to_float(p[2 * i]);
        b[i] = to_float(p[2 * i + 1]);
    }
}
inline vf load(const f16 *p) { return load_converted(p, W); }
inline vf load_partial(const bf16 *p, int n) { return load_converted(p, n); }
inline vf load_partial(const f16 *p, int n) { return load_converted(p, n); }
inline void store_partial(bf16 *p, vf a, int n) {
    for (int i = 0; i < n; i++) p[i] = to_bf16(a[i]);
}
inline void store_partial(f16 *p, vf a, int n) {
    for (int i = 0; i < n; i++) p[i] = to_f16(a[i]);
}
inline void store(bf16 *p, vf a) { store_partial(p, a, W); }
inline void store(f16 *p, vf a) { store_partial(p, a, W); }

} // namespace intuitor::INTUITOR_ISA
