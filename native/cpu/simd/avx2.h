/* simd.h's vectors on AVX2 with FMA and F16C: 8 floats, masks as all-ones lanes. */
#pragma once
#include <immintrin.h>

namespace intuitor::INTUITOR_ISA {

constexpr int W = 8;
constexpr bool FUSED = true;
using vf = __m256;
typedef int32_t vi __attribute__((vector_size(32)));
typedef uint32_t vu __attribute__((vector_size(32)));
typedef uint64_t vq __attribute__((vector_size(32)));
using vm = __m256;

inline vf set1(float a) { return _mm256_set1_ps(a); }
inline vf load(const float *p) { return _mm256_loadu_ps(p); }
inline void store(float *p, vf a) { _mm256_storeu_ps(p, a); }
inline __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline vm first_lanes(int n) { return _mm256_castsi256_ps(first(n)); }
inline vf load_partial(const float *p, int n) { return _mm256_maskload_ps(p, first(n)); }
inline void store_partial(float *p, vf a, int n) { _mm256_maskstore_ps(p, first(n), a); }

inline vf fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
inline vf max(vf a, vf b) { return _mm256_max_ps(a, b); }
inline vf min(vf a, vf b) { return _mm256_min_ps(a, b); }
inline vf sqrt(vf a) { return _mm256_sqrt_ps(a); }
inline vf round(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

inline vm less(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
inline vm at_least(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
inline vm equal(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
inline vm is_nan(vf a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
inline vf select(vm m, vf a, vf b) { return _mm256_blendv_ps(b, a, m); }
inline uint32_t lanes(vm m) { return (uint32_t)_mm256_movemask_ps(m); }

inline vi as_int(vf a) { return (vi)_mm256_castps_si256(a); }
inline vf as_float(vi a) { return _mm256_castsi256_ps((__m256i)a); }
inline vi to_int(vf a) { return (vi)_mm256_cvtps_epi32(a); }
inline vf to_float(vi a) { return _mm256_cvtepi32_ps((__m256i)a); }

/* a * 2^n in two steps, so that the result may be subnormal; -252 <= n <= 254. */
inline vf scale(vf a, vf n) {
    vi i = to_int(n), half = i >> 1;
    return a * as_float((half + 127) << 23) * as_float((i - half + 127) << 23);
}

/* The 64-bit products of the low halves of 64-bit lanes. */
inline vq multiply_low(vq a, vq b) { return (vq)_mm256_mul_epu32((__m256i)a, (__m256i)b); }

/* Transposes the 4 x 4 matrices that the 128-bit lanes of x[0..3] make up. */
inline void transpose_lanes(vu x[4]) {
    __m256i a = _mm256_unpacklo_epi32((__m256i)x[0], (__m256i)x[1]);
    __m256i b = _mm256_unpackhi_epi32((__m256i)x[0], (__m256i)x[1]);
    __m256i c = _mm256_unpacklo_epi32((__m256i)x[2], (__m256i)x[3]);
    __m256i d = _mm256_unpackhi_epi32((__m256i)x[2], (__m256i)x[3]);
    x[0] = (vu)_mm256_unpacklo_epi64(a, c);
    x[1] = (vu)_mm256_unpackhi_epi64(a, c);
    x[2] = (vu)_mm256_unpacklo_epi64(b, d);
    x[3] = (vu)_mm256_unpackhi_epi64(b, d);
}

inline float reduce_add(vf a) {
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
inline float reduce_max(vf a) {
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}

inline vf widen_bf16(__m128i a) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16));
}
inline __m128i narrow_bf16(vf a) {
    __m256i x = _mm256_castps_si256(a);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(x, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i quiet = _mm256_or_si256(x, _mm256_set1_epi32(0x400000));
    __m256i y = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(is_nan(a))), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
}
inline __m128i load_first16(const void *p, int n) {
    alignas(16) uint16_t x[8] = {};
    __builtin_memcpy(x, p, 2 * (size_t)n);
    return _mm_load_si128((const __m128i *)x);
}
inline void store_first16(void *p, __m128i a, int n) {
    alignas(16) uint16_t x[8];
    _mm_store_si128((__m128i *)x, a);
    __builtin_memcpy(p, x, 2 * (size_t)n);
}
inline vf load(const bf16 *p) { return widen_bf16(_mm_loadu_si128((const __m128i *)p)); }
/* 2 W elements, first those with even, then those with odd index. */
inline void load_two(const bf16 *p, vf &a, vf &b) {
    __m256i x = _mm256_loadu_si256((const __m256i *)p);
    a = _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
    b = _mm256_castsi256_ps(_mm256_and_si256(x, _mm256_set1_epi32((int)0xffff0000)));
}
inline vf load_partial(const bf16 *p, int n) { return widen_bf16(load_first16(p, n)); }
inline void store(bf16 *p, vf a) { _mm_storeu_si128((__m128i *)p, narrow_bf16(a)); }
inline void store_partial(bf16 *p, vf a, int n) { store_first16(p, narrow_bf16(a), n); }

inline __m128i narrow_f16(vf a) { return _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline vf load(const f16 *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
inline vf load_partial(const f16 *p, int n) { return _mm256_cvtph_ps(load_first16(p, n)); }
inline void store(f16 *p, vf a) { _mm_storeu_si128((__m128i *)p, narrow_f16(a)); }
inline void store_partial(f16 *p, vf a, int n) { store_first16(p, narrow_f16(a), n); }

} // namespace intuitor::INTUITOR_ISA
