/*
 * Top-k, top-p and min-p as one threshold on the logits, ties kept.
 *
 * The threshold of top-k is the k-th largest logit; that of top-p (nucleus sampling, Holtzman et al. 2020) the largest
 * one whose tokens, with all larger ones, have the probability p. Both are a radix select, with weight 1 or 2^(c z): three
 * passes that each settle 11 bits of the answer by a histogram. No sorting, no memory that grows with V.
 */
#pragma once
#include <cmath>

#include "vocab_sums.h"

namespace intuitor::INTUITOR_ISA {

/* Order-preserving: a < b as floats if and only if key(a) < key(b). */
inline uint32_t float_key(float a) {
    uint32_t bits = __builtin_bit_cast(uint32_t, a + 0.0f); // -0 counts as 0
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}
inline float key_float(uint32_t key) { return __builtin_bit_cast(float, key >> 31 ? key & 0x7fffffffu : ~key); }

struct UnitWeight {
    static constexpr bool UNIT = true;
    vf operator()(vf) const { return set1(1.0f); }
};
struct ProbabilityWeight {
    static constexpr bool UNIT = false;
    vf maximum, c;
    vf operator()(vf z) const { return exp2((z - maximum) * c); }
};

/*
 * The largest threshold t for which the logits z >= t of z[0..n) weigh at least `share` of all that are >= floor
 * (share < 0: at least -share, absolutely). floor where even all of them do not.
 */
template <class T, class Weight>
inline float weighted_select(const T *z, int64_t n, float floor, Weight weight, double share) {
    constexpr int BINS = 2048, BUFFER = 64;
    double bins[BINS];
    double target = -share, above = 0;
    uint32_t prefix = 0, prefix_mask = 0;
    const int shifts[3] = {21, 10, 0};
    for (int pass = 0; pass < 3; pass++) {
        const int shift = shifts[pass];
        const uint32_t bin_mask = pass < 2 ? 2047 : 1023;
        for (double &bin : bins) bin = 0;
        for (int64_t i = 0; i < n; i += BUFFER) {
            float value[BUFFER + W], w[BUFFER + W];
            int64_t size = n - i < BUFFER ? n - i : BUFFER;
            each_vector(size, [&](int64_t j, auto count) {
                vf v = load(z + i + j, count);
                store(value + j, v);
                store(w + j, weight(v));
            });
            for (int64_t j = 0; j < size; j++) {
                uint32_t key = float_key(value[j]);
                if (value[j] >= floor && (key & prefix_mask) == prefix) bins[key >> shift & bin_mask] += w[j];
            }
        }
        if (pass == 0 && share >= 0) {
            target = 0;
            for (double bin : bins) target += bin;
            target *= share;
        }
        int bin = (int)bin_mask;
        while (bin >= 0 && above + bins[bin] < target) above += bins[bin--];
        if (bin < 0) return floor;
        prefix |= (uint32_t)bin << shift;
        prefix_mask |= bin_mask << shift;
    }
    return key_float(prefix);
}

/* Tokens of z[0..n) with a logit below this are not drawn; temperature > 0. */
template <class T> inline float token_threshold(const T *z, int64_t n, const it_sampling &sampling) {
    float threshold = -__builtin_inff(), maximum = largest(z, n);
    if (!(maximum > threshold)) return threshold;
    if (sampling.top_k > 0 && sampling.top_k < n) {
        threshold = weighted_select(z, n, threshold, UnitWeight{}, -(double)sampling.top_k);
    }
    if (sampling.top_p < 1) {
        ProbabilityWeight weight = {set1(maximum), set1((float)(1.4426950408889634 / sampling.temperature))};
        threshold = weighted_select(z, n, threshold, weight, (double)sampling.top_p);
    }
    if (sampling.min_p > 0) {
        double least = maximum + (double)sampling.temperature * std::log((double)sampling.min_p);
        float rounded = (float)least;
        if (rounded < least) rounded = std::nextafter(rounded, maximum);
        if (rounded > threshold) threshold = rounded;
    }
    return threshold;
}

} // namespace intuitor::INTUITOR_ISA
