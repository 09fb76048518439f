/*
 * Top-k, top-p and min-p as one threshold on the logits, ties kept.
 *
 * The threshold of top-k is the k-th largest logit; that of top-p (nucleus sampling, Holtzman et al. 2020) the largest
 * one whose tokens, with all larger ones, have the probability p. Both are a radix select, with weight 1 or 2^(c z):
 * three passes that each settle 11 bits of the answer by a histogram. No sorting, no memory that grows with V.
 */
#pragma once
#include <cmath>
#include <cstring>

#include "vocab_sums.h"

namespace intuitor::INTUITOR_ISA {

/* Order-preserving: a < b as floats if and only if key(a) < key(b); -0 counts as 0. */
inline vu float_key(vf a) {
    vi bits = as_int(a + zero());
    return (vu)(bits ^ (bits >> 31 | (int32_t)0x80000000));
}
inline float key_float(uint32_t key) { return __builtin_bit_cast(float, key >> 31 ? key & 0x7fffffffu : ~key); }

struct UnitWeight {
    vf operator()(vf) const { return set1(1.0f); }
};
struct ProbabilityWeight {
    vf maximum, c;
    vf operator()(vf z) const { return exp2((z - maximum) * c); }
};

/*
 * The largest t for which the logits z >= t of z[0..n) weigh at least `target`, of those that are >= floor; floor where
 * all of them together do not. The target is `amount`, or this share of what all of them weigh.
 */
template <class T, class Weight>
inline float weighted_select(const T *z, int64_t n, float floor, Weight weight, double amount, bool share) {
    double bins[2048], target = amount, above = 0;
    uint32_t prefix = 0, settled = 0; // the answer's key, and which bits of it are known
    const int shifts[3] = {21, 10, 0};
    for (int shift : shifts) {
        const uint32_t bin_mask = shift ? 2047 : 1023;
        /* The range of the keys with this prefix, with infinity where a key is that of a NaN. */
        float low = key_float(prefix), high = key_float(prefix | ~settled);
        if (!(low > floor)) low = floor;
        if (std::isnan(high)) high = __builtin_inff();
        memset(bins, 0, sizeof bins);
        each_vector(n, [&](int64_t i, auto count) {
            vf v = fill(load(z + i, count), set1(NAN), count);
            uint32_t in = lanes(at_least(v, set1(low))) & lanes(at_least(set1(high), v));
            if (!in) return;
            uint32_t keys[W];
            float weights[W];
            vu key = float_key(v);
            memcpy(keys, &key, sizeof keys);
            store(weights, weight(v));
            for (; in; in &= in - 1) {
                int lane = __builtin_ctz(in);
                if ((keys[lane] & settled) == prefix) bins[keys[lane] >> shift & bin_mask] += weights[lane];
            }
        });
        if (share) {
            double all = 0;
            for (double bin : bins) all += bin;
            target = amount * all;
            share = false;
        }
        int bin = (int)bin_mask;
        while (bin >= 0 && above + bins[bin] < target) above += bins[bin--];
        if (bin < 0) return floor;
        prefix |= (uint32_t)bin << shift;
        settled |= bin_mask << shift;
    }
    return key_float(prefix);
}

/* Tokens of z[0..n) with a logit below this are not drawn; temperature > 0. */
template <class T> inline float token_threshold(const T *z, int64_t n, const it_sampling &sampling) {
    float threshold = -__builtin_inff(), maximum = largest(z, n);
    if (!(maximum > threshold)) return threshold;
    if (sampling.top_k > 0 && sampling.top_k < n) {
        threshold = weighted_select(z, n, threshold, UnitWeight{}, sampling.top_k, false);
    }
    if (sampling.top_p < 1) {
        ProbabilityWeight weight = {set1(maximum), set1((float)(LOG2_E / sampling.temperature))};
        threshold = weighted_select(z, n, threshold, weight, sampling.top_p, true);
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
