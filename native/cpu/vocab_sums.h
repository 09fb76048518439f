/*
 * One pass over a row of logits z [V]: the sums that logsumexp, entropy and self-certainty are made of.
 *
 * With c = log2(e) / temperature and t_j = c z_j - shift:   sum = sum_j 2^t_j,   weighted = sum_j 2^t_j t_j.
 * The shift need not be the row's maximum, only near enough to log2 of the sum for fp32: it comes from the first logits
 * of a segment and is kept until a sum outgrows a limit. That saves the second look at each chunk which an online
 * maximum needs. It is a whole number: c z - shift is rounded once, by a fused multiply-add, and large logits lose
 * nothing.
 *
 * A row is split into fixed segments, which are the items that threads share, and a segment into chunks. A chunk whose
 * sums are out of range (a logit of -inf or NaN, an overflow) is done again by a careful loop.
 */
#pragma once
#include <cmath>

#include "constants.h"
#include "intuitor.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

constexpr int64_t VOCAB_SEGMENT = IT_VOCAB_SEGMENT, VOCAB_CHUNK = 1024;

inline int64_t vocab_segments(int64_t V) { return (V + VOCAB_SEGMENT - 1) / VOCAB_SEGMENT; }

/* Sums at one temperature, relative to 2^shift; sum is 0 where there was nothing to add. */
struct Moments {
    double shift = 0, sum = 0, weighted = 0;

    void add(const Moments &other) {
        if (other.sum == 0) return;
        if (sum == 0) {
            *this = other;
            return;
        }
        double highest = shift > other.shift ? shift : other.shift;
        double own = shift - highest, others = other.shift - highest;
        double a = std::exp2(own), b = std::exp2(others);
        weighted = (weighted + sum * own) * a + (other.weighted + other.sum * others) * b;
        sum = sum * a + other.sum * b;
        shift = highest;
    }
};

/* What a segment, or a whole row, comes to. */
struct VocabSums {
    Moments main, certainty; // at `temperature` and, where that differs, at `certainty_temperature`
    double total = 0;        // sum of c z_j, with the c of the certainty temperature

    void add(const VocabSums &other) {
        main.add(other.main);
        certainty.add(other.certainty);
        total += other.total;
    }
};

/* The scale c of a temperature, rounded to fp32 as the vectors use it. */
struct VocabScale {
    float temperature, c;

    explicit VocabScale(float temperature) : temperature(temperature), c((float)(LOG2_E / temperature)) {}
    /* From c z to z / temperature; c's rounding cancels. */
    double natural(double c_z) const { return c_z / ((double)c * temperature); }
};

/* t = c z - shift; without a fused multiply-add the difference comes first, c (z - reference). */
struct Exponent {
    vf c, offset;
    double shift;

    Exponent(float scale, float reference) {
        c = set1(scale);
        shift = FUSED ? std::rint((double)scale * reference) : (double)scale * reference;
        offset = set1(FUSED ? (float)-shift : -reference);
    }
    vf operator()(vf z) const { return FUSED ? fma(z, c, offset) : (z + offset) * c; }
};

