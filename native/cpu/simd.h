/*
 * A thin vector layer, one per instruction set (INTUITOR_ISA = portable, avx2, avx512): a kernel is written once.
 *
 *   W                          floats in a vector
 *   vf, vi, vu, vq             W floats, int32, uint32, W / 2 uint64; + - * / work, and << >> & | ^ on integers
 *   vm                         a mask: less, at_least, equal, is_nan; select(m, a, b) = m ? a : b; all(m);
 *                              lanes(m) = bit i for lane i
 *   load, store                unaligned, of float, bf16 or f16 (converted to and from fp32)
 *   load_partial, store_partial  (p, n), (p, a, n): the first n < W elements; other lanes read as 0, are not written
 *   load_two(p, a, b)          2 W elements in whatever order is fastest: for sums
 *   each_vector(n, f)          f(i, count) over [0, n); load(p, count) and store(p, a, count) are partial in the last
 *                              call only
 *   sum_vectors(n, f)          the sum of f(i, count) over [0, n)
 *   fill(a, b, count)          a, and b in the lanes beyond count
 *   fma(a, b, c)               a * b + c, rounded once where FUSED
 *   max, min                   b where either is NaN
 *   sqrt, abs, round, scale    round: to nearest; scale(a, n) = a * 2^n
 *   reduce_add, reduce_max     over the lanes, in a fixed order
 *   exp, exp2, log, sigmoid    relative error below 2e-7, NaN gives NaN
 *   exp2_normal                2^x for sums that look for infinities and NaN afterwards: relative error below 3e-7,
 *                              a finite x below -126 gives nearly 0, above 127 at least 2^126, an infinity maybe NaN
 *   prefetch(p)                asks for the cache line of p, which need not exist
 *
 * The sum of a row differs in its last bits between instruction sets, never between thread counts or calls.
 */
#pragma once
#include <cstddef>
#include <cstdint>

#include "half.h"

#define INTUITOR_ISA_portable 1
#define INTUITOR_ISA_avx2 2
#define INTUITOR_ISA_avx512 3
#define INTUITOR_ISA_NUMBER_(isa) INTUITOR_ISA_##isa
#define INTUITOR_ISA_NUMBER(isa) INTUITOR_ISA_NUMBER_(isa)
#if INTUITOR_ISA_NUMBER(INTUITOR_ISA) == INTUITOR_ISA_avx512
#include "simd/avx512.h"
#elif INTUITOR_ISA_NUMBER(INTUITOR_ISA) == INTUITOR_ISA_avx2
#include "simd/avx2.h"
#else
#include "simd/portable.h"
#endif

