/* simd.h's vectors on AVX-512 (F, BW, DQ, VL): 16 floats, masks in k registers. */
#pragma once
#include <immintrin.h>

namespace intuitor::INTUITOR_ISA {

constexpr int W = 16;
constexpr bool FUSED = true;
using vf = __m512;
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef uint64_t vq __attribute__((vector_size(64)));
using vm = __mmask16;

inline vf set1(float a) { return _mm512_set1_ps(a); }
inline vf load(const float *p) { return _mm512_loadu_ps(p); }
inline void store(float *p, vf a) { _mm512_storeu_ps(p, a); }
inline __mmask16 first(int n) { return (__mmask16)((1u << n) - 1); }
inline vm first_lanes(int n) { return first(n); }
inline vf load_partial(const float *p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
inline void store_partial(float *p, vf a, int n) { _mm512_mask_storeu_ps(p, first(n), a); }

inline vf fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
inline vf max(vf a, vf b) { return _mm512_max_ps(a, b); }
inline vf min(vf a, vf b) { return _mm512_min_ps(a, b); }
inline vf sqrt(vf a) { return _mm512_sqrt_ps(a); }
inline vf round(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline vf scale(vf a, vf n) { return _mm512_scalef_ps(a, n); }

inline vm less(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
inline vm at_least(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
inline vm equal(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
inline vm is_nan(vf a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
inline vf select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); }
inline uint32_t lanes(vm m) { return m; }

inline vi as_int(vf a) { return (vi)_mm512_castps_si512(a); }
inline vf as_float(vi a) { return _mm512_castsi512_ps((__m512i)a); }
inline vi to_int(vf a) { return (vi)_mm512_cvtps_epi32(a); }
inline vf to_float(vi a) { return _mm512_cvtepi32_ps((__m512i)a); }

/*
 * 2^x = 2^floor(n) 2^(n - floor(n)) 2^g for sums, where n = x rounded to 1/32, less 46/32. The adder rounds: a float as
 * large as `magic` counts in 1/32, and leaves 32 n, modulo 32, in its low bits as the index of the table. 2^g is a
 * parabola without a linear term, a (g^2 + k), which fits near g = 1 / ln 2; hence the 46/32. Relative error of the fit
 * 1.3e-7, with rounding 3e-7, without bias. vscalefps takes any n and the floor itself.
 */
struct Exp2Table {
    alignas(64) float a[32];
    constexpr Exp2Table() : a() {
        for (int i = 0; i < 32; i++) a[i] = (float)(0.65302044793 * __builtin_exp2((i + 32 - 46 % 32) % 32 / 32.0));
    }
};
inline constexpr Exp2Table EXP2_TABLE;
inline vf exp2_normal(vf x) {
    const vf magic = set1(393216), magic_less_46 = set1(393216 + 46 / 32.0f), k = set1(2.0812599810f);
    vf u = x + magic, n = u - magic_less_46, g = x - n;
    vf a = _mm512_permutex2var_ps(load(EXP2_TABLE.a), _mm512_castps_si512(u), load(EXP2_TABLE.a + 16));
    return _mm512_scalef_ps(a * fma(g, g, k), n);
}

/* The 64-bit products of the low halves of 64-bit lanes. */
inline vq multiply_low(vq a, vq b) { return (vq)_mm512_mul_epu32((__m512i)a, (__m512i)b); }

/* Transposes the 4 x 4 matrices that the 128-bit lanes of x[0..3] make up. */
inline void transpose_lanes(vu x[4]) {
    __m512i a = _mm512_unpacklo_epi32((__m512i)x[0], (__m512i)x[1]);
    __m512i b = _mm512_unpackhi_epi32((__m512i)x[0], (__m512i)x[1]);
    __m512i c = _mm512_unpacklo_epi32((__m512i)x[2], (__m512i)x[3]);
    __m512i d = _mm512_unpackhi_epi32((__m512i)x[2], (__m512i)x[3]);
    x[0] = (vu)_mm512_unpacklo_epi64(a, c);
    x[1] = (vu)_mm512_unpackhi_epi64(a, c);
    x[2] = (vu)_mm512_unpacklo_epi64(b, d);
    x[3] = (vu)_mm512_unpackhi_epi64(b, d);
}

inline float reduce_add(vf a) {
    __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
inline float reduce_max(vf a) { return _mm512_reduce_max_ps(a); }

inline vf widen_bf16(__m256i a) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16));
}
inline __m256i narrow_bf16(vf a) {
    __m512i x = _mm512_castps_si512(a);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_add_epi32(x, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __m512i quiet = _mm512_or_si512(x, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, is_nan(a), quiet), 16));
}
inline vf load(const bf16 *p) { return widen_bf16(_mm256_loadu_si256((const __m256i *)p)); }
/* 2 W elements, first those with even, then those with odd index. */
inline void load_two(const bf16 *p, vf &a, vf &b) {
    __m512i x = _mm512_loadu_si512(p);
    a = _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
    b = _mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32((int)0xffff0000)));
}
inline vf load_partial(const bf16 *p, int n) { return widen_bf16(_mm256_maskz_loadu_epi16(first(n), p)); }
inline void store(bf16 *p, vf a) { _mm256_storeu_si256((__m256i *)p, narrow_bf16(a)); }
inline void store_partial(bf16 *p, vf a, int n) { _mm256_mask_storeu_epi16(p, first(n), narrow_bf16(a)); }

inline __m256i narrow_f16(vf a) { return _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline vf load(const f16 *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
inline vf load_partial(const f16 *p, int n) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p)); }
inline void store(f16 *p, vf a) { _mm256_storeu_si256((__m256i *)p, narrow_f16(a)); }
inline void store_partial(f16 *p, vf a, int n) { _mm256_mask_storeu_epi16(p, first(n), narrow_f16(a)); }

} // namespace intuitor::INTUITOR_ISA