inline double sum_of_lanes(vf a) {
    float x[W];
    store(x, a);
    double sums[4] = {};
    for (int i = 0; i < W; i++) sums[i % 4] += x[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* The largest of z[0..n), NaN ignored; -inf where there is none. */
template <class T> inline float largest(const T *z, int64_t n) {
    const vf least = set1(-__builtin_inff());
    vf m = least;
    each_vector(n, [&](int64_t i, auto count) { m = max(fill(load(z + i, count), least, count), m); });
    return reduce_max(m);
}

/* For callers of sum_segment that have no use for the chunks' maxima. */
struct NoChunkMax {};

/*
 * run(): the sums over z[begin..end), a segment. on_chunk(from, to, max) is called for every chunk, in order, while its
 * logits are in the cache; chunks begin at multiples of 64. TWO: the certainty temperature is not the main one.
 */
template <bool TWO, class T, class F> struct SegmentSummer {
    static constexpr bool MAX = !__is_same(F, NoChunkMax);
    static constexpr float NONE = -__builtin_inff();
    static constexpr int64_t STEP = 64;
    static constexpr int64_t SAMPLE = 256; // elements that the first reference comes from
    static constexpr int64_t AHEAD = 8192; // bytes: what the memory delivers while it answers
    static constexpr float LIMIT = 0x1p12f; // of a lane: the shift is then near enough to log2 of the sum

    const VocabScale main_scale, certainty_scale;
    Exponent main, certainty;
    float reference = NONE; // about the largest finite logit
    vf sum = zero(), weighted = zero(), sum_certainty = zero(), total = zero();
    int64_t counted = 0; // elements in these four
    VocabSums result;

    SegmentSummer(VocabScale main_scale, VocabScale certainty_scale)
        : main_scale(main_scale), certainty_scale(certainty_scale), main(main_scale.c, 0),
          certainty(certainty_scale.c, 0) {}

    VocabSums run(const T *z, int64_t begin, int64_t end, F &on_chunk) {
        for (int64_t from = begin, to; from < end; from = to) {
            int64_t left = end - from;
            to = from + (left >= VOCAB_CHUNK ? VOCAB_CHUNK : left >= STEP ? left & -STEP : left);
            if (reference == NONE) use_reference(largest(z + from, to - from < SAMPLE ? to - from : SAMPLE));
            float chunk_max = NONE;
            if (!(reference != NONE && left >= STEP && add_fast(z + from, to - from, chunk_max))) {
                chunk_max = add_carefully(z + from, to - from);
            }
            if constexpr (MAX) on_chunk(from, to, chunk_max);
        }
        flush();
        return result;
    }

    void flush() {
        result.main.add({main.shift, sum_of_lanes(sum), sum_of_lanes(weighted)});
        if (TWO) result.certainty.add({certainty.shift, sum_of_lanes(sum_certainty), 0});
        if (counted) result.total += sum_of_lanes(total) + (double)counted * (TWO ? certainty : main).shift;
        sum = weighted = sum_certainty = total = zero();
        counted = 0;
    }

    void use_reference(float z) {
        if (!(z > NONE && z < __builtin_inff())) return;
        flush();
        reference = z;
        main = Exponent(main_scale.c, z);
        certainty = Exponent(certainty_scale.c, z);
    }

    /* n: a multiple of STEP. False, and nothing is added, where the sums are out of range. */
    bool add_fast(const T *z, int64_t n, float &chunk_max) {
        vf s[2] = {}, w[2] = {}, c[2] = {}, a[2] = {}, m[2] = {set1(NONE), set1(NONE)};
        const Exponent t = main, tc = certainty;
        for (int64_t i = 0; i < n; i += STEP) {
            for (size_t line = 0; line < STEP * sizeof(T); line += 64) prefetch((const char *)(z + i) + AHEAD + line);
            for (int64_t k = 0; k < STEP; k += 2 * W) {
                vf pair[2];
                load_two(z + i + k, pair[0], pair[1]);
                for (int h = 0; h < 2; h++) { // two chains of additions: one would wait for itself
                    vf e = t(pair[h]), p = exp2_normal(e);
                    s[h] += p;
                    w[h] = fma(p, e, w[h]);
                    if (TWO) {
                        e = tc(pair[h]);
                        c[h] += exp2_normal(e);
                    }
                    a[h] += e;
                    if (MAX) m[h] = max(pair[h], m[h]);
                }
            }
        }
        vf s2 = s[0] + s[1], w2 = w[0] + w[1], c2 = c[0] + c[1], a2 = a[0] + a[1], finite = w2 + a2;
        if (!all(less(s2 + c2, set1(LIMIT))) || !all(equal(finite - finite, zero()))) return false;
        sum += s2;
        weighted += w2;
        sum_certainty += c2;
        total += a2;
        counted += n;
        if (MAX) chunk_max = reduce_max(max(m[0], m[1]));
        return true;
    }

    /* Any logits, any n; returns their maximum. */
    float add_carefully(const T *z, int64_t n) {
        float m = largest(z, n);
        if (m > reference) use_reference(m);
        each_vector(n, [&](int64_t i, auto count) {
            vf v = load(z + i, count), e = main(v), p = fill(exp2(e), zero(), count);
            sum += p;
            weighted = fma(p, max(set1(-1e4f), e), weighted); // 0 rather than 0 * -inf
            if (TWO) {
                e = certainty(v);
                sum_certainty += fill(exp2(e), zero(), count);
            }
            total += fill(e, zero(), count);
        });
        counted += n;
        return m;
    }
};

/* The temperatures of a call. */
struct VocabScales {
    VocabScale main, certainty;
    bool two; // they differ

    VocabScales(float temperature, float certainty_temperature)
        : main(temperature), certainty(certainty_temperature), two(temperature != certainty_temperature) {}
};

/* What a call wants of each row, each optional; the definitions are the ABI's. */
struct VocabOutputs : VocabScales {
    float *lse, *logprob, *entropy, *self_certainty;
    double V, log_V;

    VocabOutputs(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, VocabScales scales, int64_t V)
        : VocabScales(scales), lse((float *)lse), logprob((float *)logprob), entropy((float *)entropy),
          self_certainty((float *)self_certainty), V((double)V), log_V(std::log((double)V)) {}

    void write(int64_t n, const VocabSums &row, float target_logit) const {
        double log2_sum = std::log2(row.main.sum), certainty_log2 = log2_sum + row.main.shift;
        double main_lse = main.natural(certainty_log2);
        if (std::isnan(row.total)) main_lse = NAN;
        if (lse) lse[n] = (float)main_lse;
        if (logprob) logprob[n] = (float)((double)target_logit / main.temperature - main_lse);
        if (entropy) entropy[n] = (float)((log2_sum - row.main.weighted / row.main.sum) * LN_2);
        if (self_certainty) {
            if (two) certainty_log2 = std::log2(row.certainty.sum) + row.certainty.shift;
            self_certainty[n] = (float)(certainty.natural(certainty_log2 - row.total / V) - log_V);
        }
    }
};

template <class T, class F>
inline VocabSums sum_segment(const T *z, int64_t begin, int64_t end, const VocabScales &scales, F &on_chunk) {
    return scales.two ? SegmentSummer<true, T, F>(scales.main, scales.certainty).run(z, begin, end, on_chunk)
                      : SegmentSummer<false, T, F>(scales.main, scales.certainty).run(z, begin, end, on_chunk);
}

} // namespace intuitor::INTUITOR_ISA