namespace intuitor::INTUITOR_ISA {

inline vf zero() { return vf{}; }
inline void prefetch(const void *p) { __builtin_prefetch(p); }
inline bool all(vm m) { return lanes(m) == (1u << W) - 1; }
inline void load_two(const float *p, vf &a, vf &b) {
    a = load(p);
    b = load(p + W);
}

/* How many elements of a vector a step of each_vector works on: all W (known at compile time), or n. */
struct Full {};
struct Part {
    int n;
};
template <class T> inline vf load(const T *p, Full) { return load(p); }
template <class T> inline vf load(const T *p, Part count) { return load_partial(p, count.n); }
template <class T> inline void store(T *p, vf a, Full) { store(p, a); }
template <class T> inline void store(T *p, vf a, Part count) { store_partial(p, a, count.n); }
/* a, with `other` in the lanes that a partial step does not have. */
inline vf fill(vf a, vf, Full) { return a; }
inline vf fill(vf a, vf other, Part count) { return select(first_lanes(count.n), a, other); }
template <class F> __attribute__((always_inline)) inline void each_vector(int64_t n, F f) {
    int64_t i = 0;
    for (; i + W <= n; i += W) f(i, Full{});
    if (i < n) f(i, Part{(int)(n - i)});
}

/* The sum of f(i, count), as of each_vector, in four accumulators; lanes beyond count must be 0. */
template <class F> __attribute__((always_inline)) inline vf sum_vectors(int64_t n, F f) {
    vf sums[4] = {zero(), zero(), zero(), zero()};
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
        for (int k = 0; k < 4; k++) sums[k] += f(i + k * W, Full{});
    }
    for (; i + W <= n; i += W) sums[0] += f(i, Full{});
    if (i < n) sums[0] += f(i, Part{(int)(n - i)});
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

inline vf abs(vf a) { return as_float(as_int(a) & 0x7fffffff); }

/* e^x: n = round(x / ln 2), r = x - n ln 2 (ln 2 in two parts), Taylor-like minimax polynomial on |r| <= ln(2)/2. */
inline vf exp(vf x) {
    x = min(set1(89.0f), max(set1(-104.0f), x)); // beyond: infinity, 0; a NaN passes both
    vf n = round(x * set1(1.44269504f));
    vf r = fma(n, set1(-0.693359375f), x);
    r = fma(n, set1(2.12194440e-4f), r);
    vf p = set1(1.9875691500e-4f);
    p = fma(p, r, set1(1.3981999507e-3f));
    p = fma(p, r, set1(8.3334519073e-3f));
    p = fma(p, r, set1(4.1665795894e-2f));
    p = fma(p, r, set1(1.6666665459e-1f));
    p = fma(p, r, set1(5.0000001201e-1f));
    p = fma(p * r, r, r + set1(1.0f));
    return scale(p, n);
}

/* 2^x: minimax polynomial of degree 5 on the fraction, |f| <= 1/2, exact at 0. */
inline vf exp2_polynomial(vf f) {
    vf p = set1(1.3264720366e-3f);
    p = fma(p, f, set1(9.6715130223e-3f));
    p = fma(p, f, set1(5.5507337777e-2f));
    p = fma(p, f, set1(2.4022242077e-1f));
    p = fma(p, f, set1(6.9314697756e-1f));
    return fma(p, f, set1(1.0f));
}
#if INTUITOR_ISA_NUMBER(INTUITOR_ISA) != INTUITOR_ISA_avx512 // which has a cheaper one
inline vf exp2_normal(vf x) {
    x = min(set1(127.0f), max(set1(-126.0f), x));
    vf n = round(x);
    return as_float(as_int(exp2_polynomial(x - n)) + (to_int(n) << 23));
}
#endif
/* 2^x. */
inline vf exp2(vf x) {
    x = min(set1(129.0f), max(set1(-151.0f), x));
    vf n = round(x);
    return scale(exp2_polynomial(x - n), n);
}

/* x = 2^n (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), for positive normal x. */
inline void split_exponent(vf x, vf &n, vf &f) {
    vi bits = as_int(x) - 0x3f3504f3; // counted from sqrt(1/2)
    n = to_float(bits >> 23);
    f = as_float((bits & 0x7fffff) + 0x3f3504f3) - set1(1.0f);
}

/* n ln 2 + ln(1 + f), ln(1 + f) = f - f^2/2 + f^3 P(f). */
inline vf log_of_split(vf n, vf f) {
    vf square = f * f;
    vf p = set1(7.0376836292e-2f);
    p = fma(p, f, set1(-1.1514610310e-1f));
    p = fma(p, f, set1(1.1676998740e-1f));
    p = fma(p, f, set1(-1.2420140846e-1f));
    p = fma(p, f, set1(1.4249322787e-1f));
    p = fma(p, f, set1(-1.6668057665e-1f));
    p = fma(p, f, set1(2.0000714765e-1f));
    p = fma(p, f, set1(-2.4999993993e-1f));
    p = fma(p, f, set1(3.3333331174e-1f));
    p = fma(p, f * square, n * set1(-2.12194440e-4f));
    p = fma(square, set1(-0.5f), p);
    return fma(n, set1(0.693359375f), p + f);
}

/* ln x of positive normal numbers. */
inline vf log_normal(vf x) {
    vf n, f;
    split_exponent(x, n, f);
    return log_of_split(n, f);
}

/* ln x; 0 gives -inf, x < 0 NaN. */
inline vf log(vf x) {
    vm subnormal = less(x, set1(1.17549435e-38f));
    vf n, f;
    split_exponent(select(subnormal, x * set1(16777216.0f), x), n, f);
    vf result = log_of_split(n - select(subnormal, set1(24.0f), zero()), f);
    const vf infinity = set1(__builtin_inff());
    result = select(less(x, infinity), result, x); // infinity and NaN
    result = select(equal(x, zero()), -infinity, result);
    return select(less(x, zero()), set1(__builtin_nanf("")), result);
}

inline vf sigmoid(vf x) { return set1(1.0f) / (set1(1.0f) + exp(-x)); }

} // namespace intuitor::INTUITOR_ISA
